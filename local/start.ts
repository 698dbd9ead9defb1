import { randomBytes } from 'node:crypto';
import { systemClock } from '../lib/clock.ts';
import { type CredentialStore, createCredentialStore, type KnownKey, uniqueId } from './aws/credentials.ts';
import { createEc2 } from './aws/ec2.ts';
import { createEcr } from './aws/ecr/ecr.ts';
import { createEcs, type Ecs } from './aws/ecs/ecs.ts';
import { createElbv2 } from './aws/elbv2/elbv2.ts';
import { createAwsEndpoint, type RequestRecord } from './aws/endpoint.ts';
import { createLogs } from './aws/logs.ts';
import { createParameterStore } from './aws/ssm/parameters.ts';
import { createSsm, type Ssm } from './aws/ssm/ssm.ts';
import { createSts } from './aws/sts.ts';
import { type Balancer, createBalancer } from './balancer/balancer.ts';
import { type Bus, createBus } from './bus.ts';
import { type LocalContext, PID_LABEL } from './context.ts';
import { createDiscord, type Discord } from './discord/server.ts';
import { dockerEngine } from './engine/docker.ts';
import type { Engine } from './engine/engine.ts';
import { createFaults, type Faults } from './faults.ts';
import { createGithub, type Github } from './github/server.ts';
import type { Dispatch } from './github/state.ts';
import { createHosts, type Hosts } from './hosts/hosts.ts';
import { createLag, type LagMode } from './lag.ts';
import { createInstanceDirectory, removeLeftovers } from './leftovers.ts';
import { createLogStore, type LogStore } from './logs/store.ts';
import { createOidc, type Oidc } from './oidc/server.ts';
import { identityOf } from './process-identity.ts';
import { createRegistry, type Registry } from './registry/registry.ts';
import { createWorld, fillIn, type World, type WorldInput } from './world.ts';

export interface StartOptions {
  world?: WorldInput;
  /** Of everything that is left to chance: lags, faults with a probability. */
  seed?: number;
  /** Eventual consistency: `real` lets answers be behind, `off` (the default) shows everything at once. */
  lag?: LagMode;
  /** Ports on loopback; free ones unless told. */
  ports?: { aws?: number; registry?: number; github?: number; discord?: number; page?: number };
  /** Factor on the times of container health checks. */
  healthTimeScale?: number;
  /** A dispatch that the local GitHub accepted: whoever runs workflows starts one. */
  onDispatch?(dispatch: Dispatch): void;
  /** Keep the images that were pulled from this registry when it ends, since the next start has the same port. */
  keepImages?: boolean;
}

export interface Endpoints {
  aws: string;
  registry: string;
  github: string;
  graphql: string;
  oidc: string;
  discord: string;
  balancers: Record<string, string>;
}

/** A pipeline's surroundings on this machine: AWS, a registry, GitHub and Discord, all on 127.0.0.1. */
export interface Local {
  instance: string;
  world: World;
  endpoints: Endpoints;
  /** The environment that clients find all this by, with standard names only; signed in as the account's user unless told not to. */
  env(options?: { credentials?: boolean }): Record<string, string>;
  faults: Faults;
  bus: Bus;
  logs: LogStore;
  engine: Engine;
  registry: Registry;
  ecs: Ecs;
  ssm: Ssm;
  hosts: Hosts;
  github: Github;
  discord: Discord;
  oidc: Oidc;
  balancers: readonly Balancer[];
  /** What the AWS endpoint was asked, oldest first. */
  requests(): readonly RequestRecord[];
  /** Ends everything and removes every process, container, network and file that it made. May be called more than once. */
  stop(): Promise<void>;
}

const GITHUB_TOKEN = 'ghs_localtokenthatopensonlyloopback';

/**
 * Starts everything; when something fails on the way, what was started before is ended again.
 * @throws Problem kind `environment` without a container engine or registry program, `config` for a world that is wrong
 */
