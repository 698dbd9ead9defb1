import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { createEngineProxy } from './engine-proxy.ts';
import type { HostImage } from './image.ts';
import type { HostScope } from './scope.ts';

/** Label on everything that a host started: its instance id. */
export const HOST_LABEL = 'slipway.host';

export interface Script {
  /** Names the directory where it lies on the host: command id and step. */
  id: string;
  step: string;
  /** What a shell is to run. */
  text: string;
  workingDirectory: string;
  timeoutMs: number;
  /** Fires to end it. */
  signal: AbortSignal;
  onOutput(chunk: Buffer, stream: 'stdout' | 'stderr'): void;
}

export interface ScriptEnd {
  how: 'exited' | 'timed-out' | 'cancelled';
  /** Only of one that exited. */
  code?: number;
}

export interface HostOptions {
  id: string;
  engine: Engine;
  engineSocket: string;
  image: HostImage;
  labels: Readonly<Record<string, string>>;
  /** Its address: of 127/8. */
  address: string;
  /** Directories on this machine for what the host keeps, on disk and in memory. */
  root: string;
  memory: string;
  env: Readonly<Record<string, string>>;
  files: Readonly<Record<string, { content: Buffer; mode?: number }>>;
  /** Called when its docker was asked to change something. */
  changed(): void;
}

/** What names of a host's containers begin with on the machine's engine. */
export function prefixOf(instance: string, hostId: string): string {
  return `slipway-${instance}-${hostId}-`;
}

/** Directories of a host that containers on it may mount. */
const SHARED = ['/run', '/tmp', '/srv', '/opt', '/home', '/var/lib', '/dev/shm'];

/** A container that plays an EC2 host: a shell, the usual tools, and a docker of its own. */
export class Host {
  readonly id: string;
  readonly address: string;
  readonly #options: HostOptions;
  #container = '';
  #proxy: { close(): Promise<void> } | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
    this.id = options.id;
    this.address = options.address;
  }

  async start(): Promise<void> {
    const { id, engine, engineSocket, image, labels, address, root, memory, env, files, changed } = this.#options;
    for (const directory of SHARED.filter((d) => d !== '/dev/shm'))
      await mkdir(join(root, directory), { recursive: true });
    await mkdir(memory, { recursive: true });
    await mkdir(join(root, 'dev'));
    await symlink(memory, join(root, 'dev/shm'));
    const listenOn = join(root, 'run/docker.sock');
    const scope: HostScope = {
      prefix: prefixOf(engine.instance, id),
      labels: { ...labels, [HOST_LABEL]: id },
      address,
      root,
      shared: SHARED,
    };
    this.#proxy = await createEngineProxy({ scope, ownLabel: HOST_LABEL, engineSocket, listenOn, changed });
    await chmod(listenOn, 0o666);
    const state = await engine.run({
      name: `slipway-${engine.instance}-${id}`,
      image: image.name,
      network: 'host',
      init: true,
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', ...env },
      labels: { 'slipway.role': 'host', 'slipway.instance-id': id },
      binds: [
        ...SHARED.map((directory) => `${directory === '/dev/shm' ? memory : join(root, directory)}:${directory}`),
        ...Object.entries(image.mounts).map(([source, target]) => `${source}:${target}:ro`),
      ],
      files,
    });
    this.#container = state.id;
  }

  /** Runs a script as the agent does: from a file, by `sh -c`, in a process group of its own. */
  async run(script: Script): Promise<ScriptEnd> {
    const { engine, root } = this.#options;
    const directory = `/var/lib/amazon/ssm/${this.id}/document/orchestration/${script.id}/${script.step}`;
    await mkdir(join(root, directory), { recursive: true });
    await writeFile(join(root, directory, '_script.sh'), script.text, { mode: 0o700 });
    // exec makes the shell the leader of a group, by which all that it starts can be ended.
    const start = 'echo $$ > "$1/pid"; cd "$2" || exit 1; exec sh -c "$1/_script.sh"';
    let how: ScriptEnd['how'] = 'exited';
    const ended = new AbortController();
    const end = (why: ScriptEnd['how']) => {
      how = why;
      const kill = 'kill -KILL "-$(cat "$1/pid")"';
      engine.exec(this.#container, ['sh', '-c', kill, 'sh', directory]).catch(() => ended.abort());
    };
    const timer = setTimeout(() => end('timed-out'), script.timeoutMs);
    const onCancel = () => end('cancelled');
    script.signal.addEventListener('abort', onCancel, { once: true });
    try {
      const { code } = await engine.exec(
        this.#container,
        ['sh', '-c', start, 'sh', directory, script.workingDirectory],
        {
          onOutput: script.onOutput,
          signal: ended.signal,
        },
      );
      return how === 'exited' ? { how, code } : { how };
    } finally {
      clearTimeout(timer);
      script.signal.removeEventListener('abort', onCancel);
    }
  }

  /** Closes its docker and empties its disk, which may hold files of the container's root user. */
  async stop(): Promise<void> {
    await this.#proxy?.close();
    if (this.#container === '') return;
    const { engine } = this.#options;
    const empty = `for d in ${SHARED.join(' ')}; do find "$d" -mindepth 1 -delete; done`;
    await engine
      .exec(this.#container, ['sh', '-c', empty], { signal: AbortSignal.timeout(1500) })
      .catch(() => undefined);
    await engine.remove(this.#container);
  }
}
