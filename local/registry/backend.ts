import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Problem } from '../../lib/errors.ts';

export interface BackendReply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** The registry process, reached through a socket file that only the front knows. */
export interface RegistryBackend {
  socketPath: string;
  /** One small request, its answer read whole: manifests, existence of blobs. */
  ask(
    method: string,
    path: string,
    options?: { headers?: Record<string, string>; body?: Buffer },
  ): Promise<BackendReply>;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 2_000;

export interface BackendOptions {
  /** An empty directory for the bytes and the socket, its path short (a socket's may have about 100 bytes); a temporary one when left out. */
  directory?: string;
  /** Its name or path. */
  program?: string;
  /** Told of the process. */
  onStart?(pid: number): void | Promise<void>;
}

/**
 * Starts CNCF Distribution (Debian's package `docker-registry`) with an empty root.
 * @throws Problem kind `environment` when it is missing or does not start
 */
export async function startRegistryBackend(options: BackendOptions = {}): Promise<RegistryBackend> {
  const program = options.program ?? process.env.SLIPWAY_REGISTRY ?? 'docker-registry';
  const root = options.directory ?? (await mkdtemp(join(tmpdir(), 'slipway-registry-')));
  const socketPath = join(root, 's');
  await mkdir(join(root, 'data'), { recursive: true });
  await writeFile(join(root, 'config.yml'), configuration(root, socketPath));
  const child = spawn(program, ['serve', join(root, 'config.yml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // In a process group of its own: a Ctrl-C is for us, who stop it in turn.
    detached: true,
    // Its own exporters must not be steered by the caller's environment.
    env: { PATH: process.env.PATH ?? '', OTEL_TRACES_EXPORTER: 'none' },
  });
  let lastWords = '';
  child.stderr.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-2000);
  });
  let ended: string | undefined;
  child.on('error', (error: NodeJS.ErrnoException) => {
    ended = error.code === 'ENOENT' ? 'missing' : error.message;
  });
  child.on('exit', (code, signal) => {
    ended ??= `it ended with ${signal ?? `exit code ${code}`}: ${lastWords.trim().slice(-300)}`;
  });

  if (child.pid !== undefined) await options.onStart?.(child.pid);

  const backend: RegistryBackend = {
    socketPath,
    ask: (method, path, options) => ask(socketPath, method, path, options),
    async stop() {
      child.kill('SIGTERM');
      const deadline = Date.now() + STOP_LIMIT_MS;
      while (child.exitCode === null && child.signalCode === null && ended === undefined && Date.now() < deadline)
        await delay(10);
      child.kill('SIGKILL');
      await rm(root, { recursive: true, force: true });
    },
  };
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await answers(backend))) {
    if (ended !== undefined || Date.now() > deadline) {
      await backend.stop();
      throw notStarted(program, ended ?? `it did not answer within ${START_LIMIT_MS / 1000} s: ${lastWords}`);
    }
    await delay(20);
  }
  return backend;
}

function configuration(root: string, socketPath: string): string {
  return JSON.stringify({
    version: '0.1',
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(root, 'data') },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    // Relative locations, so that clients stay with the front.
    http: { net: 'unix', addr: socketPath, relativeurls: true },
  });
}

async function answers(backend: RegistryBackend): Promise<boolean> {
  try {
    return (await backend.ask('GET', '/v2/')).status === 200;
  } catch {
    return false;
  }
}

function notStarted(program: string, cause: string): Problem {
  const missing = cause === 'missing';
  return new Problem({
    what: `registry program '${program}'`,
    cause: missing ? 'it was not found on PATH' : cause,
    fix: missing
      ? 'Install CNCF Distribution (Debian: apt-get install docker-registry), or name its binary in SLIPWAY_REGISTRY'
      : 'Check that it is CNCF Distribution 2.8 or later and that the temporary directory can be written',
    kind: 'environment',
  });
}

function ask(
  socketPath: string,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: Buffer } = {},
): Promise<BackendReply> {
  return new Promise((resolve, reject) => {
    const headers = {
      host: 'registry',
      ...options.headers,
      ...(options.body ? { 'content-length': String(options.body.length) } : {}),
    };
    const outgoing = request({ socketPath, method, path, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
      );
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}
