import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Packages whose modules do nothing but define things when they are loaded, though their package.json does not say so.
 * Said here, the bundler leaves out those of them that nobody uses: @actions/core's OIDC client alone brings an HTTP
 * client with undici, 0.4 MB in each bundle.
 */
const FREE_OF_SIDE_EFFECTS = ['@actions/core', '@actions/http-client', '@actions/exec', '@actions/io'];

/**
 * Scopes whose packages hold each module twice, as CommonJS and as ES modules. The bundler would take the first, of which it
 * can leave out nothing: a client of AWS has hundreds of operations, and an action calls a handful. All packages of a scope
 * or none: one that took CommonJS would bring its own copy of what the others share.
 */
const WITH_ES_MODULES = ['@aws-sdk', '@smithy', '@aws'];

interface Manifest {
  main?: string | undefined;
  module?: string;
  exports?: Record<string, string | Record<string, unknown>>;
  [field: string]: unknown;
}

/** Puts such packages, with that said in their package.json, where code in the folder finds them before those of the checkout. */
export async function writePackageView(nodeModules: string, folder: string): Promise<void> {
  const scopes = await Promise.all(WITH_ES_MODULES.map((scope) => packagesOf(nodeModules, scope)));
  const view = (name: string, change: (manifest: Manifest) => Manifest) =>
    copy(join(nodeModules, name), join(folder, 'node_modules', name), change);
  await Promise.all([
    ...FREE_OF_SIDE_EFFECTS.map((name) => view(name, (manifest) => ({ ...manifest, sideEffects: false }))),
    ...scopes.flat().map((name) => view(name, asEsModules)),
  ]);
}

async function packagesOf(nodeModules: string, scope: string): Promise<string[]> {
  const names = await readdir(join(nodeModules, scope)).catch(() => []);
  return names.map((name) => `${scope}/${name}`);
}

async function copy(from: string, to: string, change: (manifest: Manifest) => Manifest): Promise<void> {
  if (!(await stat(from).catch(() => undefined))) return;
  await mkdir(to, { recursive: true });
  await cp(from, to, { recursive: true, filter: (path) => !/\/dist-(?:types|cjs)$/.test(path) });
  const file = join(to, 'package.json');
  await writeFile(file, JSON.stringify(change(JSON.parse(await readFile(file, 'utf8')))));
}

/** The manifest with its ES modules as the only ones that there are. */
export function asEsModules(manifest: Manifest): Manifest {
  const { main, module = main, exports } = manifest;
  if (!exports) return { ...manifest, main: module };
  const only = Object.entries(exports).map(([path, target]) => [
    path,
    typeof target === 'string' ? target : (target.module ?? target.import ?? target),
  ]);
  return { ...manifest, main: module, exports: Object.fromEntries(only) };
}
