import type Docker from 'dockerode';
import type { ContainerSpec, ContainerState, HealthCheckSpec, ImageState } from './engine.ts';

const NANOSECONDS = 1_000_000;

/** Translates a spec into the engine's create request. Ports are published on 127.0.0.1 only. */
export function containerOptions(
  spec: ContainerSpec,
  labels: Readonly<Record<string, string>>,
): Docker.ContainerCreateOptions {
  const ports = spec.ports ?? [];
  return {
    name: spec.name,
    Image: spec.image,
    Labels: { ...spec.labels, ...labels },
    ...(spec.env ? { Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`) } : {}),
    ...(spec.command ? { Cmd: [...spec.command] } : {}),
    ...(spec.entryPoint ? { Entrypoint: [...spec.entryPoint] } : {}),
    ...(spec.user === undefined ? {} : { User: spec.user }),
    ...(spec.workingDirectory === undefined ? {} : { WorkingDir: spec.workingDirectory }),
    ...(spec.hostname === undefined ? {} : { Hostname: spec.hostname }),
    ...(spec.healthCheck ? { Healthcheck: healthCheck(spec.healthCheck) } : {}),
    ...(spec.stopSignal === undefined ? {} : { StopSignal: spec.stopSignal }),
    ExposedPorts: Object.fromEntries(ports.map((port) => [portKey(port), {}])),
    HostConfig: hostConfig(spec),
    ...(spec.network && spec.networkAliases
      ? { NetworkingConfig: { EndpointsConfig: { [spec.network]: { Aliases: [...spec.networkAliases] } } } }
      : {}),
  };
}

function hostConfig(spec: ContainerSpec): Docker.HostConfig {
  return {
    PortBindings: Object.fromEntries(
      (spec.ports ?? []).map((port) => [
        portKey(port),
        [{ HostIp: '127.0.0.1', HostPort: port.hostPort ? `${port.hostPort}` : '' }],
      ]),
    ),
    ...(spec.memoryBytes === undefined ? {} : { Memory: spec.memoryBytes, MemorySwap: spec.memoryBytes }),
    ...(spec.cpuShares === undefined ? {} : { CpuShares: spec.cpuShares }),
    ...(spec.network === undefined ? {} : { NetworkMode: spec.network }),
    ...(spec.extraHosts ? { ExtraHosts: [...spec.extraHosts] } : {}),
    ...(spec.binds ? { Binds: [...spec.binds] } : {}),
    ...(spec.tmpfs ? { Tmpfs: { ...spec.tmpfs } } : {}),
    ...(spec.readonlyRoot ? { ReadonlyRootfs: true } : {}),
    ...(spec.init ? { Init: true } : {}),
    ...(spec.privileged ? { Privileged: true } : {}),
  };
}

function portKey(port: { containerPort: number; protocol?: 'tcp' | 'udp' }): string {
  return `${port.containerPort}/${port.protocol ?? 'tcp'}`;
}

function healthCheck(check: HealthCheckSpec): Docker.HealthConfig {
  return {
    Test: [...check.test],
    ...(check.intervalMs === undefined ? {} : { Interval: check.intervalMs * NANOSECONDS }),
    ...(check.timeoutMs === undefined ? {} : { Timeout: check.timeoutMs * NANOSECONDS }),
    ...(check.retries === undefined ? {} : { Retries: check.retries }),
    ...(check.startPeriodMs === undefined ? {} : { StartPeriod: check.startPeriodMs * NANOSECONDS }),
  };
}

/** Translates the engine's inspection of a container. */
export function containerState(raw: Docker.ContainerInspectInfo): ContainerState {
  const { State: state } = raw;
  const health = state.Health?.Status;
  const ended = !state.Running && state.Status !== 'created';
  return {
    id: raw.Id,
    name: raw.Name.replace(/^\//, ''),
    image: raw.Config.Image,
    imageId: raw.Image,
    labels: raw.Config.Labels ?? {},
    status: state.Status as ContainerState['status'],
    running: state.Running,
    exitCode: ended ? state.ExitCode : undefined,
    oomKilled: state.OOMKilled,
    error: state.Error,
    health: health === 'starting' || health === 'healthy' || health === 'unhealthy' ? health : 'none',
    healthOutput: state.Health?.Log?.at(-1)?.Output?.trim(),
    startedAt: time(state.StartedAt),
    finishedAt: time(state.FinishedAt),
    ip: Object.values(raw.NetworkSettings.Networks ?? {})[0]?.IPAddress ?? '',
    ports: publishedPorts(raw.NetworkSettings.Ports ?? {}),
  };
}

function publishedPorts(raw: Record<string, { HostPort: string }[] | null>): Record<string, number> {
  const ports: Record<string, number> = {};
  for (const [key, bindings] of Object.entries(raw)) {
    const host = Number(bindings?.[0]?.HostPort);
    if (host > 0) ports[key] = host;
  }
  return ports;
}

/** The engine writes year 1 for "never". */
function time(text: string | undefined): Date | undefined {
  const at = text ? new Date(text) : undefined;
  return at && at.getUTCFullYear() > 1 ? at : undefined;
}

/** Translates the engine's inspection of an image. */
export function imageState(raw: Docker.ImageInspectInfo): ImageState {
  return {
    id: raw.Id,
    tags: raw.RepoTags ?? [],
    digests: raw.RepoDigests ?? [],
    architecture: raw.Architecture,
    os: raw.Os,
    labels: raw.Config?.Labels ?? {},
    user: raw.Config?.User ?? '',
    exposedPorts: Object.keys(raw.Config?.ExposedPorts ?? {}),
    sizeBytes: raw.Size,
  };
}
