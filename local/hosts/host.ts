import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { createEngineProxy } from './engine-proxy.ts';
import { BOOTED, type HostImage } from './image.ts';
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

/** Of these the ones that a boot finds empty: directory on the host → name in the folder for memory. */
const IN_MEMORY: Readonly<Record<string, string>> = { '/run': 'run', '/dev/shm': 'shm' };

/** A container that plays an EC2 host: a shell, the usual tools, and a docker of its own. */
export class Host {
  readonly id: string;
  readonly address: string;
  readonly #options: HostOptions;
  #container = '';
  #running = false;
  #diskFull = false;
  #proxy: { close(): Promise<void> } | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
    this.id = options.id;
    this.address = options.address;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Makes the host and boots it for the first time. */
  async start(): Promise<void> {
    const { id, engine, image, root, memory, env, files } = this.#options;
    for (const directory of SHARED) {
      const inMemory = IN_MEMORY[directory];
      await mkdir(inMemory === undefined ? join(root, directory) : join(memory, inMemory), { recursive: true });
    }
    await mkdir(join(root, 'dev'));
    for (const [directory, name] of Object.entries(IN_MEMORY)) await symlink(join(memory, name), join(root, directory));
    await this.startEngine();
    const state = await engine.run({
      name: `slipway-${engine.instance}-${id}`,
      image: image.name,
      network: 'host',
      init: true,
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', ...env },
      labels: { 'slipway.role': 'host', 'slipway.instance-id': id },
      binds: [
        ...SHARED.map((directory) => `${this.#placeOf(directory)}:${directory}`),
        ...Object.entries(image.mounts).map(([source, target]) => `${source}:${target}:ro`),
      ],
      files,
    });
    this.#container = state.id;
    this.#running = true;
  }

  #placeOf(directory: string): string {
    const { root, memory } = this.#options;
    const inMemory = IN_MEMORY[directory];
    return inMemory === undefined ? join(root, directory) : join(memory, inMemory);
  }

  /** Its docker answers. */
  async startEngine(): Promise<void> {
    if (this.#proxy) return;
    const { id, engine, engineSocket, labels, address, root, changed } = this.#options;
    const scope: HostScope = {
      prefix: prefixOf(engine.instance, id),
      labels: { ...labels, [HOST_LABEL]: id },
      address,
      root,
      shared: SHARED,
    };
    const listenOn = join(this.#placeOf('/run'), 'docker.sock');
    const diskFull = () => this.#diskFull;
    this.#proxy = await createEngineProxy({ scope, engineSocket, listenOn, changed, diskFull });
    await chmod(listenOn, 0o666);
  }

  /** Its docker is gone; the containers live on, as with `live-restore`. */
  async stopEngine(): Promise<void> {
    await this.#proxy?.close();
    this.#proxy = undefined;
    await rm(join(this.#placeOf('/run'), 'docker.sock'), { force: true });
  }

  fillDisk(full: boolean): void {
    this.#diskFull = full;
  }

  /** Everything on it ends at once, without a signal that it could answer. Its disk stays. */
  async powerOff(): Promise<void> {
    const { engine, id } = this.#options;
    if (!this.#running) return;
    this.#running = false;
    await this.stopEngine();
    await engine.exec(this.#container, ['rm', '-f', BOOTED]);
    await engine.kill(this.#container);
    const own = await engine.list({ labels: { [HOST_LABEL]: id } });
    await Promise.all(own.filter((c) => c.running).map((c) => engine.kill(c.id)));
    await Promise.all([this.#container, ...own.map((c) => c.id)].map((one) => this.#ended(one)));
  }

  async #ended(container: string): Promise<void> {
    await this.#options.engine.wait(container).catch(() => undefined);
  }

  /** Switches it on again: what was in memory is gone, and the containers are as the engine found them. */
  async boot(): Promise<void> {
    if (this.#running) return;
    await this.startEngine();
    const { engine } = this.#options;
    await engine.start(this.#container);
    await engine.exec(this.#container, ['sh', '-c', 'until [ -e "$1" ]; do sleep 0.05; done', 'sh', BOOTED]);
    this.#running = true;
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

  /** Ends it for good: its containers go, and its disk, which may hold files of the container's root user. */
  async terminate(): Promise<void> {
    const { engine, id } = this.#options;
    await this.powerOff();
    await engine.start(this.#container).catch(() => undefined);
    const own = await engine.list({ labels: { [HOST_LABEL]: id } });
    await Promise.all(own.map((c) => engine.remove(c.id)));
    await this.stop();
  }

  /** Closes its docker and empties its disk. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#proxy?.close();
    this.#proxy = undefined;
    if (this.#container === '') return;
    const { engine } = this.#options;
    const empty = `find ${SHARED.join(' ')} -mindepth 1 -maxdepth 1 -exec rm -rf {} +`;
    await engine
      .exec(this.#container, ['sh', '-c', empty], { signal: AbortSignal.timeout(1500) })
      .catch(() => undefined);
    await engine.remove(this.#container);
  }
}
