import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../lib/errors.ts';
import { deriveTree } from '../act/derive.ts';
import { findAct } from '../act/find.ts';
import { type Check, judge, type Witness } from './checks.ts';
import { type Prober, startProber, type Tally } from './prober.ts';
import { PUSHES } from './pushes.ts';
import { describeChecks, describeEnd, describeFailure } from './report.ts';
import type { Tools } from './run-event.ts';
import { type Surroundings, surround } from './surroundings.ts';
import { Terminal } from './terminal.ts';
import { travel } from './travel.ts';
import { identityOf, messageOfRun, migratedRevisions } from './witness.ts';

const USAGE = `node local/demo/main.ts [--json FILE] [--keep] [--dist DIR]

Three pushes of a sample repository travel through the pipeline on this machine.
  --json FILE  write what happened, for programs
  --dist DIR   bundles of the actions (dist)
  --keep       leave everything up at the end, until Ctrl-C (also KEEP=1)`;
const ROOT = resolve(import.meta.dirname, '../..');
/** A little more than the least that is promised, since a timer is never early. */
const PROBES_PER_SECOND = 25;

/** What --json writes. Times in milliseconds. */
export interface DemoResult {
  ok: boolean;
  ms: number;
  startMs: number;
  page: string;
  web: string;
  instance: string;
  folder: string;
  logFile: string;
  pushes: Witness[];
  probe: Tally;
  checks: Check[];
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort(new Error(`${name} received`)));

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      dist: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const terminal = new Terminal(process.stdout);
  const folder = await mkdtemp(join(tmpdir(), 'slipway-demo-'));
  let around: Surroundings | undefined;
  try {
    const began = Date.now();
    terminal.line('Starting AWS, a registry, GitHub and Discord on this machine …');
    const tools = await prepareTools(folder, values.dist);
    stop.signal.throwIfAborted();
    around = await surround(ROOT, folder);
    stop.signal.throwIfAborted();
    const startMs = Date.now() - began;
    terminal.line(`Page: ${around.local.page.url}   web: ${around.webUrl}`);
    const { witnesses, probe } = await allPushes(around, tools, terminal);
    const result = resultOf(around, tools, { witnesses, probe, startMs, ms: Date.now() - began });
    const stays = values.keep || process.env.KEEP === '1';
    conclude(terminal, result, stays);
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 2)}\n`);
    if (stays) await keep(terminal, result.page);
    return result.ok ? 0 : 1;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    terminal.line('\nStopped.');
    return 130;
  } finally {
    await around?.local.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepareTools(folder: string, dist: string | undefined): Promise<Tools> {
  const logFile = resolve(ROOT, '.slipway/demo.log');
  await rm(logFile, { force: true });
  const act = await findAct(ROOT);
  const tree = join(folder, 'tree');
  await deriveTree(ROOT, tree, resolve(dist ?? join(ROOT, 'dist')));
  return { act, root: ROOT, tree, folder, logFile };
}

type Facts = Pick<DemoResult, 'probe' | 'ms' | 'startMs'> & { witnesses: Witness[] };

function resultOf({ local, webUrl }: Surroundings, tools: Tools, { witnesses, ...facts }: Facts): DemoResult {
  const checks = judge(witnesses, facts.probe);
  return {
    ok: checks.every((check) => check.ok) && witnesses.length === PUSHES.length,
    ...facts,
    page: local.page.url,
    web: webUrl,
    instance: local.instance,
    folder: tools.folder,
    logFile: tools.logFile,
    pushes: witnesses,
    checks,
  };
}

function conclude(terminal: Terminal, result: DemoResult, stays: boolean): void {
  for (const line of describeEnd(result.pushes, result.probe, result.ms)) terminal.line(line);
  for (const line of describeChecks(result.checks, (code, text) => terminal.paint(code, text))) terminal.line(line);
  terminal.line(`\n  Page: ${result.page}${stays ? '' : ' (while it ran; make demo KEEP=1 leaves it up)'}`);
  terminal.line(`  Full log of act: ${result.logFile}`);
}

async function allPushes(around: Surroundings, tools: Tools, terminal: Terminal) {
  const prober = startProber(`${around.webUrl}/health`, PROBES_PER_SECOND);
  const tell = setInterval(() => around.local.page.probe(probeView(around.webUrl, prober)), 1000);
  const witnesses: Witness[] = [];
  try {
    for (const push of PUSHES) {
      const tellPage = around.local.page.run.bind(around.local.page);
      const ports = { tools, terminal, prober, signal: stop.signal, tellPage };
      const travelled = await travel(push, around, ports);
      stop.signal.throwIfAborted();
      const witness: Witness = {
        push,
        travelled,
        identity: await identityOf(around.webUrl),
        message: messageOfRun(around.local.discord, travelled),
        migrated: migratedRevisions(around.local.logs),
      };
      witnesses.push(witness);
      for (const line of describeFailure(witness)) terminal.line(line);
    }
  } finally {
    clearInterval(tell);
    await prober.stop();
  }
  return { witnesses, probe: prober.tally() };
}

function probeView(target: string, prober: Prober) {
  const { sent, failed, p50, p95, perSecond } = prober.tally();
  return { target, sent, failed, p50, p95, perSecond };
}

async function keep(terminal: Terminal, page: string): Promise<void> {
  terminal.line(`\nEverything stays up: ${page}   Ctrl-C ends it.`);
  if (stop.signal.aborted) return;
  const timer = setInterval(() => undefined, 60_000);
  await new Promise<void>((done) => stop.signal.addEventListener('abort', () => done(), { once: true }));
  clearInterval(timer);
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(messageOf(error));
  return 1;
});
