import type { RequestRecord } from './aws/endpoint.ts';
import {
  type Cloud,
  contextOf,
  type Forge,
  GITHUB_TOKEN,
  prepareGround,
  startCloud,
  startForge,
  startPage,
} from './compose.ts';
import type { LocalContext } from './context.ts';
import type { Engine } from './engine/engine.ts';
import type { Dispatch } from './github/state.ts';
import type { LagMode } from './lag.ts';
import type { Page } from './page/server.ts';
import { createWorld, type World, type WorldInput } from './world.ts';

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

/** Where everything is. All but the registry (127.0.0.1:PORT, as in image names) are URLs. */
export interface Endpoints {
  aws: string;
  s3: string;
  registry: string;
  github: string;
  graphql: string;
  oidc: string;
  discord: string;
  page: string;
  balancers: Record<string, string>;
}

/** A pipeline's surroundings on this machine: AWS, a registry, GitHub and Discord, all on 127.0.0.1. */
export interface Local
  extends Pick<LocalContext, 'instance' | 'faults' | 'bus' | 'logs'>,
    Forge,
    Pick<Cloud, 'registry' | 'registries' | 'balancers' | 'hosts' | 'images' | 'ssm' | 'ecs' | 's3'> {
  world: World;
  engine: Engine;
  page: Page;
  endpoints: Endpoints;
  /** The environment that clients find all this by, with standard names only; signed in as the account's user unless told not to. */
  env(options?: { credentials?: boolean }): Record<string, string>;
  /** What the AWS endpoint was asked, oldest first. */
  requests(): readonly RequestRecord[];
  /** Ends everything and removes every process, container, network and file that it made. May be called more than once. */
  stop(): Promise<void>;
}

/**
 * Starts everything; when something fails on the way, what was started before is ended again.
 * @throws Problem kind `environment` without a container engine or registry program, `config` for a world that is wrong
 */
export async function startLocal(options: StartOptions = {}): Promise<Local> {
  const steps: (() => Promise<unknown>)[] = [];
  let ending: Promise<void> | undefined;
  const stop = () => {
    ending ??= unwind(steps);
    return ending;
  };
  const onStop = (step: () => Promise<unknown>) => void steps.push(step);
  try {
    const world = createWorld(options.world);
    const ground = await prepareGround(contextOf(world, options.seed ?? 1, options.lag ?? 'off'), onStop);
    const forge = await startForge(world, ground, options, onStop);
    const cloud = await startCloud(world, ground, forge, options, onStop);
    const page = await startPage(cloud, forge, ground, options, onStop);
    const { instance, faults, bus, logs } = ground.context;
    const { registry, registries, balancers, hosts, images, ssm, ecs, s3 } = cloud;
    const parts = {
      instance,
      faults,
      bus,
      logs,
      registry,
      registries,
      balancers,
      hosts,
      images,
      ssm,
      ecs,
      s3,
      engine: ground.engine,
      page,
      ...forge,
    };
    return {
      ...parts,
      world,
      endpoints: endpointsOf(cloud, forge, page),
      env: ({ credentials = true } = {}) => ({
        ...environment(world, cloud, forge),
        ...(credentials ? keys(cloud) : {}),
      }),
      requests: () => cloud.aws.requests(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Last made, first ended; one step's failure does not keep the others from being taken. */
async function unwind(steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const step of [...steps].reverse()) {
    await step().catch((error: unknown) => console.error('While ending the local pipeline:', error));
  }
}

function endpointsOf({ aws, s3, registry, balancers }: Cloud, { github, oidc, discord }: Forge, page: Page): Endpoints {
  return {
    aws: aws.url,
    s3: s3.url,
    registry: registry.host,
    github: github.url,
    graphql: github.graphqlUrl,
    oidc: oidc.url,
    discord: discord.url,
    page: page.url,
    balancers: Object.fromEntries(balancers.map(({ name, url }) => [name, url])),
  };
}

function environment({ region }: World, { aws, s3 }: Cloud, { github, oidc }: Forge): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: aws.url,
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_REGION: region,
    // The aws command line reads this one.
    AWS_DEFAULT_REGION: region,
    ACTIONS_ID_TOKEN_REQUEST_URL: oidc.requestUrl,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: oidc.requestToken,
    GITHUB_API_URL: github.url,
    GITHUB_GRAPHQL_URL: github.graphqlUrl,
    GITHUB_SERVER_URL: github.url,
    GITHUB_TOKEN,
  };
}

function keys({ credentials }: Cloud): Record<string, string> {
  const { accessKeyId, secretAccessKey } = credentials.root.credentials;
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}
