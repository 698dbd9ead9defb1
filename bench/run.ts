/**
 * Runs every bench/*.bench.ts, prints a table for each, and writes bench/results/latest.json.
 *
 *   node bench/run.ts [--only NAME] [--rounds 15] [--peer BUNDLE.js] [--dist DIR]
 */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Benchmark, isOver, table } from './benchmark.ts';

const HERE = import.meta.dirname;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string', default: '15' },
      peer: { type: 'string' },
      dist: { type: 'string', default: join(HERE, '../dist') },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds is ${values.rounds}: it takes a whole number from 1`);
  const all = (await readdir(HERE)).flatMap((file) => /^(.+)\.bench\.ts$/.exec(file)?.[1] ?? []).sort();
  const chosen = all.filter((name) => values.only === undefined || name === values.only);
  if (chosen.length === 0) throw new Error(`no bench/${values.only}.bench.ts; there are: ${all.join(', ')}`);
  const results: Record<string, unknown> = {};
  for (const name of chosen) {
    const benchmark = (await import(join(HERE, `${name}.bench.ts`))).default as Benchmark;
    const cases = await benchmark.run({ dist: resolve(values.dist), peer: values.peer, rounds });
    console.log(`\n${benchmark.title}\n\n${table(cases)}`);
    results[name] = cases;
    const over = cases.flatMap((c) => c.measures.filter((m) => m.hard && isOver(m)).map((m) => `${c.name}: ${m.name}`));
    for (const what of over) {
      console.error(`over its limit: ${what}`);
      process.exitCode = 1;
    }
  }
  await mkdir(join(HERE, 'results'), { recursive: true });
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, at: new Date().toISOString() };
  await writeFile(join(HERE, 'results', 'latest.json'), `${JSON.stringify({ machine, results }, undefined, 2)}\n`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
