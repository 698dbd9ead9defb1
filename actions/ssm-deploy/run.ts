import { type Clock, humanDuration } from '../../lib/clock.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { type Outcome, outcomeLabel } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { code, codeBlock, details, escapeCell, heading, table } from '../../lib/summary.ts';
import { combine, type HostResult, hostResult } from './host-result.ts';
import type { SsmInputs } from './inputs.ts';
import { containerOf, payloadOf, releaseFingerprint } from './payload.ts';
import type { Ssm } from './ssm.ts';
import { parseTargets, type Target } from './targets.ts';

export interface SsmPorts {
  ssm: Ssm;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

const FIRST_POLL_MS = 500;
const POLL_GROWTH = 1.25;
const LONGEST_POLL_MS = 5000;

/** Sends our document to the hosts and tells for each of them how it ended. */
export async function run(inputs: SsmInputs, ports: SsmPorts): Promise<Report> {
  const targets = parseTargets(inputs.targets);
  const container = containerOf(inputs);
  const payload = payloadOf(inputs.operation, container, {
    stableMs: inputs['stable-for'],
    healthyMs: inputs['healthy-within'],
  });
  const hosts = await preflight(targets, inputs.minimum ?? 1, ports);
  await ports.ssm.ensureDocument();
  const commandId = await ports.ssm.send({
    targets,
    payload,
    timeoutSeconds: Math.ceil(inputs.timeout / 1000),
    maxConcurrency: inputs['max-concurrency'],
    maxErrors: inputs['max-errors'],
    comment: `slipway ${inputs.operation} ${container.name}`,
  });
  ports.log.info(`Command ${commandId}: ${inputs.operation} ${container.name} on ${hosts.length} hosts`);
  const ended = await follow(commandId, hosts.length, inputs.timeout, ports);
  const results = ended.toSorted((a, b) => (a.instance < b.instance ? -1 : 1));
  const outcome = combine(results);
  return {
    outcome,
    outputs: {
      hosts: JSON.stringify(results.map(({ output: _, ...host }) => host)),
      'command-id': commandId,
      'release-fingerprint': releaseFingerprint(container),
    },
    summary: summaryOf(inputs.operation, container.name, outcome, results),
  };
}

async function preflight(targets: readonly Target[], minimum: number, { ssm, log }: SsmPorts): Promise<string[]> {
  const hosts = await ssm.online(targets);
  const wanted = targets.map((t) => `${t.key}=${t.values.join(',')}`).join(' ');
  if (hosts.length < minimum) {
    throw new Problem({
      what: "input 'targets'",
      seen: wanted,
      // SSM itself calls a command to nobody a success.
      cause:
        hosts.length === 0
          ? 'no host with an online SSM agent matches'
          : `only ${hosts.length} of at least ${minimum} hosts are online`,
      fix: 'Check tags and region, that the instances run, and that their instance profile has AmazonSSMManagedInstanceCore',
      kind: 'not-found',
    });
  }
  log.info(`Online: ${hosts.join(', ')}`);
  return hosts;
}

async function follow(commandId: string, expected: number, timeoutMs: number, ports: SsmPorts): Promise<HostResult[]> {
  const { ssm, clock, log, signal } = ports;
  // Delivery may take a minute; a command that outlives both is reported with what is known of it.
  const deadline = clock.now() + timeoutMs + 60_000;
  const results = new Map<string, HostResult>();
  try {
    for (let wait = FIRST_POLL_MS; clock.now() < deadline; wait = Math.min(wait * POLL_GROWTH, LONGEST_POLL_MS)) {
      await clock.sleep(wait, signal);
      const progress = await ssm.progress(commandId);
      for (const { instance, ended } of progress) {
        if (!ended || results.has(instance)) continue;
        const invocation = await ssm.invocation(commandId, instance);
        if (!invocation) continue;
        const result = hostResult(invocation);
        results.set(instance, result);
        tell(result, log);
      }
      if (progress.length >= expected && progress.every((p) => results.has(p.instance))) return [...results.values()];
    }
  } catch (error) {
    if (signal.aborted) await ssm.cancel(commandId).catch((e: unknown) => log.warning(messageOf(e)));
    throw error;
  }
  await ssm.cancel(commandId).catch((e: unknown) => log.warning(messageOf(e)));
  return [...results.values(), ...missing(await ssm.progress(commandId), results)];
}

function missing(
  progress: readonly { instance: string; status: string }[],
  results: ReadonlyMap<string, HostResult>,
): HostResult[] {
  return progress
    .filter((p) => !results.has(p.instance))
    .map(({ instance, status }) => ({
      instance,
      status: 'timed-out',
      cause: `it was still ${status} when the time was over`,
      image: '',
      previous: '',
      exitCode: -1,
      ms: 0,
      output: [],
    }));
}

function tell(result: HostResult, log: Log): void {
  log.info(
    `${result.instance}: ${outcomeLabel(result.status)} in ${humanDuration(result.ms)}${result.cause ? `: ${result.cause}` : ''}`,
  );
  for (const line of result.output) log.info(`  ${line}`);
}

function summaryOf(operation: string, name: string, outcome: Outcome, hosts: readonly HostResult[]): string {
  const rows = hosts.map((h) => [
    code(h.instance),
    outcomeLabel(h.status),
    humanDuration(h.ms),
    code(h.image.replace(/^[^/]+\//, '')),
    escapeCell(h.cause),
  ]);
  const logs = hosts.filter((h) => h.output.length > 0 && h.status !== 'unchanged');
  return (
    heading(3, `${name}: ${operation} ${outcomeLabel(outcome.status)}`) +
    (outcome.cause ? `${escapeCell(outcome.cause)}\n\n` : '') +
    (outcome.next ? `Next: ${escapeCell(outcome.next)}\n\n` : '') +
    table(['Host', 'Outcome', 'Took', 'Image', 'Cause'], rows) +
    logs.map((h) => details(`Output of ${h.instance}`, codeBlock(h.output.join('\n')))).join('')
  );
}
