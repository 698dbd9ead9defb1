import type { Failure } from '@aws-sdk/client-ecs';
import { shortName } from '../../../lib/ecs/names.ts';

/**
 * Why RunTask started nothing, by the reason that it gives.
 * Source: ECS developer guide, "API failure reasons"; texts without a code as users quote them.
 */
const REASONS: readonly [pattern: RegExp, cause: string, fix: string][] = [
  [
    /^RESOURCE:CPU/,
    'no container instance has as much CPU left as the task asks for',
    'Add instances, lower `cpu`, or wait until others have stopped',
  ],
  [
    /^RESOURCE:MEMORY/,
    'no container instance has as much memory left as the task asks for',
    'Add instances, lower `memory`, or wait until others have stopped',
  ],
  [
    /^RESOURCE:ENI/,
    'no container instance has a network interface left for a task of its own network',
    'Turn on ENI trunking, add instances, or use bigger ones',
  ],
  [/^RESOURCE:PORTS/, 'the host port that it asks for is taken on every instance', 'Use a dynamic host port (0)'],
  [/^RESOURCE:GPU/, 'no container instance has a GPU left', 'Add GPU instances, or wait until others have stopped'],
  [/^RESOURCE:/, 'no container instance has as much of it left as the task asks for', 'Add instances, or ask for less'],
  [
    /^AGENT/,
    'the agent of the container instance is not connected',
    'Look at the ECS agent of the instance, and at its route to the ECS endpoint',
  ],
  [
    /^ATTRIBUTE/,
    'no container instance has an attribute that the task definition needs (an agent that is too old, another CPU architecture, a log driver)',
    'Compare `requiresAttributes` of the task definition with the attributes of the instances',
  ],
  [
    /^LOCATION/,
    'no container instance is in a place that the subnets allow',
    'Name subnets of zones that have instances',
  ],
  [/^MemberOf/i, 'no container instance fits the placement constraints', 'Correct the placement constraints'],
  [
    /capacity is unavailable/i,
    'AWS has no Fargate capacity in these zones at this time',
    'Run it again, add subnets of other zones, or add FARGATE beside FARGATE_SPOT to the strategy',
  ],
  [/^MISSING/, 'it does not exist', 'Check the cluster, its capacity providers and the container instances'],
  [/^INACTIVE/, 'it was deleted or deregistered', 'Use one that is active'],
  [
    /no container instances/i,
    'the cluster has no container instance',
    'Add instances, or run the task on Fargate (launch type or capacity provider)',
  ],
];

export interface Explained {
  cause: string;
  fix: string;
}

/** What RunTask's `failures` mean, in words. An empty list is told as that: some clients print it as [null]. */
export function explainPlacement(failures: readonly Failure[]): Explained {
  const [first] = failures;
  if (!first)
    return {
      cause: 'ECS started no task and gave no reason',
      fix: 'Run it again; if it stays, check the capacity of the cluster',
    };
  const reasons = [...new Set(failures.map((f) => f.reason ?? ''))];
  const known = REASONS.find(([pattern]) => pattern.test(first.reason ?? ''));
  const where = first.arn ? ` for ${shortName(first.arn)}` : '';
  const detail = first.detail ? `; ${first.detail}` : '';
  const said = `${reasons.join(', ') || 'no reason'}${where}${detail}`;
  return {
    cause: known ? `${known[1]} (ECS says ${said})` : `ECS could not place it (it says ${said})`,
    fix: known?.[2] ?? 'Look the reason up under "API failure reasons" in the ECS developer guide',
  };
}