export async function startLocal(options: StartOptions = {}): Promise<Local> {
  const undo: (() => Promise<unknown>)[] = [];
  let ending: Promise<void> | undefined;
  const stop = () => {
    ending ??= unwind(undo);
    return ending;
  };
  try {
    return await compose(options, (step) => undo.push(step), stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Last made, first ended; one step's failure does not keep the others from being taken. */
async function unwind(undo: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const step of [...undo].reverse()) {
    await step().catch((error: unknown) => console.error('While ending the local pipeline:', error));
  }
}

async function compose(
  options: StartOptions,
  onStop: (step: () => Promise<unknown>) => void,
  stop: () => Promise<void>,
): Promise<Local> {
  const world = createWorld(options.world);
  const { account, region } = world;
  const seed = options.seed ?? 1;
  const context = contextOf(world, seed, options.lag ?? 'off');
  const { clock, faults, bus, logs, instance } = context;
  const engineOf = (of: string) => dockerEngine({ instance: of, labels: { [PID_LABEL]: identityOf(process.pid) } });
  const engine = engineOf(instance);
  await engine.ping();
  await removeLeftovers(engineOf);
  const directory = await createInstanceDirectory(instance);
  onStop(() => directory.remove());
  onStop(() => engine.removeAll(4000));

  const credentials = createCredentialStore({ account, now: clock.now });
  const registry = await createRegistry({
    ...context,
    repositories: world.repositories,
    root: credentials.root,
    backend: { directory: `${directory.path}/registry`, onStart: directory.adopt },
    ...port(options.ports?.registry),
  });
  onStop(() => registry.close());
  if (!options.keepImages) onStop(() => removeImages(engine, registry));

  const balancers: Balancer[] = [];
  for (const spec of world.balancers) {
    const balancer = await createBalancer(spec, context);
    balancers.push(balancer);
    onStop(() => balancer.close());
  }
  const oidc = await createOidc({ ...context, ...identityFor(world) });
  onStop(() => oidc.close());
  const github = await createGithub({
    ...context,
    repositories: world.github.repositories,
    tokens: { [GITHUB_TOKEN]: { login: 'github-actions[bot]' }, ...world.github.tokens },
    ...(options.onDispatch ? { onDispatch: options.onDispatch } : {}),
    ...port(options.ports?.github),
  });
  onStop(() => github.close());
  const discord = await createDiscord({ ...context, ...world.discord, ...port(options.ports?.discord) } as Parameters<
    typeof createDiscord
  >[0]);
  onStop(() => discord.close());

  const parameters = createParameterStore(context, world.parameters);
  const hosts = createHosts(world.hosts, {
    context,
    engine,
    labels: { [PID_LABEL]: identityOf(process.pid) },
    registry,
    directory,
    keyFor: (id, role) => hostKey(world, credentials, id, role),
  });
  onStop(() => hosts.stop());
  const ssm = createSsm({ context, hosts, parameters, documents: world.documents });
  onStop(async () => ssm.stop());
  const ecs = createEcs({
    context,
    engine,
    targetGroups: balancers.flatMap((balancer) => balancer.targetGroups),
    registry,
    secret: (from) => parameters.value(from),
    healthTimeScale: options.healthTimeScale ?? 1,
  });
  onStop(() => ecs.stop());
  const aws = await createAwsEndpoint({
    ...context,
    credentials,
    services: [
      createSts({ account, roles: world.roles, credentials, oidcIssuer: oidc.url }),
      createEcr({
        ...context,
        registry,
        credentials,
        findings: (name) => world.repositories.find((r) => r.name === name)?.findings ?? [],
      }),
      createLogs(context),
      createElbv2({ balancers }),
      createEc2({ context, hosts }),
      ssm.service,
      ecs.service,
    ],
    ...port(options.ports?.aws),
  });
  onStop(() => aws.close());
  await hosts.start(aws.url);
  ecs.seed(fillIn({ clusters: world.clusters }, { registry: registry.host, account, region }));

  const endpoints: Endpoints = {
    aws: aws.url,
    registry: registry.host,
    github: github.url,
    graphql: github.graphqlUrl,
    oidc: oidc.url,
    discord: discord.url,
    balancers: Object.fromEntries(balancers.map(({ name, url }) => [name, url])),
  };
  return {
    instance,
    world,
    endpoints,
    env: ({ credentials: signedIn = true } = {}) => ({
      AWS_ENDPOINT_URL: aws.url,
      AWS_REGION: region,
      // The aws command line reads this one.
      AWS_DEFAULT_REGION: region,
      ACTIONS_ID_TOKEN_REQUEST_URL: oidc.requestUrl,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: oidc.requestToken,
      GITHUB_API_URL: github.url,
      GITHUB_GRAPHQL_URL: github.graphqlUrl,
      GITHUB_SERVER_URL: github.url,
      GITHUB_TOKEN,
      ...(signedIn
        ? {
            AWS_ACCESS_KEY_ID: credentials.root.credentials.accessKeyId,
            AWS_SECRET_ACCESS_KEY: credentials.root.credentials.secretAccessKey,
          }
        : {}),
    }),
    faults,
    bus,
    logs,
    engine,
    registry,
    ecs,
    ssm,
    hosts,
    github,
    discord,
    oidc,
    balancers,
    requests: () => aws.requests(),
    stop,
  };
}

function contextOf(world: World, seed: number, mode: LagMode): LocalContext {
  const clock = systemClock;
  const bus = createBus(clock.now);
  const lag = createLag({ mode, seed });
  const logs = createLogStore({
    now: clock.now,
    ingestionLag: (group) => lag.of('logs.ingestion', group),
    onAppend: (group, stream, { message }) => bus.emit({ kind: 'log', text: message, data: { group, stream } }),
  });
  const instance = randomBytes(4).toString('hex');
  return { instance, account: world.account, region: world.region, clock, bus, faults: createFaults(seed), lag, logs };
}

function identityFor(world: World): Pick<Parameters<typeof createOidc>[0] & object, 'identity'> | object {
  const [first] = world.github.repositories;
  const identity = world.github.identity ?? (first && { repository: `${first.owner}/${first.name}` });
  return identity ? { identity } : {};
}

function port(number: number | undefined): { port?: number } {
  return number === undefined ? {} : { port: number };
}

const HOST_SESSION_SECONDS = 7 * 24 * 3600;

/** The keys that a host's instance profile gives it. */
function hostKey({ account, roles }: World, credentials: CredentialStore, id: string, name = 'slipway-host'): KnownKey {
  const deny = roles.find((role) => role.name === name)?.deny ?? [];
  const userId = `${uniqueId('AROA', name)}:${id}`;
  const identity = { account, arn: `arn:aws:sts::${account}:assumed-role/${name}/${id}`, userId };
  return credentials.issue(identity, HOST_SESSION_SECONDS, deny);
}

/** The registry's port is another one next time, so that images under its name would never be used again. */
async function removeImages(engine: Engine, { host, snapshot }: Registry): Promise<void> {
  const names = snapshot().repositories.flatMap(({ name, images }) =>
    images.flatMap(({ digest, tags }) => [...tags.map((tag) => `${host}/${name}:${tag}`), `${host}/${name}@${digest}`]),
  );
  await Promise.all(names.map((name) => engine.removeImage(name).catch(() => undefined)));
}
