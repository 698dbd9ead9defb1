import { randomBytes } from 'node:crypto';
import { systemClock } from '../lib/clock.ts';
import { type CredentialStore, createCredentialStore, type KnownKey, uniqueId } from './aws/credentials.ts';
import { createEc2 } from './aws/ec2.ts';
import { createMachineImages, type MachineImages } from './aws/ec2-images.ts';
import { createEcrSites } from './aws/ecr/sites.ts';
import { createEcs, type Ecs } from './aws/ecs/ecs.ts';
import { createElbv2 } from './aws/elbv2/elbv2.ts';
import { type AwsEndpoint, createAwsEndpoint } from './aws/endpoint.ts';
import { createIam } from './aws/iam.ts';
import { createLogs } from './aws/logs.ts';
import { createMonitoring } from './aws/monitoring.ts';
import { createSecretsManager } from './aws/secrets-manager.ts';
import { createParameterStore } from './aws/ssm/parameters.ts';
import { createSsm, type Ssm } from './aws/ssm/ssm.ts';
import { createSts } from './aws/sts.ts';
import { type Balancer, createBalancer } from './balancer/balancer.ts';
import { createBus } from './bus.ts';
import { type LocalContext, PID_LABEL } from './context.ts';
import { createDiscord, type Discord } from './discord/server.ts';
import { dockerEngine } from './engine/docker.ts';
import type { Engine } from './engine/engine.ts';
import { createFaults } from './faults.ts';
import { createGithub, type Github } from './github/server.ts';
import { createHosts, type Hosts } from './hosts/hosts.ts';
import { hostsSnapshot } from './hosts/snapshot.ts';
import { createLag, type LagMode } from './lag.ts';
import { createInstanceDirectory, type InstanceDirectory, removeLeftovers } from './leftovers.ts';
import { createLogStore } from './logs/store.ts';
import { createOidc, type Oidc } from './oidc/server.ts';
import { createPage, type Page } from './page/server.ts';
import { identityOf } from './process-identity.ts';
import { createRegistry, type Grant, type Registry } from './registry/registry.ts';
import { createS3, type S3 } from './s3/server.ts';
import type { StartOptions } from './start.ts';
import { fillIn, type OtherRegistry, type World } from './world.ts';

/** Has something done when everything ends: last told, first done. */
export type OnStop = (step: () => Promise<unknown>) => void;

/** What a run talks to that is not AWS. */
export interface Forge {
  oidc: Oidc;
  github: Github;
  discord: Discord;
}

export interface Cloud {
  credentials: CredentialStore;
  registry: Registry;
  /** Every registry, the first one too, by ACCOUNT/REGION. */
  registries: ReadonlyMap<string, Registry>;
  balancers: readonly Balancer[];
  hosts: Hosts;
  images: MachineImages;
  ssm: Ssm;
  ecs: Ecs;
  aws: AwsEndpoint;
  s3: S3;
}

export interface Ground {
  context: LocalContext;
  engine: Engine;
  directory: InstanceDirectory;
}

/** A token that everything may, for the runs of this machine. */
export const GITHUB_TOKEN = 'ghs_localtokenthatopensonlyloopback';

const HOST_SESSION_SECONDS = 7 * 24 * 3600;
/** Milliseconds for the last sweep over containers and networks. */
const SWEEP_MS = 4000;

