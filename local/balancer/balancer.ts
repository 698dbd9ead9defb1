import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Bus } from '../bus.ts';
import type { Lag } from '../lag.ts';
import type { BalancerSpec } from '../world.ts';
import { ALB_LIMITS, answer, type ForwardLimits, forward } from './forward.ts';
import { RequestMetrics } from './request-metrics.ts';
import { ListenerRule } from './rule.ts';
import { TargetGroup } from './target-group.ts';

export interface BalancerDeps {
  account: string;
  region: string;
  bus: Bus;
  lag: Lag;
  limits?: ForwardLimits;
}

/** A running load balancer: an HTTP listener on loopback, and one for test traffic where the world has it. Both begin with their first target group. */
export interface Balancer {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  readonly port: number;
  readonly createdAt: Date;
  readonly targetGroups: readonly TargetGroup[];
  /** The default rules of its listeners: production, and test where there is one. */
  readonly rules: readonly ListenerRule[];
  /** Address of the test listener. */
  readonly testUrl: string | undefined;
  /** Requests answered, and those of them that the balancer answered itself with 502, 503 or 504. */
  /** The same by minute, as CloudWatch is told. */
  readonly metrics: RequestMetrics;
  readonly counts: { readonly requests: number; readonly failed: number };
  close(): Promise<void>;
}

/** Starts the listener. @throws Problem kind `environment` when its port is taken */
export async function createBalancer(spec: BalancerSpec, deps: BalancerDeps): Promise<Balancer> {
  const targetGroups = spec.targetGroups.map((group) => createTargetGroup(group, deps));
  const counts = { requests: 0, failed: 0 };
  const metrics = new RequestMetrics();
  const limits = deps.limits ?? ALB_LIMITS;

  async function serve(rule: ListenerRule, from: IncomingMessage, to: ServerResponse): Promise<void> {
    counts.requests++;
    const group = rule.choose();
    const turn = group?.take();
    if (!turn) {
      counts.failed++;
      metrics.refused();
      from.resume();
      answer(to, 503);
      return;
    }
    const { by, status } = await forward(from, to, turn.target, limits);
    turn.done();
    metrics.forwarded(group?.name ?? '', by, status);
    if (by === 'balancer') counts.failed++;
  }

  const open = (name: 'production' | 'test') => {
    const rule = new ListenerRule(
      `${spec.name}:${name}`,
      ruleArn(name, spec, deps),
      initialForwards(targetGroups),
      (changed) => tell(changed, spec, deps),
    );
    return { rule, server: createServer({ keepAliveTimeout: 60_000 }, (from, to) => void serve(rule, from, to)) };
  };
  const production = open('production');
  const port = await listen(production.server, spec.name, spec.port);
  const test = spec.testPort === undefined ? undefined : open('test');
  const testPort = test && (await listen(test.server, spec.name, spec.testPort ?? 0));
  const servers = [production.server, ...(test ? [test.server] : [])];
  return {
    name: spec.name,
    arn: `arn:aws:elasticloadbalancing:${deps.region}:${deps.account}:loadbalancer/app/${spec.name}/${shortHash(spec.name)}`,
    url: `http://127.0.0.1:${port}`,
    port,
    createdAt: new Date(),
    targetGroups,
    rules: [production.rule, ...(test ? [test.rule] : [])],
    testUrl: testPort === undefined ? undefined : `http://127.0.0.1:${testPort}`,
    counts,
    metrics,
    async close() {
      for (const group of targetGroups) group.close();
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    },
  };
}

function createTargetGroup(spec: BalancerSpec['targetGroups'][number], deps: BalancerDeps): TargetGroup {
  const arn = `arn:aws:elasticloadbalancing:${deps.region}:${deps.account}:targetgroup/${spec.name}/${shortHash(spec.name)}`;
  return new TargetGroup(spec, {
    arn,
    registrationLag: () => deps.lag.of('elb.registration', spec.name),
    onChange: (target) =>
      deps.bus.emit({
        kind: 'elb.target',
        text: `target ${target.id}:${target.port} in ${spec.name} is ${target.health.state}${target.health.description ? ` (${target.health.description})` : ''}`,
        data: { targetGroup: spec.name, targetGroupArn: arn, id: target.id, port: target.port, ...target.health },
      }),
  });
}

function initialForwards(groups: readonly TargetGroup[]) {
  return groups.map((group, i) => ({ group, weight: i === 0 ? 100 : 0 }));
}

function ruleArn(name: string, spec: BalancerSpec, { account, region }: BalancerDeps): string {
  const [balancer, listener] = [shortHash(spec.name), shortHash(`${spec.name}/${name}`)];
  return `arn:aws:elasticloadbalancing:${region}:${account}:listener-rule/app/${spec.name}/${balancer}/${listener}/${shortHash(listener)}`;
}

function tell(rule: ListenerRule, spec: BalancerSpec, { bus }: BalancerDeps): void {
  const weights = Object.fromEntries(rule.forwards.map(({ group, weight }) => [group.name, weight]));
  const shares = Object.entries(weights).map(([group, weight]) => `${group} ${weight} %`);
  bus.emit({
    kind: 'elb.rule',
    text: `rule ${rule.name} forwards to ${shares.join(', ')}`,
    data: { balancer: spec.name, rule: rule.name, ruleArn: rule.arn, weights },
  });
}

async function listen(server: Server, name: string, wanted: number): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(wanted, '127.0.0.1', resolve);
    });
  } catch (error) {
    throw new Problem({
      what: `port of balancer '${name}'`,
      seen: `${wanted}`,
      cause: `the listener could not be started: ${messageOf(error)}`,
      fix: 'Stop what listens there, or give port 0 for a free one',
      kind: 'environment',
      underlying: error,
    });
  }
  return (server.address() as AddressInfo).port;
}

/** The 16 hexadecimal digits that end an ELB ARN; the same for the same name, so that configuration can be written down. */
function shortHash(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}
