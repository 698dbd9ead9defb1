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
  state: 'running' | 'stopped';
  /** Whether its agent takes commands. */
  online: boolean;
  address: string;
  launchedAt: number;
  /** Undefined for one that the world says is never online. */
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
  /** Has something happen to a host. @throws Error for an id that is not there, or never was online */
  does(id: string, act: HostAct): Promise<void>;
  /** Terminates a host and launches another with the same name, tags and role, as an auto scaling group does. @returns the new one */
  replace(id: string): Promise<ManagedHost>;
}

/** What may happen to a host. The agent of one that is off is not online; with the engine off its containers live on. */
export const HOST_ACTS = [
  'power-off',
  'boot',
  'reboot',
  'agent-offline',
  'agent-online',
  'engine-stop',
  'engine-start',
  'disk-full',
  'disk-free',
] as const;
export type HostAct = (typeof HOST_ACTS)[number];

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
  agent: boolean;
}

export function createHosts(specs: readonly HostSpec[], deps: HostsDeps): Hosts {
  const { context, engine } = deps;
  const managed = plan(specs, context.clock.now());
  const started: Host[] = [];
  const watching = new AbortController();
  let launch: ((one: Planned) => Promise<void>) | undefined;
  let lastAddress = managed.length;

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
      files: { ...filesOf(deps.registry), '/etc/slipway/host.json': identityOf(one, context.region) },
      changed: () => void refresh(engine, one),
    });
    started.push(host);
    await host.start();
    one.host = host;
  }

  function known(id: string): Planned & { host: Host } {
    const one = managed.find((candidate) => candidate.id === id);
    if (one?.host === undefined)
      throw new Error(`there is no host ${id} that runs here; there are ${managed.map((h) => h.id).join(', ')}`);
    return one as Planned & { host: Host };
  }

  return {
    all: () => managed,
    find: (id) => managed.find((one) => one.id === id),
    async does(id, act) {
      const one = known(id);
      await ACTS[act](one.host, one);
      one.state = one.host.running ? 'running' : 'stopped';
      one.online = one.agent && one.host.running;
      context.bus.emit({ kind: 'host.act', text: `${one.name}: ${act}`, data: { host: id, act } });
      await refresh(engine, one);
    },
    async replace(id) {
      const old = known(id);
      if (launch === undefined) throw new Error('the hosts were not started');
      const spec = { id: `i-${randomBytes(9).toString('hex').slice(0, 17)}`, name: old.name, tags: { ...old.tags } };
      const [fresh] = plan([{ ...spec, online: true, role: old.role }], context.clock.now());
      if (fresh === undefined) throw new Error('one host was planned');
      fresh.address = old.address.replace(/\d+$/, String(10 + lastAddress++));
      managed.splice(managed.indexOf(old), 1);
      await old.host.terminate();
      started.splice(started.indexOf(old.host), 1);
      managed.push(fresh);
      await launch(fresh);
      return fresh;
    },
    async start(awsUrl) {
      const online = managed.filter((one) => one.online);
      if (online.length === 0) return;
      const image = await ensureHostImage(engine);
      const engineSocket = socketOf();
      launch = (one) => boot(one, awsUrl, image, engineSocket);
      await Promise.all(online.map(launch));
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
    state: 'running',
    online: spec.online,
    agent: spec.online,
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

const ACTS: Readonly<Record<HostAct, (host: Host, one: Planned) => Promise<void> | void>> = {
  'power-off': (host) => host.powerOff(),
  boot: (host) => host.boot(),
  async reboot(host) {
    await host.powerOff();
    await host.boot();
  },
  'agent-offline': (_, one) => {
    one.agent = false;
  },
  'agent-online': (_, one) => {
    one.agent = true;
  },
  'engine-stop': (host) => host.stopEngine(),
  'engine-start': (host) => host.startEngine(),
  'disk-full': (host) => host.fillDisk(true),
  'disk-free': (host) => host.fillDisk(false),
};

/** Who the host is, as its tags say it in AWS, and the address that stands for its own. */
function identityOf({ tags, address }: ManagedHost, region: string): { content: Buffer } {
  const group = tags['slipway:host-group'];
  const own = group === undefined ? {} : { environment: tags['slipway:environment'] ?? 'default', group };
  return { content: Buffer.from(JSON.stringify({ ...own, region, address })) };
}

/**
 * What the host's disk has beside the image: docker's key to the registry (as the ECR credential helper gives it), the aws command, and
 * our program, as an image of terraform/ami has it.
 */
function filesOf(registry: Registry): Record<string, { content: Buffer; mode?: number }> {
  const { username, password, serveraddress } = registry.pullCredentials();
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const aws = '/usr/local/libexec/slipway-aws.ts';
  return {
    '/usr/local/sbin/slipway-host': {
      content: readFileSync(new URL('../../terraform/ami/files/slipway-host', import.meta.url)),
      mode: 0o755,
    },
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
