import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import { messageOf, Problem } from '../../lib/errors.ts';
import { INSTANCE_LABEL } from '../context.ts';
import { containerOptions, containerState, imageState } from './docker-shapes.ts';
import {
  type ContainerSpec,
  type ContainerState,
  type Engine,
  EngineError,
  type EngineEvent,
  type ExecOptions,
  type ExecResult,
  type ListFilter,
  type LogLine,
  type RegistryAuth,
} from './engine.ts';
import { demultiplex, lines, stamped } from './streams.ts';
import { tarOf } from './tar.ts';

export interface DockerOptions {
  /** Value of the label that marks everything of this instance. */
  instance: string;
  /** More labels on everything that is made. */
  labels?: Readonly<Record<string, string>>;
  /** Socket path; found by itself (DOCKER_HOST, the usual sockets) when left out. */
  socketPath?: string;
}

/** The engine port over the Docker Engine API (Docker, or Podman's socket of the same API). */
export function dockerEngine(options: DockerOptions): Engine {
  const socketPath = options.socketPath ?? findSocket();
  const docker = socketPath ? new Docker({ socketPath }) : new Docker();
  return new DockerEngine(docker, options.instance, options.labels ?? {});
}

class DockerEngine implements Engine {
  readonly instance: string;
  readonly #docker: Docker;
  readonly #labels: Record<string, string>;

  constructor(docker: Docker, instance: string, labels: Readonly<Record<string, string>>) {
    this.#docker = docker;
    this.instance = instance;
    this.#labels = { ...labels, [INSTANCE_LABEL]: instance };
  }

  async ping(): Promise<{ version: string; architecture: string; os: string }> {
    try {
      const version = await this.#docker.version();
      return { version: version.Version, architecture: version.Arch, os: version.Os };
    } catch (error) {
      throw new Problem({
        what: 'the container engine',
        seen: process.env.DOCKER_HOST ?? 'the default socket',
        cause: `no engine answered: ${messageOf(error)}`,
        fix: 'Start Docker (or Podman with its Docker socket), or point DOCKER_HOST at a running engine',
        kind: 'environment',
        underlying: error,
      });
    }
  }

