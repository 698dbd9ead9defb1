import { randomBytes } from 'node:crypto';
import {
  type ContainerDefinition,
  DescribeServiceDeploymentsCommand,
  DescribeServicesCommand,
  ECSClient,
} from '@aws-sdk/client-ecs';
import { systemClock } from '../../../lib/clock.ts';
import { BASE_IMAGE, ensureBaseImage } from '../../../scripts/base-image.ts';
import { type Balancer, createBalancer } from '../../balancer/balancer.ts';
import { createBus } from '../../bus.ts';
import type { LocalContext } from '../../context.ts';
import { dockerEngine } from '../../engine/docker.ts';
import type { Engine } from '../../engine/engine.ts';
import { createFaults } from '../../faults.ts';
import { createLag, type LagMode } from '../../lag.ts';
import { createLogStore } from '../../logs/store.ts';
import { createWorld, type WorldInput } from '../../world.ts';
import { createCredentialStore, LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../credentials.ts';
import { createElbv2 } from '../elbv2/elbv2.ts';
import { createAwsEndpoint } from '../endpoint.ts';
import { createLogs } from '../logs.ts';
import { createEcs, type Ecs } from './ecs.ts';

/** A local ECS with its balancers and logs behind the real endpoint, for tests. */
export interface TestEcs {
  context: LocalContext;
  engine: Engine;
  ecs: Ecs;
  balancers: Balancer[];
  url: string;
  client: ECSClient;
  stop(): Promise<void>;
}

export async function startTestEcs(
  input: WorldInput,
  options: { lag?: LagMode; owner?: string; minuteMs?: number } = {},
): Promise<TestEcs> {
  const world = createWorld(input);
  const instance = `ecs-test-${randomBytes(4).toString('hex')}`;
  const lag = createLag({ mode: options.lag ?? 'off', seed: 7 });
  const clock = systemClock;
  const context: LocalContext = {
    instance,
    account: world.account,
    region: world.region,
    clock,
    bus: createBus(),
    faults: createFaults(7),
    lag,
    logs: createLogStore({ now: clock.now, ingestionLag: () => 0 }),
  };
  const engine = dockerEngine({ instance, labels: { 'slipway.owner': 'ecs-test' } });
  await ensureBaseImage();
  const balancers = await Promise.all(world.balancers.map((spec) => createBalancer(spec, context)));
  const ecs = createEcs({
    context,
    engine,
    targetGroups: balancers.flatMap(({ targetGroups }) => [...targetGroups]),
    rules: balancers.flatMap(({ rules }) => [...rules]),
    functions: world.functions,
    ...(options.minuteMs === undefined ? {} : { deploymentMinuteMs: options.minuteMs }),
    healthTimeScale: 0.2,
  });
  const credentials = createCredentialStore({ account: world.account, now: clock.now });
  const endpoint = await createAwsEndpoint({
    ...context,
    credentials,
    services: [ecs.service, createElbv2({ balancers }), createLogs(context)],
  });
  ecs.seed(world);
  const client = new ECSClient({
    endpoint: endpoint.url,
    region: world.region,
    maxAttempts: 1,
    credentials: { accessKeyId: LOCAL_ACCESS_KEY_ID, secretAccessKey: LOCAL_SECRET_ACCESS_KEY },
  });
  return {
    context,
    engine,
    ecs,
    balancers,
    url: endpoint.url,
    client,
    async stop() {
      client.destroy();
      await Promise.all(balancers.map((balancer) => balancer.close()));
      await ecs.stop();
      await endpoint.close();
    },
  };
}

/** A container that answers every request with its version, on port 8080. */
export function serving(version: string, more: Partial<ContainerDefinition> = {}): ContainerDefinition {
  return {
    ...shellContainer(`echo started ${version}; ${answering(8080, version)}`, more),
    portMappings: [{ containerPort: 8080 }],
  };
}

/** A shell line that becomes a server which answers every request with this text. */
export function answering(port: number, text: string): string {
  return `exec node -e "require('http').createServer((_, to) => to.end('${text}')).listen(${port})"`;
}

/** A shell line that asks a URL, prints what it answers, and fails when it does not. */
export function asking(url: string): string {
  return `node -e "fetch('${url}').then(async (r) => console.log(await r.text()) || process.exit(r.ok ? 0 : 1), () => process.exit(1))"`;
}

/** A container that runs a shell line. */
export function shellContainer(script: string, more: Partial<ContainerDefinition> = {}): ContainerDefinition {
  return {
    name: 'app',
    image: BASE_IMAGE,
    entryPoint: ['sh', '-c'],
    command: [script],
    memory: 128,
    stopTimeout: 2,
    linuxParameters: { initProcessEnabled: true },
    logConfiguration: {
      logDriver: 'awslogs',
      options: { 'awslogs-group': '/ecs/test', 'awslogs-stream-prefix': 'app' },
    },
    ...more,
  };
}

export const WEB_GROUP = {
  name: 'web',
  deregistrationDelaySeconds: 1,
  healthCheck: { intervalSeconds: 0.3, timeoutSeconds: 4, healthyThresholdCount: 1, unhealthyThresholdCount: 4 },
};

/** Cluster `sample` with service `web` behind a balancer, breaker with rollback on. */
export function webWorld(more: { breaker?: boolean; rollback?: boolean; desiredCount?: number } = {}): WorldInput {
  return {
    clusters: [
      {
        name: 'sample',
        taskDefinitions: [{ family: 'web', containerDefinitions: [serving('v1')] }],
        services: [
          {
            serviceName: 'web',
            taskDefinition: 'web:1',
            desiredCount: more.desiredCount ?? 2,
            loadBalancers: [{ targetGroupArn: 'web', containerName: 'app', containerPort: 8080 }],
            deploymentConfiguration: {
              minimumHealthyPercent: 100,
              maximumPercent: 200,
              deploymentCircuitBreaker: { enable: more.breaker ?? true, rollback: more.rollback ?? true },
            },
          },
        ],
      },
    ],
    balancers: [{ name: 'web', targetGroups: [WEB_GROUP] }],
  };
}

/** The service of `webWorld` with what blue/green, linear and canary deployments need: two target groups and a test listener. */
export function shiftingWorld(): WorldInput {
  const world = webWorld();
  const advancedConfiguration = {
    alternateTargetGroupArn: 'green',
    productionListenerRule: 'web:production',
    testListenerRule: 'web:test',
    roleArn: 'arn:aws:iam::123456789012:role/ecs-traffic',
  };
  const service = {
    serviceName: 'web',
    taskDefinition: 'web:1',
    desiredCount: 2,
    loadBalancers: [{ targetGroupArn: 'web', containerName: 'app', containerPort: 8080, advancedConfiguration }],
    deploymentConfiguration: { strategy: 'BLUE_GREEN' as const, bakeTimeInMinutes: 0 },
  };
  return {
    ...world,
    clusters: (world.clusters ?? []).map((cluster) => ({ ...cluster, services: [service] })),
    balancers: [{ name: 'web', testPort: 0, targetGroups: [WEB_GROUP, { ...WEB_GROUP, name: 'green' }] }],
  };
}

/** The current deployment of a service, and the service as the API shows it right after that. */
export async function look(client: ECSClient, name = 'web') {
  const describe = async () => {
    const input = { cluster: 'sample', services: [name], include: ['TAGS' as const] };
    return (await client.send(new DescribeServicesCommand(input))).services?.[0];
  };
  const current = (await describe())?.currentServiceDeployment;
  const { serviceDeployments } = await client.send(
    new DescribeServiceDeploymentsCommand({ serviceDeploymentArns: current ? [current] : [] }),
  );
  const deployment = serviceDeployments?.[0];
  const service = await describe();
  if (!deployment || !service) throw new Error(`service ${name} or its current deployment cannot be described`);
  return { service, deployment, events: (service.events ?? []).map(({ message }) => message ?? '') };
}

/** Asks again every 50 ms until the condition holds, and returns what it saw. @throws Error with the last answer after `boundMs` */
export async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean, boundMs = 20_000): Promise<T> {
  const end = Date.now() + boundMs;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > end)
      throw new Error(`the condition did not hold within ${boundMs} ms: ${JSON.stringify(value).slice(0, 3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Asks a URL so many times a second on fresh turns of the clock, until it is stopped. */
export function prober(url: string, perSecond: number) {
  const failures: string[] = [];
  const bodies: string[] = [];
  const under = new Set<Promise<void>>();
  const ask = async (): Promise<void> => {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
      const body = (await response.text()).trim();
      if (response.status !== 200) failures.push(`${response.status}`);
      else if (!bodies.includes(body)) bodies.push(body);
    } catch (error) {
      failures.push(String(error));
    }
  };
  const timer = setInterval(() => {
    const asked = ask().finally(() => under.delete(asked));
    under.add(asked);
  }, 1000 / perSecond);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(under);
      return { failures, bodies };
    },
  };
}