export function contextOf(world: World, seed: number, mode: LagMode): LocalContext {
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

/** The engine and a directory, after the leftovers of the dead are gone. @throws Problem kind `environment` without an engine */
export async function prepareGround(context: LocalContext, onStop: OnStop): Promise<Ground> {
  const engineOf = (instance: string) => dockerEngine({ instance, labels: ownLabels() });
  const engine = engineOf(context.instance);
  await engine.ping();
  await removeLeftovers(engineOf);
  const directory = await createInstanceDirectory(context.instance);
  onStop(() => directory.remove());
  onStop(() => engine.removeAll(SWEEP_MS));
  return { context, engine, directory };
}

function ownLabels(): Record<string, string> {
  return { [PID_LABEL]: identityOf(process.pid) };
}

export async function startForge(
  world: World,
  { context }: Ground,
  options: StartOptions,
  onStop: OnStop,
): Promise<Forge> {
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
  const { guild, bots } = world.discord;
  const discord = await createDiscord({
    ...context,
    bots,
    ...(guild ? { guild } : {}),
    ...port(options.ports?.discord),
  });
  onStop(() => discord.close());
  return { oidc, github, discord };
}

export async function startCloud(
  world: World,
  ground: Ground,
  forge: Forge,
  options: StartOptions,
  onStop: OnStop,
): Promise<Cloud> {
  const { context, engine } = ground;
  const { account, region } = context;
  const credentials = createCredentialStore({ account, now: context.clock.now });
  const registries = await startRegistries(world, ground, credentials, options, onStop);
  const registry = registries.get(`${account}/${region}`);
  if (registry === undefined) throw new Error('the registry of the world’s own account and region was started');
  const balancers: Balancer[] = [];
  for (const spec of world.balancers) {
    const balancer = await createBalancer(spec, context);
    balancers.push(balancer);
    onStop(() => balancer.close());
  }
  for (const group of world.logGroups) context.logs.createGroup(group);
  const parameters = createParameterStore(context, world.parameters);
  const images = createMachineImages({ context, ...world, parameters: parameters.values });
  const hosts = createHosts(world.hosts, {
    ...ground,
    labels: ownLabels(),
    registry,
    keyFor: (id, role) => hostKey(world, credentials, id, role),
  });
  onStop(() => hosts.stop());
  const ssm = createSsm({ context, hosts, parameters, documents: world.documents });
  onStop(async () => ssm.stop());
  const ecs = createEcs({
    context,
    engine,
    targetGroups: balancers.flatMap((balancer) => balancer.targetGroups),
    rules: balancers.flatMap((balancer) => balancer.rules),
    functions: world.functions,
    registry,
    secret: (from) => parameters.value(from),
    healthTimeScale: options.healthTimeScale ?? 1,
  });
  onStop(() => ecs.stop());
  const elsewhere = world.registries.map((other) => other.region);
  const aws = await createAwsEndpoint({
    ...context,
    credentials,
    services: [
      createSts({ account, roles: world.roles, credentials, oidcIssuer: forge.oidc.url }),
      createIam({ ...context, roles: world.roles }),
      createEcrSites(
        allRegistries(world).flatMap(({ repositories, ...site }) => {
          const served = registries.get(`${site.account}/${site.region}`);
          const scans = (name: string) => repositories.find((r) => r.name === name);
          return served ? [{ ...context, ...site, registry: served, credentials, scans }] : [];
        }),
      ),
      createLogs(context),
      createElbv2({ balancers }),
      createMonitoring({ ...context, balancers }),
      createEc2({ context, hosts, images }),
      ssm.service,
      createSecretsManager(context, world.secrets),
      ecs.service,
    ],
    moreRegions: (service) => [
      ...(service === 'ecr' || service === 'sts' ? elsewhere : []),
      ...(service === 'ec2' || service === 'ssm' ? world.moreRegions : []),
    ],
    ...port(options.ports?.aws),
  });
  onStop(() => aws.close());
  const s3 = await createS3({ ...context, credentials, buckets: world.buckets });
  onStop(() => s3.close());
  await hosts.start(aws.url);
  ecs.seed(fillIn({ clusters: world.clusters }, { registry: registry.host, account, region }));
  return { credentials, registry, registries, balancers, hosts, images, ssm, ecs, aws, s3 };
}

/** The world's own registry, and then the others. */
function allRegistries({ account, region, blobMounting, repositories, registries }: World): OtherRegistry[] {
  return [{ account, region, blobMounting, repositories }, ...registries];
}

/** A process and a port for each; one password opens all of a region, as in AWS. */
async function startRegistries(
  world: World,
  { context, engine, directory }: Ground,
  { root }: CredentialStore,
  options: StartOptions,
  onStop: OnStop,
): Promise<Map<string, Registry>> {
  const grants = new Map<string, Map<string, Grant>>();
  const started = new Map<string, Registry>();
  for (const [n, site] of allRegistries(world).entries()) {
    const ofRegion = grants.get(site.region) ?? new Map<string, Grant>();
    grants.set(site.region, ofRegion);
    const registry = await createRegistry({
      ...context,
      ...site,
      grants: ofRegion,
      root,
      backend: { directory: `${directory.path}/registry${n === 0 ? '' : n}`, onStart: directory.adopt },
      ...(n === 0 ? port(options.ports?.registry) : {}),
    });
    started.set(`${site.account}/${site.region}`, registry);
    onStop(() => registry.close());
    if (!options.keepImages) onStop(() => removeImages(engine, registry));
  }
  return started;
}

export async function startPage(
  cloud: Cloud,
  forge: Forge,
  { context }: Ground,
  options: StartOptions,
  onStop: OnStop,
): Promise<Page> {
  const { ecs, registry, balancers, hosts, ssm } = cloud;
  const page = await createPage({
    bus: context.bus,
    faults: context.faults,
    discord: forge.discord,
    hosts,
    sources: {
      ecs: ecs.snapshot,
      registry: registry.snapshot,
      balancers: () => balancers,
      hosts: () => hostsSnapshot(hosts.all(), ssm.commands()),
      logs: context.logs,
      github: forge.github.snapshot,
      discord: forge.discord.snapshot,
    },
    port: options.ports?.page ?? 0,
  });
  onStop(() => page.close());
  return page;
}

function identityFor(world: World): Pick<NonNullable<Parameters<typeof createOidc>[0]>, 'identity'> {
  const [first] = world.github.repositories;
  const identity = world.github.identity ?? (first && { repository: `${first.owner}/${first.name}` });
  return identity ? { identity } : {};
}

function port(number: number | undefined): { port?: number } {
  return number === undefined ? {} : { port: number };
}

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
