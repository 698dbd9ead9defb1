import { rename, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { messageOf, Problem } from '../lib/errors.ts';
import { preferredPort } from './http/ports.ts';
import type { LagMode } from './lag.ts';
import { type Local, startLocal } from './start.ts';
import { loadWorld } from './world.ts';

const USAGE = `node local/main.ts [--state FILE] [--seed N] [--lag off|real] [--world FILE] [--quiet]

Serves AWS, a registry, GitHub and Discord on 127.0.0.1 until it gets SIGINT or SIGTERM.
  --state FILE  write where everything is, as JSON, once it is ready
  --seed N      of lags and chance (1)
  --lag MODE    off: answers are up to date; real: they may be behind, as AWS's (off)
  --world FILE  what exists at the start, YAML or JSON
  --quiet       print nothing but errors`;

/** Ports that are taken when they are free, so that addresses and image names stay the same from start to start. */
const PAGE_PORT = 4600;
const REGISTRY_PORT = 4601;
const STOP_LIMIT_MS = 15_000;

interface Settings {
  state: string | undefined;
  seed: number;
  lag: LagMode;
  world: string | undefined;
  quiet: boolean;
}

function readArguments(): Settings {
  const { values } = parseArgs({
    options: {
      state: { type: 'string' },
      seed: { type: 'string', default: '1' },
      lag: { type: 'string', default: 'off' },
      world: { type: 'string' },
      quiet: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const seed = Number(values.seed);
  if (!Number.isInteger(seed)) throw wrong('--seed', values.seed, 'it must be a whole number');
  if (values.lag !== 'off' && values.lag !== 'real') throw wrong('--lag', values.lag, 'it must be off or real');
  return { state: values.state, seed, lag: values.lag, world: values.world, quiet: values.quiet };
}

function wrong(what: string, seen: string, cause: string): Problem {
  return new Problem({ what, seen, cause, fix: 'See --help' });
}

async function main(): Promise<void> {
  const settings = readArguments();
  // A signal during the start ends what has been started so far, once the start has come to its end.
  let signalled: (() => void) | undefined;
  const signal = new Promise<void>((resolve) => {
    signalled = resolve;
  });
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => signalled?.());
  const registry = await preferredPort(REGISTRY_PORT);
  const local = await startLocal({
    ...(settings.world === undefined ? {} : { world: loadWorld(settings.world) }),
    seed: settings.seed,
    lag: settings.lag,
    ports: { page: await preferredPort(PAGE_PORT), registry },
    keepImages: registry === REGISTRY_PORT,
  });
  try {
    if (settings.state !== undefined) await writeState(settings.state, local);
    if (!settings.quiet) console.log(describe(local));
    await signal;
  } finally {
    // An engine that no longer answers must not keep the process for ever.
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    await local.stop();
    if (settings.state !== undefined) await rm(settings.state, { force: true });
  }
}

/** Appears as a whole: who waits for the file never reads half of it. */
async function writeState(file: string, { endpoints }: Local): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify({ pid: process.pid, ...endpoints }, undefined, 2)}\n`);
  await rename(temporary, file);
}

function describe({ endpoints }: Local): string {
  const { balancers, ...rest } = endpoints;
  const lines = [...Object.entries(rest), ...Object.entries(balancers)].map(
    ([name, url]) => `  ${name.padEnd(12)} ${url}`,
  );
  return ['The local pipeline is up:', ...lines, 'Ctrl-C ends it.'].join('\n');
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Problem ? error.message : `The local pipeline failed: ${messageOf(error)}`);
    process.exit(1);
  },
);
