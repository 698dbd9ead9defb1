import { humanDuration } from '../../../lib/clock.ts';
import { messageOf, Problem } from '../../../lib/errors.ts';
import { outcomeLabel } from '../../../lib/outcome.ts';
import { printable } from '../../../lib/printable.ts';
import { type HostResult, hostResult, type Invocation, isCut, statusOf } from '../host-result.ts';
import type { SsmPorts } from '../ports.ts';
import type { OutputPlaces } from '../ssm.ts';
import { FIRST_WAIT_MS, longer, nextWait } from './pace.ts';

export interface Followed {
  results: HostResult[];
  /** The run was cancelled meanwhile. */
  interrupted: boolean;
}

export interface Under {
  commandId: string;
  hosts: readonly string[];
  /** Milliseconds since the epoch. */
  deadline: number;
  output: OutputPlaces;
  /** How long nothing may move before it is looked at less often; see livelyMs(). */
  lively?: number;
  /** Called once for each host, when it has ended. */
  onEnd(result: HostResult): void;
}

export type FollowPorts = Pick<SsmPorts, 'ssm' | 'outputs' | 'clock' | 'log' | 'signal'>;

/** A host that SSM does not list by then will not be: the command went to nobody there. */
const UNSEEN_MS = 90_000;
/** Calls may fail for so long before the watch is given up; the hosts go on by themselves. */
const TOLERATED_MS = 60_000;
/** Logs and S3 have the end of an output a little later than SSM tells that there is one. */
const OUTPUT_TRIES = 10;
const OUTPUT_WAIT_MS = 1_000;

/**
 * Watches a command until every host has ended, the deadline has passed or the run is cancelled; in the last two cases the
 * command is cancelled, as when SSM cannot be asked for longer than a minute. Fetches, decides, reports, sleeps.
 */
export async function follow(under: Under, ports: FollowPorts): Promise<Followed> {
  return new Follower(under, ports).run();
}

class Follower {
  readonly #under: Under;
  readonly #ports: FollowPorts;
  readonly #results = new Map<string, HostResult>();
  readonly #status = new Map<string, string>();
  readonly #lines = new Map<string, string[]>();
  /** How many lines of a host have been told while it was at work. */
  readonly #shown = new Map<string, number>();
  readonly #tokens = new Map<string, string>();
  readonly #began: number;
  #movedAt: number;
  #failingSince: number | undefined;
  #warned = false;

  constructor(under: Under, ports: FollowPorts) {
    this.#under = under;
    this.#ports = ports;
    this.#began = ports.clock.now();
    this.#movedAt = this.#began;
  }

