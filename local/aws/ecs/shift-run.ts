import type { DeploymentLifecycleHook, ServiceDeployment as ServiceDeploymentShape } from '@aws-sdk/client-ecs';
import type { Forward } from '../../balancer/rule.ts';
import type { EcsCore } from './core.ts';
import { callFunction, expire, type HookRun, hooksOf, hookView, isOpen } from './hooks.ts';
import type { Deployment, RevisionCounts, Service, ServiceDeployment, ServiceSpec } from './model.ts';
import {
  firstState,
  isShifting,
  nextState,
  type ShiftFacts,
  type ShiftPlan,
  type ShiftState,
  shiftPlan,
} from './shift.ts';

/** A deployment's traffic on its way from one revision to the other. */
export interface TrafficShift {
  readonly plan: ShiftPlan;
  state: ShiftState;
  readonly green: Deployment;
  /** What served before; undefined for a service's first deployment. */
  readonly blue: Deployment | undefined;
  /** When this stage was entered, and before when it is not left: milliseconds since the epoch. */
  since: number;
  notBefore: number;
  /** Runs of this stage's hooks. */
  hooks: HookRun[];
  /** A rollback has begun: the traffic goes back as soon as the old revision can take it. */
  turnedBack: boolean;
}

/** Which target group a new deployment registers its tasks in: beside the one that serves, where there is an alternate. */
export function groupsFor(spec: ServiceSpec, serving: Deployment | undefined): (string | undefined)[] {
  return (spec.loadBalancers ?? []).map(({ targetGroupArn, advancedConfiguration }, i) => {
    const alternate = advancedConfiguration?.alternateTargetGroupArn;
    const taken = serving?.groups[i];
    if (!isShifting(spec)) return taken !== undefined && taken === alternate ? taken : targetGroupArn;
    return taken === targetGroupArn && alternate !== undefined ? alternate : targetGroupArn;
  });
}

export function newShift(
  green: Deployment,
  blue: Deployment | undefined,
  sources: readonly Deployment[],
  now: number,
): TrafficShift | undefined {
  if (!isShifting(green.spec)) return undefined;
  const testListener = (green.spec.loadBalancers ?? []).some((lb) => lb.advancedConfiguration?.testListenerRule);
  const plan = shiftPlan(green.spec.deploymentConfiguration ?? {}, { testListener, first: blue === undefined });
  const state = firstState(sources.length > 1, plan);
  return { plan, state, green, blue, since: now, notBefore: now, hooks: [], turnedBack: false };
}

export type ShiftNews =
  | { kind: 'none' }
  | { kind: 'stage' }
  /** It has to turn back, for this reason. */
  | { kind: 'failed'; reason: string };

/** One look at a deployment that goes forward: hooks are asked, and the next stage is entered when this one is through. */
export function advance(
  core: EcsCore,
  service: Service,
  record: ServiceDeployment,
  facts: Pick<ShiftFacts, 'greenReady' | 'othersGone'>,
): ShiftNews {
  const { shift } = record;
  if (!shift || record.status !== 'IN_PROGRESS') return { kind: 'none' };
  const now = core.context.clock.now();
  workOnHooks(core, service, record, shift, now);
  const failed = shift.hooks.find(({ failure }) => failure !== undefined);
  if (failed?.failure !== undefined) return { kind: 'failed', reason: failed.failure };
  if (now < shift.notBefore) return { kind: 'none' };
  const hooksDone = !shift.hooks.some(isOpen);
  const minutesInStage = (now - shift.since) / core.minuteMs;
  const next = nextState(shift.state, shift.plan, { ...facts, hooksDone, minutesInStage });
  if (!next) return { kind: 'none' };
  enter(core, service, shift, next, now);
  record.updatedAt = new Date(now);
  return { kind: 'stage' };
}

/** Takes up the first stage, when the deployment begins. */
export function begin(core: EcsCore, service: Service, record: ServiceDeployment): void {
  if (record.shift) enter(core, service, record.shift, record.shift.state, core.context.clock.now());
  else route(core, record.deployment, undefined, 100, 100);
}

