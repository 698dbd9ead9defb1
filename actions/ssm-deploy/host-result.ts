import type { Outcome, OutcomeStatus } from '../../lib/outcome.ts';

export interface HostResult {
  instance: string;
  status: OutcomeStatus;
  cause: string;
  image: string;
  previous: string;
  exitCode: number;
  /** Milliseconds. */
  ms: number;
  /** The last lines that the command printed. */
  output: string[];
}

const STATES: ReadonlySet<string> = new Set(['succeeded', 'unchanged', 'rolled-back', 'failed']);

export interface Invocation {
  instance: string;
  /** SSM's own status of the invocation; see SSM API reference, CommandInvocation.StatusDetails. */
  statusDetails: string;
  exitCode: number;
  stdout: string;
  stderr: string;
  ms: number;
}

/** Reads what a host did from its invocation: from the result line where there is one, else from SSM's own status. Pure. */
export function hostResult({ instance, statusDetails, exitCode, stdout, stderr, ms }: Invocation): HostResult {
  const lines = stdout.split('\n');
  const last = lines.findLast((line) => line.startsWith('slipway-result '));
  const told = readResult(last);
  const output = [...lines, ...stderr.split('\n')].filter((line) => line.trim() !== '' && line !== last).slice(-40);
  const base = { instance, exitCode, ms, output, image: told.image ?? '', previous: told.previous ?? '' };
  if (STATES.has(told.state ?? '')) return { ...base, status: told.state as OutcomeStatus, cause: told.cause ?? '' };
  return { ...base, ...fromSsm(statusDetails, exitCode, output) };
}

/** The result line's JSON; nothing of it when there is none that can be read. */
function readResult(line: string | undefined): Record<string, string | undefined> {
  try {
    return JSON.parse(Buffer.from((line ?? '').slice('slipway-result '.length), 'base64').toString('utf8'));
  } catch {
    return {};
  }
}

function fromSsm(
  statusDetails: string,
  exitCode: number,
  output: readonly string[],
): { status: OutcomeStatus; cause: string } {
  switch (statusDetails) {
    case 'Undeliverable':
      return { status: 'failed', cause: 'the command could not be delivered: the agent is not online' };
    case 'DeliveryTimedOut':
    case 'Delivery Timed Out':
      return { status: 'timed-out', cause: 'the agent did not take the command in time' };
    case 'ExecutionTimedOut':
    case 'Execution Timed Out':
    case 'TimedOut':
      return { status: 'timed-out', cause: 'the command ran longer than its time-out' };
    case 'Cancelled':
      return { status: 'stopped', cause: 'the command was cancelled' };
    case 'Terminated':
      return { status: 'stopped', cause: 'not tried, because too many hosts before it had failed' };
    case 'AccessDenied':
      return { status: 'denied', cause: 'the agent may not run this document' };
    default:
      return {
        status: 'failed',
        cause: `the command ended as ${statusDetails || 'unknown'} with exit code ${exitCode}${output.length > 0 ? `: ${output.at(-1)}` : ''}`,
      };
  }
}

const WORST: readonly OutcomeStatus[] = [
  'failed',
  'denied',
  'timed-out',
  'stopped',
  'rolled-back',
  'superseded',
  'succeeded',
  'unchanged',
];

/** The outcome of a deployment from those of its hosts: the worst decides, and its cause is told with the host's id. */
export function combine(hosts: readonly HostResult[]): Outcome {
  const worst = hosts.toSorted((a, b) => WORST.indexOf(a.status) - WORST.indexOf(b.status))[0];
  if (!worst) return { status: 'failed', cause: 'no host took the command' };
  if (worst.status === 'succeeded') return { status: 'succeeded', cause: '' };
  if (worst.status === 'unchanged') return { status: 'unchanged', cause: `all ${hosts.length} hosts run it already` };
  const same = hosts.filter((h) => h.status === worst.status).length;
  const cause = `${worst.instance}: ${worst.cause}${same > 1 ? ` (and ${same - 1} more)` : ''}`;
  return { status: worst.status, cause, next: nextFor(worst.status, hosts) };
}

function nextFor(status: OutcomeStatus, hosts: readonly HostResult[]): string {
  const changed = hosts.filter((h) => h.status === 'succeeded').length;
  const mixed =
    changed > 0 ? ` ${changed} of ${hosts.length} hosts run the new version: deploy again or roll back.` : '';
  return status === 'rolled-back'
    ? `The earlier container serves again.${mixed}`
    : `Look at the host's output in the summary.${mixed}`;
}