  async run(): Promise<Followed> {
    const { clock, signal } = this.#ports;
    const { hosts, deadline } = this.#under;
    for (let wait = FIRST_WAIT_MS; ; wait = this.#next(wait)) {
      try {
        await clock.sleep(Math.min(wait, Math.max(0, deadline - clock.now())), signal);
        await this.#look();
      } catch (error) {
        if (!signal.aborted) return this.#lost(error);
        return this.#given('stopped', 'the run was cancelled, and the command on this host with it', true);
      }
      if (hosts.every((host) => this.#results.has(host))) return this.#whole(false);
      if (clock.now() >= deadline)
        return this.#given('timed-out', 'it was not done when the time was over, and its command was cancelled', false);
    }
  }

  #next(wait: number): number {
    if (this.#failingSince !== undefined) return longer(wait);
    return nextWait(this.#ports.clock.now() - this.#movedAt, wait, this.#under.lively);
  }

  /** Nobody can see any more what the hosts do: they are not left to themselves. */
  #lost(error: unknown): Promise<Followed> {
    if (!(error instanceof Problem)) throw error;
    const { finding, kind, parts } = error;
    return this.#given(
      kind === 'denied' ? 'denied' : 'failed',
      `it could not be watched: ${finding}`,
      false,
      parts.fix,
    );
  }

  async #look(): Promise<void> {
    try {
      await this.#ask();
      this.#failingSince = undefined;
    } catch (error) {
      const { clock, log, signal } = this.#ports;
      this.#failingSince ??= clock.now();
      if (signal.aborted || !passing(error) || clock.now() - this.#failingSince > TOLERATED_MS) throw error;
      log.info(`SSM could not be asked, trying again: ${messageOf(error)}`);
    }
  }

  async #ask(): Promise<void> {
    const { ssm, clock } = this.#ports;
    const { commandId, hosts } = this.#under;
    const open = hosts.filter((host) => !this.#results.has(host));
    // One host: its invocation tells status and output in one call. Several: one list, and then those that have ended.
    const states = open.length === 1 ? undefined : await ssm.progress(commandId);
    const ended = open.filter((host) => states === undefined || states.find((s) => s.instance === host)?.ended);
    for (const { instance, status } of states ?? []) this.#note(instance, status);
    await Promise.all(ended.map((host) => this.#end(host)));
    await this.#live(open.filter((host) => !this.#results.has(host) && this.#status.get(host) === 'InProgress'));
    if (clock.now() - this.#began > UNSEEN_MS)
      for (const host of open)
        if (!this.#results.has(host) && !this.#status.has(host))
          this.#settle(invented(host, 'failed', 'SSM took the command and never listed this host for it'));
  }

  #note(instance: string, status: string): void {
    if (this.#status.get(instance) === status) return;
    this.#status.set(instance, status);
    this.#movedAt = this.#ports.clock.now();
  }

  async #end(host: string): Promise<void> {
    const invocation = await this.#ports.ssm.invocation(this.#under.commandId, host);
    if (!invocation) return;
    const { details, ended } = statusOf(invocation.statusDetails);
    this.#note(host, details);
    if (!ended) return;
    const result = hostResult(await this.#uncut(invocation));
    // A look that failed for another host has left this one on its way.
    if (!this.#results.has(host)) this.#settle(result);
  }

  #settle(result: HostResult): void {
    this.#results.set(result.instance, result);
    this.#movedAt = this.#ports.clock.now();
    // What came after the last look at Logs is told now.
    tell(result, result.output.slice(this.#shown.get(result.instance) ?? 0), this.#ports);
    this.#under.onEnd(result);
  }

  /** The lines that came since the last look, of hosts whose commands write to Logs. */
  async #live(hosts: readonly string[]): Promise<void> {
    if (this.#under.output.logGroup === '') return;
    await Promise.all(
      hosts.map(async (host) => {
        for (const line of await this.#more(host)) {
          this.#movedAt = this.#ports.clock.now();
          if (MACHINE.test(line) || line.trim() === '') continue;
          this.#shown.set(host, (this.#shown.get(host) ?? 0) + 1);
          this.#ports.log.info(`${host} | ${printable(line.replace(STEP, ''))}`);
        }
      }),
    );
  }

  async #more(host: string): Promise<string[]> {
    const { outputs, log, signal } = this.#ports;
    const { commandId, output } = this.#under;
    try {
      const place = { group: output.logGroup, commandId, instance: host };
      const { lines, token } = await outputs.next(place, this.#tokens.get(host));
      if (token !== undefined) this.#tokens.set(host, token);
      if (lines.length > 0) this.#lines.set(host, [...(this.#lines.get(host) ?? []), ...lines]);
      return lines;
    } catch (error) {
      if (signal.aborted) throw error;
      if (!this.#warned) log.warning(`The output cannot be read from CloudWatch Logs: ${messageOf(error)}`);
      this.#warned = true;
      return [];
    }
  }

  /** The invocation with the whole of its output, where SSM cut it and it lies somewhere else. */
  async #uncut(invocation: Invocation): Promise<Invocation> {
    const { logGroup, bucket } = this.#under.output;
    const whole = !isCut(invocation) || invocation.stdout.includes(RESULT);
    if (whole || (logGroup === '' && bucket === '')) return invocation;
    const { clock, log, signal, outputs } = this.#ports;
    for (let i = 0; i < OUTPUT_TRIES; i++) {
      if (i > 0) await clock.sleep(OUTPUT_WAIT_MS, signal);
      try {
        const stdout = bucket === '' ? await this.#logged(invocation.instance) : await outputs.object(invocation);
        if (stdout.includes(RESULT)) return { ...invocation, stdout };
      } catch (error) {
        if (signal.aborted) throw error;
        if (error instanceof Problem && error.kind === 'not-found') continue;
        log.warning(`The whole output of ${invocation.instance} cannot be read: ${messageOf(error)}`);
        return invocation;
      }
    }
    log.warning(
      `The output of ${invocation.instance} is longer than SSM gives back, and its end has not shown up elsewhere`,
    );
    return invocation;
  }

  async #logged(host: string): Promise<string> {
    await this.#more(host);
    return (this.#lines.get(host) ?? []).join('\n');
  }

  #whole(interrupted: boolean): Followed {
    return { results: this.#under.hosts.flatMap((host) => this.#results.get(host) ?? []), interrupted };
  }

  /** Cancels the command, and gives those that had not ended this outcome. */
  async #given(
    status: 'stopped' | 'timed-out' | 'denied' | 'failed',
    cause: string,
    interrupted: boolean,
    next = '',
  ): Promise<Followed> {
    const { ssm, log, clock } = this.#ports;
    await ssm.cancel(this.#under.commandId).catch((e: unknown) => log.warning(messageOf(e)));
    for (const host of this.#under.hosts) {
      if (this.#results.has(host)) continue;
      const worked = this.#status.get(host) === 'Pending' ? 0 : this.#began;
      const ms = worked > 0 ? clock.now() - worked : 0;
      this.#results.set(host, { ...invented(host, status, cause), next, startedAt: worked, ms });
    }
    return this.#whole(interrupted);
  }
}

const RESULT = 'slipway-result ';
const MACHINE = /^slipway-(?:result|log) /;
const STEP = /^slipway-step /;

/** What may be over with the next call. */
function passing(error: unknown): boolean {
  return error instanceof Problem && ['throttled', 'network', 'service'].includes(error.kind);
}

/** A result for a host that told none. */
export function invented(instance: string, status: HostResult['status'], cause: string): HostResult {
  return {
    instance,
    status,
    cause,
    next: '',
    image: '',
    previous: '',
    release: '',
    previousRelease: '',
    exitCode: -1,
    startedAt: 0,
    ms: 0,
    steps: [],
    output: [],
    logs: [],
    facts: undefined,
  };
}

function tell(result: HostResult, output: readonly string[], { log }: FollowPorts): void {
  const took = result.ms > 0 ? ` in ${humanDuration(result.ms)}` : '';
  for (const line of output) log.info(`${result.instance} | ${printable(line.replace(STEP, ''))}`);
  log.info(
    `${result.instance}: ${outcomeLabel(result.status)}${took}${result.cause ? `: ${printable(result.cause)}` : ''}`,
  );
  for (const line of result.logs) log.info(`${result.instance} > ${printable(line)}`);
}
