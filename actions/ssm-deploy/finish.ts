import { messageOf, Problem } from '../../lib/errors.ts';
import { isGood, type Outcome, outcomeLabel } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { code, escapeCell, escapeText, heading, table } from '../../lib/summary.ts';
import { follow, invented } from './fleet/follow.ts';
import type { HostResult } from './host-result.ts';
import type { Note } from './note.ts';
import type { SsmPorts } from './ports.ts';
import { afterPutBack, putBack } from './put-back.ts';
import { writeDesired } from './write-desired.ts';

/** A cancelled job's post steps are killed after some minutes. */
const WAIT_MS = 150_000;
/** Where the run's output went is of no use any more. */
const NOWHERE = { logGroup: '', bucket: '', prefix: '' };

/**
 * The post step: ends the command that a cancelled or killed run had under way, waits until its hosts are at rest, and leaves them
 * whole: the desired state is written when all of them had been done, and those that had changed are put back where all or
 * nothing was asked for. Tells how each host stands.
 */
export async function finish(note: Note, ports: SsmPorts): Promise<Report> {
  // The run has told that SSM refused its first command.
  if (!note.command && Object.keys(note.ended).length === 0)
    return { outcome: { status: 'unchanged', cause: '' }, outputs: {}, summary: '' };
  let outcome: Outcome;
  let results: HostResult[] = [];
  try {
    results = await rest(note, ports);
    ({ outcome, results } = await complete(note, results, ports));
  } catch (error) {
    const why = error instanceof Problem ? error.finding : messageOf(error);
    const next = error instanceof Problem ? error.parts.fix : 'Run the operation status to see how the hosts stand';
    outcome = { status: 'failed', cause: `what a cut run had begun could not be finished: ${why}`, next };
  }
  return { outcome, outputs: {}, summary: summaryOf(note, outcome, results) };
}

/** How every host of the run stands, once nothing is under way any more. */
async function rest(note: Note, ports: SsmPorts): Promise<HostResult[]> {
  const { ssm, clock, log } = ports;
  const { command, ended } = note;
  const before = Object.entries(ended).map(([host, status]) => invented(host, status as HostResult['status'], ''));
  const open = command?.hosts.filter((host) => ended[host] === undefined || ended[host] === 'stopped') ?? [];
  if (!command || open.length === 0) return before;
  const id = command.id || (await ssm.find(command.comment, command.since));
  const known = before.filter((r) => !open.includes(r.instance));
  if (id === '') return [...known, ...open.map((host) => invented(host, 'stopped', 'nothing had been sent to it'))];
  await ssm.cancel(id).catch((e: unknown) => log.warning(messageOf(e)));
  const deadline = clock.now() + WAIT_MS;
  const under = { commandId: id, hosts: open, deadline, output: NOWHERE, onEnd: () => undefined };
  const { results } = await follow(under, ports);
  return [...known, ...results];
}

async function complete(
  note: Note,
  results: HostResult[],
  ports: SsmPorts,
): Promise<{ outcome: Outcome; results: HostResult[] }> {
  const { hosts, release, operation, place, value, fingerprint, base } = note;
  // A host that was to leave a release and does not serve it says so, which does not mean that it serves the one to go back to.
  const elsewhere = ({ release: served }: HostResult) =>
    operation === 'rollback' && served !== '' && served !== release;
  const good = results.filter((r) => isGood(r) && !elsewhere(r));
  const all = good.length === hosts.length;
  if (operation === 'restart') return { outcome: told(note, good, 'restarted'), results };
  if (all && value !== '') {
    const done: Outcome = { status: 'succeeded', cause: `the run was cut after every host had been done` };
    const writing = { place, release, fingerprint, value, base: { version: base } };
    return { outcome: (await writeDesired(done, writing, ports)).outcome, results };
  }
  // A host that was cut may have switched already: one that does not serve the release leaves the call alone.
  const touched = results.filter((r) => isGood(r) || r.ms > 0 || r.startedAt > 0);
  if (!note.allOrNothing || touched.length === 0)
    return { outcome: told(note, good, `brought to release ${release}`), results };
  const sending = { place, deadline: ports.clock.now() + WAIT_MS, output: NOWHERE };
  const back = await putBack(touched, release, sending, ports, base);
  const outcome = back.outcome({ status: 'stopped', cause: 'the run was cut before every host was done' });
  return { outcome, results: afterPutBack(results, back) };
}

function told({ hosts }: Note, good: readonly HostResult[], done: string): Outcome {
  const names = good.map((r) => r.instance).join(', ');
  const tally = good.length === 0 ? 'no host was' : `${good.length} of ${hosts.length} hosts (${names}) were`;
  return {
    status: 'stopped',
    cause: `the run was cut; ${tally} ${done}`,
    next: 'Each host serves what it had switched to, or what it served before. Run this again to converge',
  };
}

function summaryOf({ place }: Note, { status, cause, next }: Outcome, results: readonly HostResult[]): string {
  const rows = results.map((r) => [code(r.instance), outcomeLabel(r.status), escapeCell(r.cause)]);
  return [
    heading(
      3,
      `${outcomeLabel(status)}: ${escapeText(place.component)} on ${escapeText(place.group)}, after the run was cut`,
    ),
    `${escapeText(cause)}\n\n`,
    next ? `**Next:** ${escapeText(next)}\n\n` : '',
    rows.length > 0 ? table(['Host', 'Outcome', 'Why'], rows) : '',
  ].join('');
}
