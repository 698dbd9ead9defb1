import { randomBytes } from 'node:crypto';
import { exceptionOf } from '../../../lib/aws/errors.ts';
import { Problem, type ProblemKind } from '../../../lib/errors.ts';
import { isGood } from '../../../lib/outcome.ts';
import type { HostResult } from '../host-result.ts';
import type { Note } from '../note.ts';
import { encodePayload, type Payload } from '../payload.ts';
import type { SsmPorts } from '../ports.ts';
import type { OutputPlaces } from '../ssm.ts';
import { follow, invented } from './follow.ts';
import { livelyMs } from './pace.ts';
import { countOf, type Pace, standing, type Wave, wavesOf } from './waves.ts';

export interface Errand {
  payload: Payload;
  hosts: readonly string[];
  pace: Pace;
  /** Hosts that have failed before: they count against `max-errors`. */
  failed?: number;
  /** Milliseconds since the epoch; nothing is sent after it. */
  deadline: number;
  output: OutputPlaces;
  /** Called before each command is sent, when it was, and when a host has ended. */
  remember?(command: Note['command'], results: readonly HostResult[]): void;
}

export interface Carried {
  /** One for every host, in their order. */
  results: HostResult[];
  commandIds: string[];
  /** The run was cancelled meanwhile. */
  interrupted: boolean;
}

/**
 * Carries one operation out on hosts, wave by wave, and stops where a wave says so.
 * @throws Problem when the first command cannot be sent; what fails after that is an outcome of its hosts.
 */
export async function carryOut(errand: Errand, ports: SsmPorts): Promise<Carried> {
  const { hosts, pace, failed = 0 } = errand;
  const maxErrors = countOf(pace.maxErrors, hosts.length, 'down');
  const waves = wavesOf(hosts, pace);
  const gate = waves.find((wave) => wave.gate)?.hosts[0];
  const carried: Carried = { results: [], commandIds: [], interrupted: false };
  for (const wave of waves) {
    const { halt, left } = standing(carried.results, gate, maxErrors, failed);
    if (carried.interrupted || halt !== '') {
      const cause = carried.interrupted ? 'not tried, because the run was cancelled' : halt;
      carried.results.push(...wave.hosts.map((host) => invented(host, 'stopped', cause)));
    } else await attempt(wave, left, errand, carried, ports);
  }
  return carried;
}

/** A command that cannot be sent after others were is how its hosts end: those before have changed, and are to be told of and put back. */
async function attempt(wave: Wave, left: number, errand: Errand, carried: Carried, ports: SsmPorts): Promise<void> {
  const before = [...carried.results];
  try {
    await send(wave, left, errand, carried, ports);
  } catch (error) {
    if (!(error instanceof Problem) || ports.signal.aborted) throw error;
    // Refused, and not lost on the way: there is no command that the post step would have to look for.
    if (REFUSALS.has(error.kind)) errand.remember?.(undefined, before);
    if (carried.commandIds.length === 0) throw error;
    const status = error.kind === 'denied' ? 'denied' : 'failed';
    const results = wave.hosts.map((host) => invented(host, status, `nothing was sent to it: ${error.finding}`));
    carried.results = [...before, ...results.map((r) => ({ ...r, next: error.parts.fix }))];
  }
}

const REFUSALS: ReadonlySet<ProblemKind> = new Set(['denied', 'credentials', 'not-found', 'throttled', 'conflict']);

async function send(wave: Wave, left: number, errand: Errand, carried: Carried, ports: SsmPorts): Promise<void> {
  const { payload, deadline, output, remember } = errand;
  const { clock, log, ssm, signal } = ports;
  const release = payload.spec?.release ?? payload.to ?? '';
  const words = ['slipway', payload.operation, payload.component, release, randomBytes(4).toString('hex')];
  const command = {
    id: '',
    comment: words.filter(Boolean).join(' ').slice(0, 100),
    since: clock.now(),
    hosts: wave.hosts,
  };
  const known = [...carried.results];
  const stopped = (cause: string) =>
    carried.results.push(...wave.hosts.map((host) => invented(host, 'stopped', cause)));
  if (signal.aborted) {
    carried.interrupted = true;
    stopped('not tried, because the run was cancelled');
    return;
  }
  if (clock.now() >= deadline) {
    carried.results.push(...wave.hosts.map((h) => invented(h, 'timed-out', 'not tried, because the time was over')));
    return;
  }
  const secondsLeft = () => Math.max(1, Math.ceil((deadline - clock.now()) / 1000));
  remember?.(command, known);
  const { id, hosts, lost } = await sendTo(
    wave.hosts,
    (instances) =>
      ssm.send({
        hosts: instances,
        payload: encodePayload(payload),
        deliverySeconds: wave.hosts.length > wave.atOnce ? Math.max(DELIVERY_SECONDS, secondsLeft()) : DELIVERY_SECONDS,
        timeoutSeconds: Math.min(LONGEST_SECONDS, secondsLeft()),
        maxConcurrency: String(wave.atOnce),
        maxErrors: String(wave.gate ? 0 : left),
        comment: command.comment,
        output,
      }),
    ports,
  );
  const ended: HostResult[] = lost.map((host) => invented(host, 'failed', OFFLINE));
  if (id !== '') {
    carried.commandIds.push(id);
    remember?.({ ...command, id, hosts }, [...known, ...ended]);
    log.info(`Command ${id}: ${payload.operation} ${payload.component} on ${hosts.join(', ')}`);
    const onEnd = (result: HostResult) => {
      ended.push(result);
      remember?.({ ...command, id, hosts }, [...known, ...ended]);
    };
    const { results, interrupted } = await follow(
      { commandId: id, hosts, deadline, output, lively: livelyMs(payload), onEnd },
      ports,
    );
    carried.interrupted = interrupted;
    carried.results.push(...results);
  }
  carried.results.push(...lost.map((host) => invented(host, 'failed', OFFLINE)));
}

/** An agent that is online takes a command within seconds. Those that wait for others of their wave need longer: SSM's time runs for them too. */
const DELIVERY_SECONDS = 60;

/** What our document's parameter takes: five digits. */
const LONGEST_SECONDS = 99_999;

const OFFLINE = 'its agent went offline before the command was sent';

/** SSM refuses a command whole when one of its hosts is not online any more: then the others get it without that one. */
async function sendTo(
  hosts: readonly string[],
  call: (hosts: readonly string[]) => Promise<string>,
  { ssm }: SsmPorts,
): Promise<{ id: string; hosts: string[]; lost: string[] }> {
  try {
    return { id: await call(hosts), hosts: [...hosts], lost: [] };
  } catch (error) {
    if (exceptionOf(error) !== 'InvalidInstanceId') throw error;
    const agents = await ssm.agents([{ key: 'InstanceIds', values: hosts }]);
    const here = hosts.filter((host) => agents.some((a) => a.instance === host && a.online));
    if (here.length === hosts.length) throw error;
    return {
      id: here.length === 0 ? '' : await call(here),
      hosts: here,
      lost: hosts.filter((host) => !here.includes(host)),
    };
  }
}

/** Those that did well. */
export const goodOf = (results: readonly HostResult[]) => results.filter((result) => isGood(result));
