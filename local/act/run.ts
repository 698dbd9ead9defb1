import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse, stringify } from 'yaml';
import { Problem } from '../../lib/errors.ts';
import { deriveWorkflow, REF, REPOSITORY } from './derive.ts';
import { type ActEvent, readLine } from './events.ts';

/** What stands in for the third-party actions that the workflows pin, by the folder below local/actions/. */
const STAND_INS = ['checkout', 'upload-artifact', 'download-artifact', 'cache'] as const;

export interface Run {
  /** The act program. */
  act: string;
  /** This repository's working tree: the stand-ins are taken from it. */
  source: string;
  /** The tree that deriveTree() wrote. */
  tree: string;
  /** Clone whose HEAD is the commit to run. */
  repository: string;
  /** Workflow file of that clone, relative to it. */
  workflow: string;
  eventName: string;
  event: Record<string, unknown>;
  /** Like acme/sample. */
  slug: string;
  actor: string;
  runId: number;
  /** Bare repository that checkouts come from. */
  remote: string;
  /** Empty folder for workspaces, artifacts and files of this run; the caller removes it. */
  scratch: string;
  /** For the actions: endpoints and identity. The host's own environment does not reach them. */
  env: Record<string, string>;
  secrets: Record<string, string>;
  /** act's whole log goes here. */
  logFile: string;
  signal?: AbortSignal;
  onEvent(event: ActEvent): void;
}

/** Runs one workflow of a repository through act in host mode; resolves with act's exit code (0: every job was good). */
export async function runWorkflow(run: Run): Promise<number> {
  const files = await prepare(run);
  await mkdir(dirname(run.logFile), { recursive: true });
  const log = createWriteStream(run.logFile, { flags: 'a' });
  const child = spawn(run.act, await actArguments(run, files), {
    cwd: run.repository,
    env: await hostEnvironment(run),
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that steps end with it.
    detached: true,
  });
  const stop = () => void endGroup(child);
  run.signal?.addEventListener('abort', stop, { once: true });
  try {
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      log.write(`${line}\n`);
      const event = readLine(line, Date.now());
      if (event) run.onEvent(event);
    });
    child.stderr.on('data', (data) => log.write(data));
    const [code] = await Promise.all([exitOf(child), once(lines, 'close')]);
    return code;
  } finally {
    run.signal?.removeEventListener('abort', stop);
    endRest(child);
    log.end();
    await once(log, 'close');
  }
}

interface Files {
  workflow: string;
  event: string;
  secrets: string;
  env: string;
}

async function prepare(run: Run): Promise<Files> {
  await mkdir(join(run.scratch, 'home'), { recursive: true });
  await mkdir(join(run.scratch, 'artifacts'), { recursive: true });
  const files: Files = {
    workflow: join(run.scratch, 'workflow.yml'),
    event: join(run.scratch, 'event.json'),
    secrets: join(run.scratch, 'secrets'),
    env: join(run.scratch, 'env'),
  };
  const workflow = parse(await readFile(join(run.repository, run.workflow), 'utf8'));
  const derived = deriveWorkflow(workflow, (file) => {
    throw new Error(`${run.workflow} calls $/.github/workflows/${file}, which belongs to another repository`);
  });
  await writeFile(files.workflow, stringify(derived, { lineWidth: 0 }));
  await writeFile(files.event, JSON.stringify(run.event));
  // Files, because what is on the command line can be read by every user of the machine.
  await writeFile(files.secrets, dotenv(run.secrets), { mode: 0o600 });
  await writeFile(files.env, dotenv(run.env), { mode: 0o600 });
  return files;
}

function dotenv(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
    .join('');
}

async function actArguments(run: Run, files: Files): Promise<string[]> {
  const stated: Record<string, string> = {
    GITHUB_REPOSITORY: run.slug,
    GITHUB_RUN_ID: String(run.runId),
    GITHUB_RUN_NUMBER: String(run.runId),
    LOCAL_GIT_REMOTE: run.remote,
    LOCAL_ARTIFACTS: join(run.scratch, 'artifacts'),
  };
  return [
    run.eventName,
    '--json',
    ...['--workflows', files.workflow, '--eventpath', files.event, '--actor', run.actor],
    ...['--secret-file', files.secrets, '--env-file', files.env],
    ...['--platform', 'ubuntu-latest=-self-hosted', '--no-skip-checkout', '--rm', '--no-cache-server', '--pull=false'],
    ...['--action-cache-path', join(run.scratch, 'cache'), '--concurrent-jobs', '4'],
    ...Object.entries(stated).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...['--local-repository', `${REPOSITORY}@${REF}=${run.tree}`],
    ...(await standIns(run)).flatMap((mapping) => ['--local-repository', mapping]),
  ];
}

/** The pinned commits are read from the derived workflows, so that a new pin needs no change here. */
async function standIns(run: Run): Promise<string[]> {
  const folder = join(run.tree, '.github/workflows');
  const texts = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')));
  texts.push(await readFile(join(run.scratch, 'workflow.yml'), 'utf8'));
  return STAND_INS.flatMap((name) => {
    const pins = new Set(
      texts.flatMap((text) => [...text.matchAll(new RegExp(`actions/${name}@([\\w.-]+)`, 'g'))].map(([, pin]) => pin)),
    );
    return [...pins].map((pin) => `actions/${name}@${pin}=${join(run.source, 'local/actions', name)}`);
  });
}

/** Only what programs need to be found and to reach what they are allowed to; actions run by the Node that runs this. */
async function hostEnvironment(run: Run): Promise<NodeJS.ProcessEnv> {
  const kept = Object.fromEntries(
    ['DOCKER_HOST', 'DOCKER_CONFIG', 'LANG', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE']
      .map((name) => [name, process.env[name]] as const)
      .filter(([, value]) => value !== undefined),
  );
  const path = [dirname(process.execPath), join(run.source, '.tools/bin'), process.env.PATH ?? ''].join(delimiter);
  return { ...kept, PATH: path, HOME: join(run.scratch, 'home'), XDG_CACHE_HOME: join(run.scratch, 'home/.cache') };
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        new Problem({
          what: 'act',
          seen: child.spawnfile,
          cause: `it could not be started (${error.message})`,
          fix: 'Run scripts/setup.sh, which installs it',
          kind: 'environment',
        }),
      ),
    );
    child.once('exit', (code) => resolve(code ?? 130));
  });
}

const GRACE_MS = 3000;

async function endGroup(child: ChildProcess): Promise<void> {
  signalGroup(child, 'SIGINT');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS);
  if (child.exitCode === null) await once(child, 'exit');
  clearTimeout(timer);
}

/** What act started and left behind, such as a step that it no longer waits for. */
function endRest(child: ChildProcess): void {
  signalGroup(child, 'SIGKILL');
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}
