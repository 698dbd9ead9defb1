import type * as sdk from '@aws-sdk/client-ecs';
import type { World } from '../../world.ts';
import type { AwsService, Call } from '../service.ts';
import * as clusters from './clusters.ts';
import { EcsCore, type EcsDeps } from './core.ts';
import type { Service } from './model.ts';
import { reconcile } from './reconcile.ts';
import * as deployments from './service-deployments.ts';
import * as services from './services.ts';
import { type EcsSnapshot, snapshot } from './snapshot.ts';
import * as definitions from './task-definitions.ts';
import * as tasks from './tasks.ts';

/** A small true ECS: its API, and the reconciliation that keeps services as they are asked to be. */
export interface Ecs {
  service: AwsService;
  /** Makes the world's clusters, task definitions and services. Their tasks start on their own: see `ready`. */
  seed(world: Pick<World, 'clusters'>): void;
  /** Resolves when every service has reached a steady state; rejects with what hinders them after `boundMs`. */
  ready(boundMs: number): Promise<void>;
  snapshot(): EcsSnapshot;
  /** Ends reconciliation and removes every container and network of the engine's instance. */
  stop(): Promise<void>;
}

/** Milliseconds between looks at a service when nothing tells of a change: grace periods and back-off end by time. */
const LOOK_MS = 200;
/** Milliseconds that `stop` may take. */
const STOP_MS = 5000;

export function createEcs(deps: EcsDeps): Ecs {
  const core = new EcsCore(deps);
  const loop = new ReconcileLoop(core);
  core.onChange = (service) => loop.soon(service);
  const unsubscribe = deps.context.bus.subscribe(({ kind }) => {
    if (kind === 'elb.target') for (const service of core.state.services) loop.soon(service);
  });
  return {
    service: {
      id: 'ecs',
      operations: operations(core),
      lossless: ['RegisterTaskDefinition', 'DescribeTaskDefinition', 'DeregisterTaskDefinition'],
    },
    seed: (world) => seed(core, world),
    ready: (boundMs) => ready(core, boundMs),
    snapshot: () => snapshot(core),
    async stop() {
      unsubscribe();
      loop.close();
      core.runner.close();
      await deps.engine.removeAll(STOP_MS);
    },
  };
}

function operations(core: EcsCore): AwsService['operations'] {
  return {
    CreateCluster: (input: sdk.CreateClusterRequest) => clusters.createCluster(core, input),
    DescribeClusters: (input: sdk.DescribeClustersRequest) => clusters.describeClusters(core, input),
    ListClusters: (input: sdk.ListClustersRequest) => clusters.listClusters(core, input),
    RegisterTaskDefinition: (input: sdk.RegisterTaskDefinitionRequest, { identity }: Call) =>
      definitions.registerTaskDefinition(core.state, input, identity.arn, core.now()),
    DescribeTaskDefinition: (input: sdk.DescribeTaskDefinitionRequest) =>
      definitions.describeTaskDefinition(core.state, input),
    DeregisterTaskDefinition: (input: sdk.DeregisterTaskDefinitionRequest) =>
      definitions.deregisterTaskDefinition(core.state, input, core.now()),
    ListTaskDefinitions: (input: sdk.ListTaskDefinitionsRequest) => definitions.listTaskDefinitions(core.state, input),
    CreateService: (input: sdk.CreateServiceRequest, { identity }: Call) =>
      services.createService(core, input, identity.arn),
    UpdateService: (input: sdk.UpdateServiceRequest) => services.updateService(core, input),
    DeleteService: (input: sdk.DeleteServiceRequest) => services.deleteService(core, input),
    DescribeServices: (input: sdk.DescribeServicesRequest) => services.describeServices(core, input),
    ListServices: (input: sdk.ListServicesRequest) => services.listServices(core, input),
    ListServiceDeployments: (input: sdk.ListServiceDeploymentsRequest) =>
      deployments.listServiceDeployments(core, input),
    DescribeServiceDeployments: (input: sdk.DescribeServiceDeploymentsRequest) =>
      deployments.describeServiceDeployments(core, input),
    DescribeServiceRevisions: (input: sdk.DescribeServiceRevisionsRequest) =>
      deployments.describeServiceRevisions(core, input),
    StopServiceDeployment: (input: sdk.StopServiceDeploymentRequest) => deployments.stopServiceDeployment(core, input),
    ContinueServiceDeployment: (input: sdk.ContinueServiceDeploymentRequest) =>
      deployments.continueServiceDeployment(core, input),
    RunTask: (input: sdk.RunTaskRequest) => tasks.runTask(core, input),
    StopTask: (input: sdk.StopTaskRequest) => tasks.stopTask(core, input),
    DescribeTasks: (input: sdk.DescribeTasksRequest) => tasks.describeTasks(core, input),
    ListTasks: (input: sdk.ListTasksRequest) => tasks.listTasks(core, input),
    TagResource: (input: sdk.TagResourceRequest) => clusters.tagResource(core, input),
    UntagResource: (input: sdk.UntagResourceRequest) => clusters.untagResource(core, input),
    ListTagsForResource: (input: sdk.ListTagsForResourceRequest) => clusters.listTagsForResource(core, input),
  };
}

function seed(core: EcsCore, world: Pick<World, 'clusters'>): void {
  const by = `arn:aws:iam::${core.context.account}:root`;
  for (const { name, taskDefinitions, services: wanted } of world.clusters) {
    core.state.createCluster(name);
    for (const definition of taskDefinitions)
      definitions.registerTaskDefinition(core.state, definition, by, core.now());
    for (const service of wanted) services.createService(core, { ...service, cluster: name }, by);
  }
}

async function ready(core: EcsCore, boundMs: number): Promise<void> {
  const { clock } = core.context;
  const end = clock.now() + boundMs;
  for (;;) {
    const unsteady = core.state.services.filter(({ steady, status }) => status === 'ACTIVE' && !steady);
    if (unsteady.length === 0) return;
    if (clock.now() > end) {
      const why = unsteady.map(({ name, events }) => `${name}: ${events[0]?.message ?? 'no event yet'}`).join('; ');
      throw new Error(`ECS services did not reach a steady state within ${boundMs} ms: ${why}`);
    }
    await clock.sleep(50);
  }
}

/** Looks at a service soon after anything about it has changed, once however often it changed, and every now and then. */
class ReconcileLoop {
  readonly #core: EcsCore;
  readonly #due = new Set<Service>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(core: EcsCore) {
    this.#core = core;
    this.#timer = setInterval(() => {
      for (const service of core.state.services) this.soon(service);
    }, LOOK_MS);
  }

  soon(service: Service): void {
    if (this.#closed) return;
    if (this.#due.size === 0) setImmediate(() => this.#look());
    this.#due.add(service);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  #look(): void {
    const due = [...this.#due];
    this.#due.clear();
    if (this.#closed) return;
    for (const service of due) reconcile(this.#core, service);
  }
}
