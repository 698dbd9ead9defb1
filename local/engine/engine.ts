/** The container engine as this suite needs it: a thin port, so that what runs containers never touches an engine's own API. */

export interface PortPublication {
  containerPort: number;
  protocol?: 'tcp' | 'udp';
  /** Port on 127.0.0.1; a free one when left out. */
  hostPort?: number;
}

/** The engine's own HEALTHCHECK. `test` is Docker's form: ['CMD', …], ['CMD-SHELL', line] or ['NONE']. */
export interface HealthCheckSpec {
  test: readonly string[];
  intervalMs?: number;
  timeoutMs?: number;
  retries?: number;
  startPeriodMs?: number;
}

export interface ContainerSpec {
  /** Unique on the engine; a prefix is not added. */
  name: string;
  image: string;
  env?: Readonly<Record<string, string>>;
  command?: readonly string[];
  entryPoint?: readonly string[];
  user?: string;
  workingDirectory?: string;
  hostname?: string;
  /** Hard limit in bytes; swap is not granted on top, so that exceeding it ends in a kill. */
  memoryBytes?: number;
  cpuShares?: number;
  ports?: readonly PortPublication[];
  healthCheck?: HealthCheckSpec;
  labels?: Readonly<Record<string, string>>;
  /** Network name, `container:ID` or `host`. The engine's default bridge when left out. */
  network?: string;
  networkAliases?: readonly string[];
  extraHosts?: readonly string[];
  /** `source:path[:ro]`, source being a volume name or a host path. */
  binds?: readonly string[];
  tmpfs?: Readonly<Record<string, string>>;
  readonlyRoot?: boolean;
  /** Run the engine's init as process 1, which reaps zombies and forwards signals. */
  init?: boolean;
  privileged?: boolean;
  stopSignal?: string;
  /** Put into the container's file system before it starts: path → content and mode. */
  files?: Readonly<Record<string, { content: Buffer; mode?: number }>>;
}

export interface ContainerState {
  id: string;
  name: string;
  image: string;
  /** The engine's id of the image, sha256:… */
  imageId: string;
  labels: Record<string, string>;
  status: 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
  running: boolean;
  exitCode: number | undefined;
  oomKilled: boolean;
  /** The engine's own error text when the container could not be started. */
  error: string;
  health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** Output of the latest health check, if one ran. */
  healthOutput: string | undefined;
  startedAt: Date | undefined;
  finishedAt: Date | undefined;
  /** Address in the container's network; '' when it has none of its own. */
  ip: string;
  /** '8080/tcp' → port on 127.0.0.1. */
  ports: Record<string, number>;
}

export interface ImageState {
  id: string;
  /** name:tag references. */
  tags: string[];
  /** name@sha256:… references: the digest under which a registry knows the image. */
  digests: string[];
  architecture: string;
  os: string;
  labels: Record<string, string>;
  user: string;
  exposedPorts: string[];
  sizeBytes: number;
}

export interface RegistryAuth {
  username: string;
  password: string;
  serveraddress?: string;
}

export interface LogLine {
  stream: 'stdout' | 'stderr';
  message: string;
  /** Milliseconds since the epoch, by the engine's clock. */
  timestamp: number;
}

export interface ExecResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ExecOptions {
  env?: Readonly<Record<string, string>>;
  user?: string;
  workingDirectory?: string;
  stdin?: string | Buffer;
  /** Ends the wait (the process inside is not killed: the engine has no call for that). */
  signal?: AbortSignal;
  onOutput?: (chunk: Buffer, stream: 'stdout' | 'stderr') => void;
}

/** A change of one of this instance's containers. */
export interface EngineEvent {
  id: string;
  action: 'start' | 'die' | 'oom' | 'destroy' | 'healthy' | 'unhealthy';
  labels: Record<string, string>;
  exitCode?: number;
}

export interface ListFilter {
  /** Label equal to value, or label present when the value is ''. */
  labels?: Readonly<Record<string, string>>;
}

/**
 * Every method throws EngineError, whose `status` is the engine's HTTP status (404 no such container or image, 409
 * conflict), or 0 when the engine could not be reached.
 */
export interface Engine {
  /** Value of the label INSTANCE_LABEL (local/context.ts) on everything made through this port. */
  readonly instance: string;
  /** Throws a Problem of kind 'environment' when no engine answers. */
  ping(): Promise<{ version: string; architecture: string; os: string }>;
  create(spec: ContainerSpec): Promise<string>;
  start(id: string): Promise<void>;
  /** create + start; a container that could not be started is removed again. */
  run(spec: ContainerSpec): Promise<ContainerState>;
  /** SIGTERM, then SIGKILL after the grace time. Already stopped is fine. */
  stop(id: string, graceSeconds: number): Promise<void>;
  kill(id: string, signal?: string): Promise<void>;
  /** Removes it with its anonymous volumes, running or not. Already gone is fine. */
  remove(id: string): Promise<void>;
  inspect(id: string): Promise<ContainerState>;
  /** Resolves with the exit code once the container has stopped. */
  wait(id: string): Promise<number>;
  /** Follows the log from the start until the container stops or the signal fires; resolves when every line was given. */
  followLogs(id: string, onLine: (line: LogLine) => void, signal?: AbortSignal): Promise<void>;
  exec(id: string, argv: readonly [string, ...string[]], options?: ExecOptions): Promise<ExecResult>;
  list(filter?: ListFilter): Promise<ContainerState[]>;
  /** Events of this instance's containers until the signal fires; reconnects by itself. */
  events(onEvent: (event: EngineEvent) => void, signal: AbortSignal): Promise<void>;

  image(reference: string): Promise<ImageState | undefined>;
  /** Pulls one reference; throws EngineError with the registry's own words. */
  pull(reference: string, auth?: RegistryAuth): Promise<void>;
  /** Makes an image of one layer from a tar stream. `changes` are Dockerfile instructions ("ENV A=b"). */
  importImage(tar: NodeJS.ReadableStream | Buffer, reference: string, changes?: readonly string[]): Promise<void>;
  tag(reference: string, as: string): Promise<void>;
  removeImage(reference: string): Promise<void>;

  createNetwork(name: string): Promise<string>;
  createVolume(name: string): Promise<void>;
  removeVolume(name: string): Promise<void>;
  /** Removes every container, network and volume that carries this instance's label; gives up after `boundMs`. */
  removeAll(boundMs: number): Promise<void>;
}

/** An answer of the engine that is not success. */
export class EngineError extends Error {
  readonly status: number;
  constructor(message: string, status: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EngineError';
    this.status = status;
  }
}
