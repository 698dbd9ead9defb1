import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Name, licence and licence text of every package that a bundle is made of, in order of their names. The bundler's own list has only the packages
 * of the part that it wrote last, once some parts are loaded late.
 * @param root of the checkout, which is the package `slipway`
 */
export async function licencesOf(packages: readonly string[], root: string): Promise<string> {
  const sorted = [...packages].sort((a, b) => (a < b ? -1 : 1));
  const texts = sorted.map(async (name) => {
    const folder = name === 'slipway' ? root : join(root, 'node_modules', name);
    const { license = 'UNKNOWN' } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      license?: string;
    };
    const file = (await readdir(folder)).sort().find((entry) => /^licen[cs]e(?:\.|-|$)/i.test(entry));
    const text = file === undefined ? '' : (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n').trim();
    return `${[name, license, text].filter(Boolean).join('\n')}\n`;
  });
  return (await Promise.all(texts)).join('\n');
}
