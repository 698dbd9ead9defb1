import type { AmiComponent, AppComponent, Component, ImageConfig, PathRule } from './schema.ts';

/** One image of a component with its defaults settled. */
export interface ImageToBuild extends ImageConfig {
  /** Container that gets it; undefined when the task definition has only one, or on a host. */
  container?: string;
  context: string;
  dockerfile: string;
}

/** True for the kinds that ship images. */
export function isApp(component: Component): component is AppComponent {
  return component.kind !== 'ami' && component.kind !== 'terraform';
}

/** All images of a component, `image` and `images` alike. */
export function imagesOf(component: AppComponent): ImageToBuild[] {
  const { image, images, deploy } = component;
  const settle = (config: ImageConfig, container: string | undefined): ImageToBuild => {
    const context = config.context ?? '.';
    const dockerfile = config.dockerfile ?? (context === '.' ? 'Dockerfile' : `${trimSlash(context)}/Dockerfile`);
    return { ...config, context, dockerfile, ...(container !== undefined && { container }) };
  };
  if (image) return [settle(image, deploy.to === 'ssm' ? undefined : deploy.container)];
  return Object.entries(images ?? {}).map(([container, config]) => settle(config, container));
}

/** The patterns of a component; without `paths`, those of the folders and files that it is built from. */
export function pathsOf(component: Component): readonly PathRule[] {
  if (component.paths) return component.paths;
  if (component.kind === 'terraform')
    return [below(component.root), ...(component['var-files'] ?? []).map(literalPattern)];
  if (component.kind === 'ami') return [below(amiTemplate(component))];
  const images = imagesOf(component).flatMap((image) => [below(image.context), literalPattern(image.dockerfile)]);
  const file = component.deploy.to === 'ssm' ? undefined : component.deploy['task-definition'];
  return [...new Set([...images, ...(file !== undefined && IS_FILE.test(file) ? [literalPattern(file)] : [])])];
}

/** A task definition that is a file of the repository, and no family or ARN. */
const IS_FILE = /\.(?:json|ya?ml)$/i;

/** The pattern that matches just this name, whatever signs are in it. */
export function literalPattern(name: string): string {
  return name.replace(/[\\*?[\]{}()!+@|]/g, '\\$&');
}

/** The Packer template of a component: as given, or the fixed part of its first pattern. */
export function amiTemplate(component: AmiComponent): string {
  if (component.template !== undefined) return component.template;
  const [rule = ''] = component.paths ?? [];
  const first = typeof rule === 'string' ? rule : (Object.values(rule).flat()[0] ?? '');
  const fixed: string[] = [];
  for (const part of first.split('/')) {
    if (/[*?[\]{}()\\]/.test(part)) break;
    fixed.push(part);
  }
  return fixed.join('/') || '.';
}

const trimSlash = (path: string) => path.replace(/^(?:\.\/)+|\/+$/g, '');

function below(path: string): string {
  const folder = trimSlash(path);
  if (folder === '' || folder === '.') return '**';
  // A file is a pattern by itself; picomatch lets folder/** match `folder` too, so files and folders need no telling apart.
  return `${literalPattern(folder)}/**`;
}
