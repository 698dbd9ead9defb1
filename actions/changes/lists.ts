import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeName } from '../../lib/git/names.ts';

/** What is too large for an output, or was asked for as a file; by file name. */
export type Files = Map<string, string | Buffer>;

/**
 * Longest output in UTF-16 code units. All outputs of a job together may have 1 MB, counted in UTF-16 (GitHub documentation, "Workflow syntax",
 * jobs.<job_id>.outputs), and this action's are seldom the only ones.
 */
export const OUTPUT_LIMIT = 100_000;

export const LIST_FORMATS = ['none', 'json', 'nul'] as const;

/** Names as bytes between NULs: what `xargs -0` and `while read -d ''` take. No shell ever parses them. */
export function nulSeparated(names: readonly string[]): Buffer {
  const end = Buffer.alloc(1);
  return Buffer.concat(names.flatMap((name) => [encodeName(name), end]));
}

/** The lists in the form that was asked for: an output, or files where it is too long or is to be NUL-separated. */
export function presentLists(
  lists: Readonly<Record<string, readonly string[]>>,
  format: string,
): { output: string; files: Files } {
  if (format === 'none') return { output: '', files: new Map() };
  if (format === 'nul') {
    return { output: '', files: new Map(Object.entries(lists).map(([name, l]) => [`${name}.nul`, nulSeparated(l)])) };
  }
  // A byte that is not UTF-8 is a lone surrogate in a name; JSON has it as an escape such as \udcff, so nothing is lost.
  const json = JSON.stringify(lists);
  if (json.length <= OUTPUT_LIMIT) return { output: json, files: new Map() };
  return { output: '', files: new Map([['files.json', json]]) };
}

/** Writes files into a new folder; later steps read them, and upload-artifact takes them. @returns the folder. */
export async function writeFiles(tempDir: string, files: Files): Promise<string> {
  const folder = await mkdtemp(join(tempDir, 'slipway-changes-'));
  for (const [name, content] of files) await writeFile(join(folder, name), content);
  return folder;
}
