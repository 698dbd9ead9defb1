/** Builds every bundle into a folder of its own and holds it against the committed dist/, byte for byte. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BUNDLE_LIMIT, build } from './build.ts';

/** One line for each file that is missing, left over or different; none when the folders are the same. */
export async function differences(built: string, committed: string): Promise<string[]> {
  const [ours, theirs] = await Promise.all([filesOf(built), filesOf(committed)]);
  const left = theirs.filter((file) => !ours.includes(file)).map((file) => `${file}: no source builds it any more`);
  const found = await Promise.all(
    ours.map(async (file) => {
      if (!theirs.includes(file)) return `${file}: missing`;
      const [a, b] = await Promise.all([readFile(join(built, file)), readFile(join(committed, file))]);
      return a.equals(b) ? [] : `${file}: a rebuild gives other bytes`;
    }),
  );
  return [...found.flat(), ...left].sort();
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name).slice(folder.length + 1));
}

/** What is wrong with dist/, one line each: stale files, and bundles over the limit. */
export async function checkDist(dist: string): Promise<string[]> {
  const out = await mkdtemp(join(tmpdir(), 'slipway-dist-'));
  try {
    const bundles = await build(out);
    const large = bundles.filter(({ bytes }) => bytes > BUNDLE_LIMIT);
    return [
      ...(await differences(out, dist)),
      ...large.map(({ name, bytes }) => `${name}: ${bytes} bytes, over the limit of ${BUNDLE_LIMIT}`),
    ];
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const wrong = await checkDist(resolve(import.meta.dirname, '../dist')).catch((error) => [String(error.message)]);
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) {
    console.error('dist/ is not what the sources build. Run: make build, and commit dist/');
    process.exitCode = 1;
  }
}
