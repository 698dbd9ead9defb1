import type { Configured, Defaults } from '../../lib/config/action.ts';
import { RULES } from './tags.ts';

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
    scan: image?.scan,
    'fail-on': image?.['fail-on'],
    'ignore-file': image?.['ignore-file'],
    'max-age': image?.['max-age'],
    tags: image?.tags && ['sha', ...image.tags.map(ruleOf)].join('\n'),
  };
}

/** The config file has rules and tags of one's own side by side. */
function ruleOf(tag: string): string {
  return RULES.has(tag) || tag.startsWith('raw=') ? tag : `raw=${tag}`;
}

function lines(values: Record<string, unknown> | undefined): string | undefined {
  return (
    values &&
    Object.entries(values)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n')
  );
}
