import type { Configured, Defaults } from '../../lib/config/action.ts';

/** The inputs as the component's `image` in the config file gives them. */
export function defaults({ config, component }: Configured): Defaults {
  const image = component && 'image' in component ? component.image : undefined;
  return {
    region: config.registry?.region,
    'registry-id': config.registry?.account,
    repository: image?.repository,
    context: image?.context,
    dockerfile: image?.dockerfile,
    target: image?.target,
    platforms: image?.platforms?.join(','),
    'build-args': lines(image?.['build-args']),
    labels: lines(image?.labels),
    'max-age': image?.['max-age'],
    tags: image?.tags && ['sha', ...image.tags].join('\n'),
  };
}

function lines(values: Record<string, unknown> | undefined): string | undefined {
  return (
    values &&
    Object.entries(values)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n')
  );
}
