import { chance } from './random.ts';

export type LagMode = 'off' | 'real';

/**
 * How far behind each answer may be, in milliseconds [least, most], when lags are on. Observed orders of magnitude, not promises of AWS: see FIDELITY.md.
 * ECS's and the balancer's names belong to those parts, which pass ranges of their own.
 */
const RANGES = {
  /** GetCommandInvocation and ListCommandInvocations right after SendCommand. */
  'ssm.invocation': [200, 1500],
  /** From SendCommand until the agent on the host starts the command. */
  'ssm.delivery': [100, 800],
  /** From the end of the command on the host until its result can be read. */
  'ssm.result': [100, 900],
  /** From a written log line until GetLogEvents returns it. */
  'logs.ingestion': [300, 2000],
  /** From the end of a minute until GetMetricData has its counts: a minute or two at AWS, a little here, so that nobody waits for it. */
  'monitoring.publication': [200, 1500],
  /** DescribeImages and BatchGetImage after a push or PutImage. */
  'ecr.images': [0, 600],
  /** DescribeServices keeps the old currentServiceDeployment after UpdateService. */
  'ecs.currentServiceDeployment': [300, 2500],
  /** ListServiceDeployments shows a new deployment. */
  'ecs.listServiceDeployments': [100, 1500],
  /** PENDING of a new service deployment until work starts. */
  'ecs.deploymentStart': [100, 800],
  /** PROVISIONING, PENDING: from placing a task until its container starts. */
  'ecs.taskStart': [200, 1500],
  /** From a container's exit until the task is STOPPED in the API. */
  'ecs.taskStop': [100, 1000],
  /** A target is registered or deregistered at the balancer. */
  'elb.registration': [100, 1000],
} as const satisfies Record<string, readonly [number, number]>;

export type LagName = keyof typeof RANGES;

export interface Lag {
  readonly mode: LagMode;
  /**
   * Milliseconds that this answer is behind; 0 when lags are off. Drawn from the seed, by name, key and how often that pair was asked for.
   * @param key what it is about (a service, a command), so that parallel ones do not disturb each other
   * @param range for a name of your own: least and most, in milliseconds
   */
  of(name: LagName | (string & {}), key?: string, range?: readonly [number, number]): number;
}

export function createLag(options: { mode: LagMode; seed: number }): Lag {
  const counts = new Map<string, number>();
  return {
    mode: options.mode,
    of(name, key = '', range) {
      if (options.mode === 'off') return 0;
      const bounds = range ?? (RANGES as Record<string, readonly [number, number]>)[name];
      if (bounds === undefined) throw new Error(`lag '${name}' has no range: add it to local/lag.ts or pass one`);
      const stream = `lag:${name}:${key}`;
      const count = counts.get(stream) ?? 0;
      counts.set(stream, count + 1);
      const [least, most] = bounds;
      return Math.round(least + chance(options.seed, stream, count) * (most - least));
    },
  };
}
