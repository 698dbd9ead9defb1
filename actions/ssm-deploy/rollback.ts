import { Problem } from '../../lib/errors.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { cancelledAfter, combine } from './combine.ts';
import { absent, type Context, paceOf, payloadOf, reach } from './context.ts';
import { goalOf, type Version } from './desired.ts';
import { type Carried, carryOut } from './fleet/carry-out.ts';
import type { HostResult } from './host-result.ts';
import type { SsmPorts } from './ports.ts';
import { reportOf } from './report.ts';
import { readSpec, releaseFingerprint, type Spec } from './spec/spec.ts';
import { noteOf, remembering } from './wanted.ts';
import { writeDesired } from './write-desired.ts';

/**
 * Brings the hosts back to an earlier release, and their desired state with them: the one that is named, or the newest in the
 * parameter's history that is not the current one. A host starts the container that it has kept; one that keeps none of that
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
  const goal = goalOf(history, current, inputs.release);
  if (!goal && inputs.release !== '') throw unknownRelease(inputs.release, place.parameter);
  const wanted = goal && { ...goal, fingerprint: releaseFingerprint(goal.spec) };
  const hosts = fleet.online;
  const note = noteOf('rollback', context, ports, wanted, base, hosts);
  const payload = {
    ...payloadOf('rollback', context, ports, base?.version ?? 0),
    to: current ?? '',
    ...(goal && { spec: goal.spec }),
  };
  const remember = remembering(note, ports);
  const first = await carryOut({ payload, hosts, pace: lenient(context), deadline, output, remember }, ports);
  const carried =
    goal && !first.interrupted
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
