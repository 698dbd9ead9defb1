import type { OutcomeStatus } from '../../lib/outcome.ts';
import { redactText } from '../../lib/redact.ts';

/** A container as a host sees it. */
export interface HostContainer {
  name: string;
  component: string;
  role: string;
  image: string;
  release: string;
  state: string;
  health: string;
  since: string;
  port: string;
}

/** What a host tells of itself (preflight, status). Undefined or '' where it does not tell. */
export interface HostFacts {
  /** Bytes free on the disk that docker keeps its images on. */
  diskFree: number | undefined;
  engine: string;
  agent: string;
  /** Version of the host program. */
  program: string;
  containers: HostContainer[];
}

export interface HostResult {
  instance: string;
  status: OutcomeStatus;
  cause: string;
  next: string;
  image: string;
  previous: string;
  release: string;
  previousRelease: string;
  exitCode: number;
  /** Milliseconds since the epoch; 0 when it never began. */
  startedAt: number;
  ms: number;
  steps: { name: string; ms: number }[];
  /** What the command printed for people, secrets hidden. */
  output: string[];
  /** Last lines of a container that died, or those that were asked for. */
  logs: string[];
  facts: HostFacts | undefined;
}

export interface Invocation {
  commandId: string;
  instance: string;
  /** SSM's own status of the invocation; see SSM API reference, CommandInvocation.StatusDetails. */
  statusDetails: string;
  exitCode: number;
  /** The first 24,000 characters of it, and 8,000 of stderr. */
  stdout: string;
  stderr: string;
  /** Where the whole of stdout lies in S3; '' without a bucket. */
  stdoutUrl: string;
  startedAt: number;
  ms: number;
}

/** GetCommandInvocation ends stdout here. Source: SSM API reference, StandardOutputContent. */
export const STDOUT_LIMIT = 24_000;
/** A character that the cut falls into is lost, with up to three bytes. */
const LONGEST_CHARACTER = 4;

/** Whether SSM cut an output. The agent counts bytes where the reference says characters: text beyond ASCII ends earlier. */
export function isCut({ stdout }: Pick<Invocation, 'stdout'>): boolean {
  return Buffer.byteLength(stdout) > STDOUT_LIMIT - LONGEST_CHARACTER;
}
const PREFIX = 'slipway-result ';
const LOG_PREFIX = 'slipway-log ';
const STATES: ReadonlySet<string> = new Set(['succeeded', 'unchanged', 'rolled-back', 'failed']);

type Raw = Partial<Record<string, unknown>>;

/** Reads what a host did from its invocation: from the result line where there is one, else from SSM's own status. Pure. */
export function hostResult(invocation: Invocation): HostResult {
  const { instance, statusDetails, exitCode, stdout, stderr, startedAt, ms } = invocation;
  const lines = stdout.split('\n').map((line) => line.replace(/\r$/, ''));
  const last = lines.findLast((line) => line.startsWith(PREFIX));
  const told = last === undefined ? undefined : decoded(last.slice(PREFIX.length));
  const logs = lines.filter((line) => line.startsWith(LOG_PREFIX)).map((line) => line.slice(LOG_PREFIX.length));
  const output = [...lines, ...stderr.split('\n')].filter(
    (line) => line.trim() !== '' && !line.startsWith(PREFIX) && !line.startsWith(LOG_PREFIX),
  );
  const base = {
    instance,
    exitCode,
    startedAt,
    ms,
    image: text(told?.image),
    previous: text(told?.previous),
    release: text(told?.release),
    previousRelease: text(told?.['previous-release']),
    next: redactText(text(told?.next)),
    steps: list(told?.steps).map((step) => ({ name: text(step.name), ms: Number(step.ms) || 0 })),
    output: output.map(redactText),
    logs: (logs.length > 0 ? logs : strings(told?.logs)).map(redactText),
    facts: factsOf(told?.facts),
  };
  const state = text(told?.state);
  if (STATES.has(state) && endedByItself(statusDetails))
    return { ...base, status: state as OutcomeStatus, cause: redactText(text(told?.cause)) };
  return { ...base, ...fromSsm(invocation, base.output) };
}

