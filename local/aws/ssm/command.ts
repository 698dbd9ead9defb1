import type { CloudWatchOutputConfig, CommandInvocationStatus, CommandStatus, Target } from '@aws-sdk/client-ssm';
import type { ManagedHost } from '../../hosts/hosts.ts';
import type { Document, Version } from './documents.ts';
import type { PlannedScript } from './script.ts';

/** How an invocation stands, in the API's two words for it. Source: Systems Manager user guide, "Understanding command statuses". */
export interface Standing {
  status: CommandInvocationStatus;
  details: string;
}

export const STANDINGS = {
  pending: { status: 'Pending', details: 'Pending' },
  inProgress: { status: 'InProgress', details: 'InProgress' },
  success: { status: 'Success', details: 'Success' },
  failed: { status: 'Failed', details: 'Failed' },
  cancelling: { status: 'Cancelling', details: 'Cancelling' },
  cancelled: { status: 'Cancelled', details: 'Cancelled' },
  executionTimedOut: { status: 'TimedOut', details: 'ExecutionTimedOut' },
  deliveryTimedOut: { status: 'TimedOut', details: 'DeliveryTimedOut' },
  terminated: { status: 'Cancelled', details: 'Terminated' },
} as const satisfies Record<string, Standing>;

const FINAL = new Set<string>(['Success', 'Failed', 'Cancelled', 'TimedOut']);

export interface Invocation {
  host: ManagedHost;
  standing: Standing;
  /** -1 until a script has exited by itself. */
  responseCode: number;
  stdout: string;
  stderr: string;
  requestedAt: number;
  startedAt: number | undefined;
  endedAt: number | undefined;
  /** From when on the API knows of it at all. */
  visibleAt: number;
  /** Ends it. */
  cancel: AbortController;
}

export interface Command {
  id: string;
  document: Document;
  version: Version;
  parameters: Record<string, string[]>;
  script: PlannedScript;
  comment: string;
  instanceIds: string[] | undefined;
  targets: Target[] | undefined;
  maxConcurrency: string;
  maxErrors: string;
  /** How long a host may take to pick the command up. */
  deliveryTimeoutSeconds: number;
  output: CloudWatchOutputConfig | undefined;
  requestedAt: number;
  /** When the targets were looked up: until then there are none. */
  resolvedAt: number | undefined;
  invocations: Invocation[];
  cancelled: boolean;
}

export function isFinal({ standing }: Pick<Invocation, 'standing'>): boolean {
  return FINAL.has(standing.status);
}

/** How a number or a percentage of the targets reads. "50%" of 5 is 3. */
export function countOf(limit: string, targets: number): number {
  const [, number = '0', percent] = /^(\d+)(%?)$/.exec(limit) ?? [];
  return percent ? Math.ceil((Number(number) * targets) / 100) : Number(number);
}

/** Invocations that count against MaxErrors: failures and execution time-outs. Source: user guide, "Using concurrency and error controls". */
export function errorsOf(command: Command): number {
  return command.invocations.filter(
    ({ standing }) => standing.details === 'Failed' || standing.details === 'ExecutionTimedOut',
  ).length;
}

export function deliveryTimeoutsOf(command: Command): number {
  return command.invocations.filter(({ standing }) => standing.details === 'DeliveryTimedOut').length;
}

/** The status of the command as a whole: a function of its invocations. Nothing to do is a success. */
export function commandStanding(command: Command): { status: CommandStatus; details: string } {
  if (command.resolvedAt === undefined) return { status: 'Pending', details: 'Pending' };
  const { invocations } = command;
  const all = (test: (i: Invocation) => boolean) => invocations.every(test);
  const has = (details: string) => invocations.some(({ standing }) => standing.details === details);
  if (!all(isFinal)) {
    if (command.cancelled) return { status: 'Cancelling', details: 'Cancelling' };
    return all(({ standing }) => standing.status === 'Pending')
      ? { status: 'Pending', details: 'Pending' }
      : { status: 'InProgress', details: 'InProgress' };
  }
  if (command.cancelled && has('Cancelled')) return { status: 'Cancelled', details: 'Cancelled' };
  if (has('Failed')) return { status: 'Failed', details: 'Failed' };
  if (has('ExecutionTimedOut')) return { status: 'TimedOut', details: 'ExecutionTimedOut' };
  if (has('DeliveryTimedOut')) return { status: 'TimedOut', details: 'DeliveryTimedOut' };
  return { status: 'Success', details: 'Success' };
}