  async create(spec: ContainerSpec): Promise<string> {
    const container = await answered(this.#docker.createContainer(containerOptions(spec, this.#labels)));
    if (spec.files && Object.keys(spec.files).length > 0) {
      await answered(container.putArchive(tarOf(spec.files), { path: '/' }));
    }
    return container.id;
  }

  async start(id: string): Promise<void> {
    await answered(this.#docker.getContainer(id).start());
  }

  async run(spec: ContainerSpec): Promise<ContainerState> {
    const id = await this.create(spec);
    try {
      await this.start(id);
      return await this.inspect(id);
    } catch (error) {
      await this.remove(id);
      throw error;
    }
  }

  async stop(id: string, graceSeconds: number): Promise<void> {
    await ignoring([304, 404], this.#docker.getContainer(id).stop({ t: graceSeconds }));
  }

  async kill(id: string, signal = 'SIGKILL'): Promise<void> {
    await ignoring([404, 409], this.#docker.getContainer(id).kill({ signal }));
  }

  async remove(id: string): Promise<void> {
    await ignoring([404, 409], this.#docker.getContainer(id).remove({ force: true, v: true }));
  }

  async inspect(id: string): Promise<ContainerState> {
    return containerState(await answered(this.#docker.getContainer(id).inspect()));
  }

  async wait(id: string): Promise<number> {
    return (await answered<{ StatusCode: number }>(this.#docker.getContainer(id).wait())).StatusCode;
  }

  async followLogs(id: string, onLine: (line: LogLine) => void, signal?: AbortSignal): Promise<void> {
    const stream = (await answered(
      this.#docker.getContainer(id).logs({ follow: true, stdout: true, stderr: true, timestamps: true }),
    )) as unknown as Readable;
    const writers = {
      stdout: lines((line) => onLine({ stream: 'stdout', ...rename(stamped(line, Date.now())) })),
      stderr: lines((line) => onLine({ stream: 'stderr', ...rename(stamped(line, Date.now())) })),
    };
    await drained(
      stream,
      demultiplex((chunk, name) => writers[name].write(chunk)),
      signal,
    );
    writers.stdout.end();
    writers.stderr.end();
  }

  async exec(id: string, argv: readonly [string, ...string[]], options: ExecOptions = {}): Promise<ExecResult> {
    const exec = await answered(
      this.#docker.getContainer(id).exec({
        Cmd: [...argv],
        AttachStdout: true,
        AttachStderr: true,
        AttachStdin: options.stdin !== undefined,
        Env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
        ...(options.user === undefined ? {} : { User: options.user }),
        ...(options.workingDirectory === undefined ? {} : { WorkingDir: options.workingDirectory }),
      }),
    );
    const withInput = options.stdin !== undefined;
    const stream = await answered(exec.start({ hijack: withInput, stdin: withInput }));
    if (withInput) stream.end(options.stdin);
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const onData = demultiplex((chunk, name) => {
      output[name].push(Buffer.from(chunk));
      options.onOutput?.(chunk, name);
    });
    await drained(stream as unknown as Readable, onData, options.signal);
    const code = await exitOf(exec);
    return { code, stdout: Buffer.concat(output.stdout).toString(), stderr: Buffer.concat(output.stderr).toString() };
  }

  async list(filter: ListFilter = {}): Promise<ContainerState[]> {
    const labels = Object.entries({ [INSTANCE_LABEL]: this.instance, ...filter.labels });
    const label = labels.map(([name, value]) => (value === '' ? name : `${name}=${value}`));
    const found = await answered(this.#docker.listContainers({ all: true, filters: { label } }));
    const states = await Promise.all(
      found.map(({ Id }) => this.inspect(Id).catch((error) => (isGone(error) ? undefined : Promise.reject(error)))),
    );
    return states.filter((state) => state !== undefined);
  }

  async events(onEvent: (event: EngineEvent) => void, signal: AbortSignal): Promise<void> {
    let since = Math.floor(Date.now() / 1000);
    while (!signal.aborted) {
      try {
        const filters = { type: ['container'], label: [`${INSTANCE_LABEL}=${this.instance}`] };
        const stream = (await this.#docker.getEvents({
          since,
          filters,
        } as Docker.GetEventsOptions)) as unknown as Readable;
        const cut = lines((line) => {
          const event = engineEvent(line);
          if (event) onEvent(event);
        });
        await drained(stream, (chunk) => cut.write(chunk), signal);
      } catch {
        // The engine restarts or drops the stream: what happened meanwhile is asked for again from `since`.
      }
      since = Math.floor(Date.now() / 1000);
      if (!signal.aborted) await delay(250, undefined, { signal }).catch(() => undefined);
    }
  }

  async image(reference: string) {
    try {
      return imageState(await answered(this.#docker.getImage(reference).inspect()));
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  async pull(reference: string, auth?: RegistryAuth): Promise<void> {
    const stream = await answered(this.#docker.pull(reference, auth ? { authconfig: auth } : {}));
    await this.#progress(stream, reference);
  }

  async importImage(
    tar: NodeJS.ReadableStream | Buffer,
    reference: string,
    changes: readonly string[] = [],
  ): Promise<void> {
    const source = Buffer.isBuffer(tar) ? Readable.from([tar]) : tar;
    const at = reference.lastIndexOf(':');
    const named =
      at > reference.lastIndexOf('/')
        ? { repo: reference.slice(0, at), tag: reference.slice(at + 1) }
        : { repo: reference };
    const stream = await answered(this.#docker.importImage(source, { ...named, changes: [...changes] }));
    await this.#progress(stream, reference);
  }

  async tag(reference: string, as: string): Promise<void> {
    const at = as.lastIndexOf(':');
    const named = at > as.lastIndexOf('/') ? { repo: as.slice(0, at), tag: as.slice(at + 1) } : { repo: as };
    await answered(this.#docker.getImage(reference).tag(named));
  }

  async removeImage(reference: string): Promise<void> {
    await ignoring([404, 409], this.#docker.getImage(reference).remove({ force: false }));
  }

  async createNetwork(name: string): Promise<string> {
    return (await answered(this.#docker.createNetwork({ Name: name, Labels: this.#labels }))).id;
  }

  async createVolume(name: string): Promise<void> {
    await answered(this.#docker.createVolume({ Name: name, Labels: this.#labels }));
  }

  async removeVolume(name: string): Promise<void> {
    await ignoring([404, 409], this.#docker.getVolume(name).remove());
  }

  async removeAll(boundMs: number): Promise<void> {
    const label = [`${INSTANCE_LABEL}=${this.instance}`];
    const work = async (): Promise<void> => {
      const containers = await answered(this.#docker.listContainers({ all: true, filters: { label } }));
      await Promise.all(containers.map(({ Id }) => this.remove(Id)));
      const networks = await answered(this.#docker.listNetworks({ filters: { label } }));
      await Promise.all(networks.map(({ Id }) => ignoring([404], this.#docker.getNetwork(Id).remove())));
      const volumes = await answered(this.#docker.listVolumes({ filters: JSON.stringify({ label }) }));
      await Promise.all((volumes.Volumes ?? []).map(({ Name }) => this.removeVolume(Name)));
    };
    const bound = new AbortController();
    await Promise.race([work(), delay(boundMs, undefined, { signal: bound.signal }).catch(() => undefined)]);
    bound.abort();
  }

  /** Reads a progress stream to its end; an error in it is the call's error (the HTTP status was already sent). */
  async #progress(stream: NodeJS.ReadableStream, reference: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#docker.modem.followProgress(stream, (error: Error | null, output: { error?: string }[]) => {
        const failure = error?.message ?? output?.find((line) => line.error)?.error;
        if (failure) reject(new EngineError(failure, statusInText(failure), error ?? reference));
        else resolve();
      });
    });
  }
}

function rename(line: { timestamp: number; message: string }): Omit<LogLine, 'stream'> {
  return { timestamp: line.timestamp, message: line.message };
}

async function exitOf(exec: Docker.Exec): Promise<number> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const { ExitCode, Running } = await answered(exec.inspect());
    if (!Running && ExitCode !== null) return ExitCode;
    await delay(25);
  }
  throw new EngineError('the engine did not report the exit code of a command that has ended', 0);
}

/** Feeds the stream to onData until it ends or the signal fires. */
async function drained(stream: Readable, onData: (chunk: Buffer) => void, signal?: AbortSignal): Promise<void> {
  const tap = new PassThrough();
  const stop = (): void => {
    stream.destroy();
    tap.end();
  };
  if (signal?.aborted) return stop();
  signal?.addEventListener('abort', stop, { once: true });
  stream.on('error', stop);
  stream.on('close', () => tap.end());
  stream.pipe(tap);
  try {
    for await (const chunk of tap) onData(chunk as Buffer);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function engineEvent(line: string): EngineEvent | undefined {
  if (line.trim() === '') return undefined;
  const raw = JSON.parse(line) as { Action?: string; Actor?: { ID?: string; Attributes?: Record<string, string> } };
  const labels = raw.Actor?.Attributes ?? {};
  const id = raw.Actor?.ID ?? '';
  const action = raw.Action ?? '';
  if (action.startsWith('health_status: ')) {
    return { id, labels, action: action.endsWith('unhealthy') ? 'unhealthy' : 'healthy' };
  }
  if (action === 'die') return { id, labels, action, exitCode: Number(labels.exitCode ?? 0) };
  if (action === 'start' || action === 'oom' || action === 'destroy') return { id, labels, action };
  return undefined;
}

async function answered<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw engineError(error);
  }
}

async function ignoring(statuses: readonly number[], call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const known = engineError(error);
    if (!statuses.includes(known.status)) throw known;
  }
}

function engineError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const raw = error as { statusCode?: number; json?: { message?: string } | string; message?: string };
  const text = typeof raw.json === 'object' ? raw.json?.message : undefined;
  return new EngineError(text ?? raw.message ?? String(error), raw.statusCode ?? 0, error);
}

function isGone(error: unknown): boolean {
  return error instanceof EngineError && error.status === 404;
}

function statusInText(text: string): number {
  if (/not found|manifest unknown|does not exist/i.test(text)) return 404;
  return /unauthorized|denied|no basic auth/i.test(text) ? 403 : 0;
}

/** The sockets that desktop engines use when DOCKER_HOST is not set; undefined leaves it to the client library. */
export function findSocket(): string | undefined {
  if (process.env.DOCKER_HOST) return undefined;
  const candidates = [
    '/var/run/docker.sock',
    join(homedir(), '.docker/run/docker.sock'),
    join(homedir(), '.colima/default/docker.sock'),
    join(process.env.XDG_RUNTIME_DIR ?? '/nonexistent', 'docker.sock'),
    join(process.env.XDG_RUNTIME_DIR ?? '/nonexistent', 'podman/podman.sock'),
  ];
  return candidates.find((path) => existsSync(path));
}