/** Whether the result line has the last word: of a command that was cancelled or killed it tells what was, not what is. */
function endedByItself(statusDetails: string): boolean {
  return ['Success', 'Failed'].includes(statusOf(statusDetails).details);
}

function decoded(word: string): Raw | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(word.trim(), 'base64').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : undefined;
  } catch {
    return undefined;
  }
}

const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const strings = (value: unknown) => (Array.isArray(value) ? value.map(text) : []);
const list = (value: unknown) =>
  Array.isArray(value) ? value.filter((item): item is Raw => typeof item === 'object' && item !== null) : [];

function factsOf(value: unknown): HostFacts | undefined {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return undefined;
  const facts = value as Raw;
  const free = facts['disk-free'];
  return {
    diskFree: typeof free === 'number' ? free : undefined,
    engine: text(facts.engine),
    agent: text(facts.agent),
    program: text(facts.program),
    containers: list(facts.containers).map((c) => ({
      name: text(c.name),
      component: text(c.component),
      role: text(c.role),
      image: text(c.image),
      release: text(c.release),
      state: text(c.state),
      health: text(c.health),
      since: text(c.since),
      port: text(c.port),
    })),
  };
}

/**
 * SSM's words for how an invocation stands, without the spaces that some places write them with, and whether it is over.
 * Source: Systems Manager user guide, "Understanding command statuses" and API reference, CommandInvocation.
 */
export function statusOf(words: string): { details: string; ended: boolean } {
  const details = words.replace(/\s+/g, '');
  return { details, ended: !UNDER_WAY.has(details) };
}

const UNDER_WAY: ReadonlySet<string> = new Set(['', 'Pending', 'InProgress', 'Delayed', 'Cancelling']);

type End = Pick<HostResult, 'status' | 'cause'> & { next?: string };

const ENDS: Readonly<Record<string, End>> = {
  Undeliverable: {
    status: 'failed',
    cause: 'the command could not be delivered: the agent is not online',
    next: 'Look whether the instance runs and its agent with it; the next deployment converges',
  },
  InvalidPlatform: { status: 'failed', cause: 'the host is no Linux, which the document needs' },
  DeliveryTimedOut: {
    status: 'timed-out',
    cause: 'the agent did not take the command in time',
    next: 'Look whether the instance runs and its agent with it; the next deployment converges',
  },
  ExecutionTimedOut: {
    status: 'timed-out',
    cause: 'the command ran longer than its time-out and was ended',
    next: 'Raise `timeout`, or look at the steps for what took so long; the next deployment converges',
  },
  TimedOut: { status: 'timed-out', cause: 'the command ran longer than its time-out' },
  Cancelled: { status: 'stopped', cause: 'the command was cancelled' },
  Terminated: { status: 'stopped', cause: 'not tried, because too many hosts before it had failed' },
  RateExceeded: {
    status: 'failed',
    cause: 'the account runs too many commands at once',
    next: 'Run it again when those have ended',
  },
  LimitExceeded: {
    status: 'failed',
    cause: 'the account runs too many commands at once',
    next: 'Run it again when those have ended',
  },
  AccessDenied: {
    status: 'denied',
    cause: 'the role of this run may not send our document to this host',
    next: 'Allow ssm:SendCommand on it (see the README)',
  },
  NoInstancesInTag: { status: 'failed', cause: 'no host has the tag' },
};

/** Exit codes of the host program that say more than "failed"; sysexits.h, and 75 for a lock that is held. */
const EXITS: Readonly<Record<number, string>> = {
  64: 'the host program does not understand what it was sent',
  69: 'the docker engine does not answer on this host',
  75: 'another deployment holds the lock on this host',
};

function fromSsm({ statusDetails, exitCode, stdout }: Invocation, output: readonly string[]): End {
  const { details } = statusOf(statusDetails);
  const known = ENDS[details];
  if (known) return known;
  // The result line is the last, and SSM gives the first 24,000 characters: the exit code still tells good from bad.
  if (isCut({ stdout }) && details === 'Success' && exitCode === 0) return { status: 'succeeded', cause: '' };
  const why = EXITS[exitCode] ?? `the command ended as ${details || 'unknown'} with exit code ${exitCode}`;
  const last = output.at(-1);
  return { status: 'failed', cause: last === undefined ? why : `${why}: ${last}` };
}
