import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../../lib/errors.ts';
import type { KnownKey } from '../aws/credentials.ts';
import type { LocalContext } from '../context.ts';
import { INSTANCE_LABEL } from '../context.ts';
import { findSocket } from '../engine/docker.ts';
import type { Engine, EngineEvent } from '../engine/engine.ts';
import type { Registry } from '../registry/registry.ts';
import type { HostSpec } from '../world.ts';
import { HOST_LABEL, Host, prefixOf } from './host.ts';
import { ensureHostImage, type HostImage } from './image.ts';

export interface HostContainer {
  name: string;
  image: string;
  status: string;
}

/** A host of the world, running or not. */
export interface ManagedHost {
  id: string;
  name: string;
  tags: Readonly<Record<string, string>>;
  /** Whether its agent takes commands. */
  online: boolean;
  address: string;
  launchedAt: number;
  /** Undefined for one whose agent is not online. */
  host: Host | undefined;
  /** What its docker runs, as last seen. */
  containers: readonly HostContainer[];
}

export interface Hosts {
  all(): readonly ManagedHost[];
  find(id: string): ManagedHost | undefined;
  /**
   * Boots those whose agents are online.
   * @throws Problem kind `environment` when hosts cannot be made on this machine
   */
  start(awsUrl: string): Promise<void>;
  stop(): Promise<void>;
}

export interface HostsDeps {
  context: LocalContext;
  engine: Engine;
  /** Labels of everything that belongs to this instance. */
  labels: Readonly<Record<string, string>>;
  registry: Registry;
  /** Keys of the host's role. */
  keyFor(instanceId: string, role: string | undefined): KnownKey;
  /** Directories of this instance, on disk and in memory. */
  directory: { path: string; memory: string };
}

interface Planned extends ManagedHost {
  role: string | undefined;
}

export function createHosts(specs: readonly HostSpec[], deps: HostsDeps): Hosts {
  const { context, engine } = deps;
  const managed = plan(specs, context.clock.now());
  const started: Host[] = [];
  const watching = new AbortController();

  async function boot(one: Planned, awsUrl: string, image: HostImage, engineSocket: string): Promise<void> {
    const host = new Host({
      id: one.id,
      engine,
      engineSocket,
      image,
      labels: { ...deps.labels, [INSTANCE_LABEL]: engine.instance },
      address: one.address,
      root: join(deps.directory.path, one.id),
      memory: join(deps.directory.memory, one.id),
      env: environment(context.region, awsUrl, deps.keyFor(one.id, one.role)),
      files: filesOf(deps.registry),
      changed: () => void refresh(engine, one),
    });
    started.push(host);
    await host.start();
    one.host = host;
  }

  return {
    all: () => managed,
    find: (id) => managed.find((one) => one.id === id),
    async start(awsUrl) {
      const online = managed.filter((one) => one.online);
      if (online.length === 0) return;
      const image = await ensureHostImage(engine);
      const engineSocket = socketOf();
      await Promise.all(online.map((one) => boot(one, awsUrl, image, engineSocket)));
      watch(engine, managed, context, watching.signal);
    },
    async stop() {
      watching.abort();
      await Promise.all(started.map((host) => host.stop()));
    },
  };
}

function plan(specs: readonly HostSpec[], launchedAt: number): Planned[] {
  // Each host has an address of its own, so that two can publish the same port, and two local pipelines as well.
  const [second = 0, third = 0] = randomBytes(2);
  return specs.map((spec, i) => ({
    role: spec.role,
    id: spec.id ?? idOf(spec, i),
    name: spec.name ?? spec.tags.Name ?? spec.id ?? `host-${i + 1}`,
    tags: spec.tags,
    online: spec.online,
    address: `127.${64 + (second % 128)}.${third}.${10 + i}`,
    launchedAt,
    host: undefined,
    containers: [],
  }));
}

function idOf(spec: HostSpec, index: number): string {
  const text = spec.name ?? JSON.stringify(spec.tags);
  return `i-${createHash('sha256').update(`${text}\0${index}`).digest('hex').slice(0, 17)}`;
}

function socketOf(): string {
  const host = process.env.DOCKER_HOST;
  const socket = host === undefined ? findSocket() : /^unix:\/\/(.+)$/.exec(host)?.[1];
  if (socket !== undefined) return socket;
  throw new Problem({
    what: 'DOCKER_HOST',
    seen: host ?? '',
    cause: 'hosts share the engine through its socket file, and this engine has none here',
    fix: 'Use an engine with a local socket, or leave `hosts` out of the world',
    kind: 'environment',
  });
}

function environment(region: string, awsUrl: string, { credentials }: KnownKey): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: awsUrl,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...(credentials.sessionToken ? { AWS_SESSION_TOKEN: credentials.sessionToken } : {}),
  };
}

/** What the host's disk has beside the image: docker's key to the registry (as the ECR credential helper gives it), the aws command. */
function filesOf(registry: Registry): Record<string, { content: Buffer; mode?: number }> {
  const { username, password, serveraddress } = registry.pullCredentials();
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const aws = '/usr/local/libexec/slipway-aws.ts';
  return {
    '/root/.docker/config.json': {
      content: Buffer.from(JSON.stringify({ auths: { [serveraddress]: { auth } } })),
      mode: 0o600,
    },
    [aws]: { content: readFileSync(new URL('./guest-aws.ts', import.meta.url)) },
    '/usr/local/bin/aws': {
      content: Buffer.from(`#!/bin/sh\nexec node --disable-warning=ExperimentalWarning ${aws} "$@"\n`),
      mode: 0o755,
    },
  };
}

/** Looks again at what a host's docker has. */
async function refresh(engine: Engine, host: ManagedHost & { containers: readonly HostContainer[] }): Promise<void> {
  const found = await engine.list({ labels: { [HOST_LABEL]: host.id } }).catch(() => undefined);
  if (found === undefined) return;
  const prefix = prefixOf(engine.instance, host.id);
  host.containers = found.map(({ name, image, status, health }) => ({
    name: name.replace(/^\//, '').replace(prefix, ''),
    image,
    status: health === 'none' ? status : `${status} (${health})`,
  }));
}

/** Tells of what becomes of the hosts' containers. */
function watch(engine: Engine, hosts: readonly ManagedHost[], { bus }: LocalContext, signal: AbortSignal): void {
  const onEvent = ({ labels, action, exitCode }: EngineEvent) => {
    const host = hosts.find(({ id }) => id === labels[HOST_LABEL]);
    if (host === undefined) return;
    bus.emit({
      kind: 'host.container',
      text: `a container on ${host.name}: ${action}${exitCode === undefined ? '' : ` with exit code ${exitCode}`}`,
      data: { host: host.id, action },
    });
    void refresh(engine, host);
  };
  void engine.events(onEvent, signal);
}
