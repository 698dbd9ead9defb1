import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { programOf } from './buildkit.ts';

/** One start of a program: everything that others on the machine can see of it. */
export interface Started {
  argv: string[];
  /** NAME=value each. */
  env: string[];
}

/** Programs that write down how they were started before they become the real ones. */
export interface Watched {
  /** To go first on PATH. */
  folder: string;
  path: string;
  started(): Started[];
  remove(): void;
}

/** @param names programs on PATH that a run may start */
export function watch(names: readonly string[]): Watched {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-watched-'));
  const book = join(folder, 'book');
  const bin = join(folder, 'bin');
  for (const made of [book, bin]) mkdirSync(made);
  for (const name of names) {
    const script = `#!/bin/sh
page=$(mktemp '${book}/XXXXXXXX')
{ printf '%s\\0' "$0" "$@"; printf '\\0'; cat /proc/$$/environ; } > "$page"
exec '${programOf(name)}' "$@"
`;
    writeFileSync(join(bin, name), script);
    chmodSync(join(bin, name), 0o755);
  }
  return {
    folder: bin,
    path: `${bin}${delimiter}${process.env.PATH}`,
    started: () =>
      readdirSync(book).map((page) => {
        const [argv = '', env = ''] = readFileSync(join(book, page), 'latin1').split(/\0\0(.*)/s);
        return { argv: argv.split('\0'), env: env.split('\0') };
      }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