function enter(core: EcsCore, service: Service, shift: TrafficShift, state: ShiftState, now: number): void {
  shift.state = state;
  shift.since = now;
  shift.notBefore = now + core.context.lag.of('ecs.lifecycleStage', service.name, [300, 1500]);
  const hooks: DeploymentLifecycleHook[] = shift.green.spec.deploymentConfiguration?.lifecycleHooks ?? [];
  shift.hooks = hooksOf(hooks, state.stage, { now, minuteMs: core.minuteMs });
  route(core, shift.green, shift.blue, state.production, state.test ?? 0);
  core.context.bus.emit({
    kind: 'ecs.stage',
    text: `deployment of ${service.name} is at ${state.stage} (${state.production} % of production traffic)`,
    data: { cluster: service.cluster.name, service: service.name, ...state },
  });
}

/** Traffic back to what served before, once that can take it. @returns whether it has gone back */
export function turnBack(core: EcsCore, shift: TrafficShift, blueReady: boolean): boolean {
  const { blue, green } = shift;
  if (!shift.turnedBack || !blue) return true;
  if (shift.state.production > 0 && !blueReady) return false;
  shift.state = { ...shift.state, production: 0, test: shift.state.test === undefined ? undefined : 0 };
  route(core, green, blue, 0, 0);
  return true;
}

/** Sets the weights of the listener rules. Without an old revision nothing is shared: the new one gets all, once it is due. */
function route(core: EcsCore, green: Deployment, blue: Deployment | undefined, production: number, test: number): void {
  for (const [i, { advancedConfiguration }] of (green.spec.loadBalancers ?? []).entries()) {
    const { productionListenerRule, testListenerRule } = advancedConfiguration ?? {};
    const to = core.targetGroup(green.groups[i]);
    const from = core.targetGroup(blue?.groups[i]);
    for (const [name, percent] of [[productionListenerRule, production] as const, [testListenerRule, test] as const]) {
      const rule = core.rule(name);
      if (!rule || !to || (!from && percent === 0)) continue;
      const forwards: Forward[] = [{ group: to, weight: from && from !== to ? percent : 100 }];
      if (from && from !== to) forwards.push({ group: from, weight: 100 - percent });
      rule.forward(forwards);
    }
  }
}

function workOnHooks(
  core: EcsCore,
  service: Service,
  record: ServiceDeployment,
  shift: TrafficShift,
  now: number,
): void {
  expire(shift.hooks, shift.state.stage, now);
  for (const run of shift.hooks) {
    if (run.status !== 'IN_PROGRESS' || run.callAt === undefined || now < run.callAt) continue;
    const call = {
      serviceArn: service.arn,
      serviceDeploymentArn: record.arn,
      targetServiceRevisionArn: shift.green.revision.serviceRevisionArn ?? '',
      stage: shift.state.stage,
      url: core.functions[functionName(run.hook.hookTargetArn)] ?? '',
    };
    void callFunction(run, call, core.context.clock.now).then(() => core.onChange(service));
  }
}

/** arn:aws:lambda:REGION:ACCOUNT:function:NAME[:VERSION] */
export function functionName(arn: string | undefined): string {
  return arn?.split(':')[6] ?? '';
}

/** The traffic of one revision of a deployment that shifts it, in percent. */
export function trafficOf({ shift }: ServiceDeployment, arn: string): Partial<RevisionCounts> {
  if (!shift || (shift.green.spec.loadBalancers ?? []).length === 0) return {};
  const { production, test } = shift.state;
  const green = shift.green.revision.serviceRevisionArn === arn;
  if (!green && shift.blue?.revision.serviceRevisionArn !== arn) return {};
  const share = (percent: number) => (green ? percent : 100 - percent);
  return {
    requestedProductionTrafficWeight: share(production),
    ...(test === undefined ? {} : { requestedTestTrafficWeight: share(test) }),
  };
}

export function shiftView({ state, hooks }: TrafficShift): Partial<ServiceDeploymentShape> {
  return {
    lifecycleStage: state.stage as NonNullable<ServiceDeploymentShape['lifecycleStage']>,
    lifecycleHookDetails: hooks.map(hookView),
  };
}
