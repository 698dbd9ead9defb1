import { Problem } from '../../lib/errors.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { ALL_AT_ONCE } from './ask-hosts.ts';
import { cancelledAfter, combine } from './combine.ts';
import { absent, type Context, paceOf, payloadOf, reach } from './context.ts';
import { goalOf, isUnfinished, type Version } from './desired.ts';
import { type Carried, carryOut } from './fleet/carry-out.ts';
import type { HostResult } from './host-result.ts';
import type { Note } from './note.ts';
import type { Payload } from './payload.ts';
import type { SsmPorts } from './ports.ts';
import { reportOf } from './report.ts';
import { readSpec, releaseFingerprint, type Spec } from './spec/spec.ts';
import { hostStatus } from './status.ts';
import { noteOf, remembering } from './wanted.ts';
import { writeDesired } from './write-desired.ts';

/**
 * Brings the hosts back to an earlier release, and their desired state with them: the one that is named, or the newest in the
 * parameter's history that is not the current one. After a deployment that has not reached every host that is the current one itself:
 * what is to be left is what only some serve. A host starts the container that it has kept; one that keeps none of that
 * release is deployed to. Without a parameter each host goes back to what it served before.
 */
export async function rollback(context: Context, ports: SsmPorts): Promise<Report> {
  const { place, inputs, deadline, output } = context;
  const fleet = await reach(context, ports, async () => {
    const [history] = await Promise.all([ports.ssm.history(place.parameter), ports.ssm.ensureDocument()]);
    return history;
  });
  const history = fleet.beside;
  const [base] = history;
  const current = readSpec(base?.value ?? '')?.release;
  const before = goalOf(history, current, inputs.release);
  if (!before && inputs.release !== '') throw unknownRelease(inputs.release, place.parameter);
  const asked = before && inputs.release === '' ? await servedBy(fleet.online, base?.version ?? 0, context, ports) : [];
  const goal = isUnfinished(history, asked) ? goalOf(history, undefined, current ?? '') : before;
  const wanted = goal && { ...goal, fingerprint: releaseFingerprint(goal.spec) };
  const hosts = fleet.online;
  const note = noteOf('rollback', context, ports, wanted, base, hosts);
  // Hosts that are to serve what is written down already need no way back: those that do not serve it get it.
  const payload: Payload =
    goal && goal.spec.release === current
      ? { ...payloadOf('deploy', context, ports, base?.version ?? 0), spec: goal.spec }
      : {
          ...payloadOf('rollback', context, ports, base?.version ?? 0),
          to: current ?? '',
          ...(goal && { spec: goal.spec }),
        };
  const remember = rememberingGoal(note, ports);
  const first = await carryOut({ payload, hosts, pace: lenient(context), deadline, output, remember }, ports);
  const carried =
    goal && payload.operation === 'rollback' && !first.interrupted
      ? await deployElsewhere(first, goal.spec, { context, ports, remember, base: base?.version ?? 0 })
      : first;
  const { results, commandIds, interrupted } = carried;
  const warnings = [absent(fleet)].filter(Boolean);
  const told = {
    results,
    commandIds,
    warnings,
    release: wanted?.fingerprint ?? results[0]?.release ?? '',
    previousRelease: current ?? '',
    image: goal?.spec.image ?? '',
  };
  if (interrupted) return reportOf('rollback', context, { ...told, outcome: cancelledAfter(results), notes: [] });
  const outcome = combine(results);
  const end = await moveDesired(outcome, wanted, base, { context, ports });
  ports.remember({ ...note, stage: 'ended' });
  return reportOf('rollback', context, { ...told, ...end, warnings: [...warnings, ...end.warnings] });
}

/** What each host serves now; '' where one does not tell. */
async function servedBy(hosts: readonly string[], base: number, context: Context, ports: SsmPorts): Promise<string[]> {
  const payload = payloadOf('status', context, ports, base);
  const { deadline, output } = context;
  const { results } = await carryOut({ payload, hosts, pace: ALL_AT_ONCE, deadline, output }, ports);
  return results.map((result) => hostStatus(result, context.place.component, undefined).release);
}

/** As remembering(); a host that serves another release has not done what was asked, whatever it says of itself. */
function rememberingGoal(note: Note, ports: SsmPorts): ReturnType<typeof remembering> {
  const remember = remembering(note, ports);
  const there = (r: HostResult) => note.release === '' || r.release === note.release;
  return (command, results) =>
    remember(
      command,
      results.map((r): HostResult => (isGood(r) && !there(r) ? { ...r, status: 'failed' } : r)),
    );
}

interface Around {
  context: Context;
  ports: SsmPorts;
}

type Goal = { spec: Spec; value: string; fingerprint: string };

/** The parameter follows the hosts, so that one that is replaced serves what the others do. */
async function moveDesired(
  outcome: Outcome,
  goal: Goal | undefined,
  base: Version | undefined,
  { context: { place }, ports }: Around,
): Promise<{ outcome: Outcome; notes: string[]; warnings: string[] }> {
  if (!isGood(outcome)) return { outcome, notes: [], warnings: [] };
  if (goal) {
    const writing = { place, release: goal.spec.release, fingerprint: goal.fingerprint, value: goal.value, base };
    return { ...(await writeDesired(outcome, writing, ports)), warnings: [] };
  }
  const stays = `The desired state in ${place.parameter} holds no earlier release, so it still names the one that was left: a host that is replaced would serve that. Deploy the version that is wanted to settle it`;
  return { outcome, notes: [], warnings: base ? [stays] : [] };
}

function unknownRelease(release: string, parameter: string): Problem {
  return new Problem({
    what: "input 'release'",
    seen: release,
    cause: `the history of ${parameter} holds no such release`,
    fix: 'Deploy its image again; a parameter remembers its last hundred versions',
    kind: 'not-found',
  });
}

/** A host that keeps nothing to go back to is no reason to leave the others where they are: it is deployed to afterwards. */
function lenient(context: Context) {
  return { ...paceOf(context), maxErrors: '100%', gate: false };
}

/** Hosts that do not serve the goal after the rollback get it as a deployment. */
async function deployElsewhere(
  first: Carried,
  spec: Spec,
  { context, ports, remember, base }: Around & { remember: ReturnType<typeof remembering>; base: number },
): Promise<Carried> {
  const there = first.results.filter((r) => isGood(r) && r.release === spec.release);
  const elsewhere = first.results.filter(
    (r) => !there.includes(r) && r.status !== 'stopped' && r.status !== 'timed-out',
  );
  if (elsewhere.length === 0) return first;
  const { deadline, output } = context;
  const names = elsewhere.map((r) => r.instance);
  ports.log.info(`${names.join(', ')}: no container of release ${spec.release} is kept there, so it is deployed`);
  const payload = { ...payloadOf('deploy', context, ports, base), spec };
  const second = await carryOut({ payload, hosts: names, pace: paceOf(context), deadline, output, remember }, ports);
  const byHost = new Map(second.results.map((r) => [r.instance, r]));
  return {
    results: first.results.map((r): HostResult => byHost.get(r.instance) ?? r),
    commandIds: [...first.commandIds, ...second.commandIds],
    interrupted: second.interrupted,
  };
}
