import { Agent, request } from 'node:http';
import type { TargetGroupSpec } from '../world.ts';
import {
  afterCheck,
  CHECKING,
  type CheckResult,
  DRAINING,
  eligible,
  REGISTERING,
  type TargetHealth,
  type Thresholds,
  type Watched,
} from './health.ts';

export interface TargetAddress {
  /** Id and port by which the target is known in the API: the task's own address. */
  id: string;
  port: number;
  /** Where a connection is really made to. */
  connect: { host: string; port: number };
}

/** One registered target, with the connections that are kept open to it. */
export interface Target extends TargetAddress {
  health: TargetHealth;
  /** Requests under way. */
  inFlight: number;
  readonly agent: Agent;
}

export interface TargetGroupDeps {
  arn: string;
  /** Milliseconds that a registration or deregistration takes to be effective. */
  registrationLag(): number;
  /** Called after each change of a target's health. */
  onChange(target: Target): void;
}

interface Member extends Target {
  watched: Watched;
  timer: NodeJS.Timeout | undefined;
  /** Called when the last request under way has ended. */
  idle: (() => void) | undefined;
}

/** A target group: who is registered, who is healthy by real requests, who drains. */
export class TargetGroup {
  readonly name: string;
  readonly arn: string;
  readonly spec: TargetGroupSpec;
  readonly #deps: TargetGroupDeps;
  readonly #members = new Map<string, Member>();
  readonly #thresholds: Thresholds;
  #turn = 0;
  #closed = false;

  constructor(spec: TargetGroupSpec, deps: TargetGroupDeps) {
    this.name = spec.name;
    this.arn = deps.arn;
    this.spec = spec;
    this.#deps = deps;
    this.#thresholds = {
      healthy: spec.healthCheck.healthyThresholdCount,
      unhealthy: spec.healthCheck.unhealthyThresholdCount,
      matcher: spec.healthCheck.matcher,
    };
  }

  get targets(): readonly Target[] {
    return [...this.#members.values()];
  }

  target(id: string, port: number): Target | undefined {
    return this.#members.get(keyOf(id, port));
  }

  register(address: TargetAddress): void {
    const key = keyOf(address.id, address.port);
    const before = this.#members.get(key);
    if (this.#closed || (before && before.health.state !== 'draining')) return;
    before?.agent.destroy();
    const agent = new Agent({ keepAlive: true });
    const member: Member = {
      ...address,
      health: REGISTERING,
      watched: REGISTERING,
      inFlight: 0,
      agent,
      timer: undefined,
      idle: undefined,
    };
    this.#members.set(key, member);
    this.#deps.onChange(member);
    member.timer = setTimeout(() => {
      this.#set(member, CHECKING);
      void this.#check(member);
    }, this.#deps.registrationLag());
  }

  /**
   * No new request goes to the target from here on. Resolves when those under way have ended and no connection is left, or
   * after the deregistration delay, which cuts what is still open.
   */
  async deregister(id: string, port: number): Promise<void> {
    const key = keyOf(id, port);
    const member = this.#members.get(key);
    if (!member || member.health.state === 'draining') return;
    clearTimeout(member.timer);
    this.#set(member, { ...DRAINING, successes: 0, failures: 0 });
    if (member.inFlight > 0 || openConnections(member.agent) > 0) await this.#drained(member);
    member.agent.destroy();
    // The address may have been given to a new task in the meantime.
    if (this.#members.get(key) === member) this.#members.delete(key);
    this.#deps.onChange({ ...member, health: { state: 'unused', reason: 'Target.NotRegistered' } });
  }

  /** The next target in turn, counted as busy; `done` must be called when the request has ended. */
  take(): { target: Target; done: () => void } | undefined {
    const choice = eligible([...this.#members.values()]);
    const member = choice[this.#turn++ % Math.max(choice.length, 1)];
    if (!member) return undefined;
    member.inFlight++;
    let ended = false;
    const done = (): void => {
      if (ended) return;
      ended = true;
      member.inFlight--;
      if (member.inFlight === 0) member.idle?.();
    };
    return { target: member, done };
  }

  close(): void {
    this.#closed = true;
    for (const member of this.#members.values()) {
      clearTimeout(member.timer);
      member.idle?.();
      member.agent.destroy();
    }
    this.#members.clear();
  }

  /** Connections that idle cannot carry a new request, so only the delay ends them, as at AWS; requests may end sooner. */
  async #drained(member: Member): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.spec.deregistrationDelaySeconds * 1000);
      member.idle = () => {
        if (openConnections(member.agent) > 0 && !this.#closed) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #set(member: Member, watched: Watched): void {
    const before = member.health;
    member.watched = watched;
    const { state, reason, description } = watched;
    member.health = { state, ...(reason ? { reason } : {}), ...(description ? { description } : {}) };
    if (before.state !== state || before.reason !== reason || before.description !== description)
      this.#deps.onChange(member);
  }

  async #check(member: Member): Promise<void> {
    const { healthCheck } = this.spec;
    const result = await probe(member, healthCheck.path, healthCheck.timeoutSeconds * 1000);
    if (this.#closed || member.health.state === 'draining') return;
    this.#set(member, afterCheck(member.watched, result, this.#thresholds));
    member.timer = setTimeout(() => void this.#check(member), healthCheck.intervalSeconds * 1000);
  }
}

function keyOf(id: string, port: number): string {
  return `${id}:${port}`;
}

function openConnections(agent: Agent): number {
  const count = (sockets: NodeJS.ReadOnlyDict<unknown[]>): number =>
    Object.values(sockets).reduce((total, list) => total + (list?.length ?? 0), 0);
  return count(agent.sockets) + count(agent.freeSockets);
}

/** One health check on a connection of its own, as the balancer's checker makes it. */
function probe(target: TargetAddress, path: string, timeoutMs: number): Promise<CheckResult> {
  return new Promise((resolve) => {
    const headers = { Host: `${target.id}:${target.port}`, 'User-Agent': 'ELB-HealthChecker/2.0', Connection: 'close' };
    const check = request({ ...target.connect, path, headers, agent: false });
    const timer = setTimeout(() => {
      resolve({ error: 'timeout' });
      check.destroy();
    }, timeoutMs);
    check.on('response', (response) => {
      response.resume();
      clearTimeout(timer);
      resolve({ status: response.statusCode ?? 0 });
    });
    check.on('error', () => {
      clearTimeout(timer);
      resolve({ error: 'failed' });
    });
    check.end();
  });
}
