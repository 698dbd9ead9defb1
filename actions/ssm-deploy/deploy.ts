import { Problem } from '../../lib/errors.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { askHosts } from './ask-hosts.ts';
import { cancelledAfter, combine } from './combine.ts';
import { absent, type Context, paceOf, payloadOf, reach } from './context.ts';
import type { Version } from './desired.ts';
import { type Carried, carryOut } from './fleet/carry-out.ts';
import type { HostResult } from './host-result.ts';
import type { Note } from './note.ts';
import type { SsmPorts } from './ports.ts';
import { afterPutBack, mayServe, type PutBack, putBack } from './put-back.ts';
import { reportOf } from './report.ts';
import { readSpec } from './spec/spec.ts';
import { endsOf, hasty, noteOf, remembering, type Wanted, wantedOf } from './wanted.ts';
import { writeDesired } from './write-desired.ts';

/** Brings a release to the hosts, the first one alone, and writes it down as their desired state once all of them serve it. */
export async function deploy(context: Context, ports: SsmPorts): Promise<Report> {
  const wanted = wantedOf(context, ports);
  const { place, inputs, deadline, output } = context;
  const fleet = await reach(context, ports, async () => {
    const [found] = await Promise.all([ports.ssm.parameter(place.parameter), ports.ssm.ensureDocument()]);
    return found;
  });
  const base = fleet.beside;
  const told = {
    release: wanted.fingerprint,
    previousRelease: readSpec(base?.value ?? '')?.release ?? '',
    image: wanted.spec.image,
    warnings: [absent(fleet), hasty(context)].filter(Boolean),
  };
  const asked = await askHosts(fleet.online, base?.version ?? 0, context, ports);
  const { leftOut, facts } = asked;
  if (asked.outcome) {
    const { outcome, commandIds } = asked;
    return reportOf('deploy', context, { ...told, outcome, results: leftOut, facts, commandIds, notes: [] });
  }
  const hosts = fleet.online.filter((host) => !leftOut.some((one) => one.instance === host));
  const note = noteOf('deploy', context, ports, wanted, base, hosts);
  const carried = await carryOut(
    {
      payload: {
        ...payloadOf('deploy', context, ports, base?.version ?? 0),
        ...(inputs.bootstrap && { bootstrap: true }),
        spec: wanted.spec,
      },
      hosts,
      pace: paceOf(context),
      failed: leftOut.length,
      deadline,
      output,
      remember: remembering(note, ports),
    },
    ports,
  );
  const results = [...carried.results, ...leftOut];
  const end = await settle({ ...carried, results }, { context, ports, wanted, base, note });
  return reportOf('deploy', context, {
    ...told,
    ...end,
    facts,
    commandIds: [...asked.commandIds, ...end.commandIds],
  });
}

interface Around {
  context: Context;
  ports: SsmPorts;
  wanted: Wanted;
  base: Version | undefined;
  note: Note;
}

interface Settled {
  outcome: Outcome;
  results: HostResult[];
  commandIds: string[];
  notes: string[];
}

/** What follows from how the hosts did: the parameter is written, or those that did well are put back, or nothing. */
async function settle(carried: Carried, { context, ports, wanted, base, note }: Around): Promise<Settled> {
  const { results, commandIds, interrupted } = carried;
  const outcome = combine(results);
  const after = { ...note, ended: endsOf(results) };
  // The post step sees a cut run through, by the note as it is: this process has seconds.
  if (interrupted) return { outcome: cancelledAfter(results), results, commandIds, notes: [] };
  if (isGood(outcome)) {
    ports.remember({ ...after, stage: 'writing' });
    const { spec, fingerprint, value } = wanted;
    const writing = { place: context.place, release: spec.release, fingerprint, value, base };
    const written = await writeDesired(outcome, writing, ports);
    ports.remember({ ...after, stage: 'ended' });
    return { ...written, results, commandIds };
  }
  const changed = mayServe(results);
  if (!context.inputs['all-or-nothing'] || changed.length === 0) {
    ports.remember({ ...after, stage: 'ended' });
    return { outcome, results, commandIds, notes: [] };
  }
  let back: PutBack;
  try {
    back = await putBack(changed, wanted.spec.release, context, ports, base?.version ?? 0);
  } catch (error) {
    // The note stays as it is: the post step tries once more.
    if (!(error instanceof Problem) || ports.signal.aborted) throw error;
    return { outcome: stranded(outcome, changed, error), results, commandIds, notes: [] };
  }
  if (!back.interrupted) ports.remember({ ...after, stage: 'ended' });
  return {
    outcome: back.outcome(outcome),
    results: afterPutBack(results, back),
    commandIds: [...commandIds, ...back.commandIds],
    notes: [],
  };
}

function stranded({ cause }: Outcome, hosts: readonly HostResult[], error: Problem): Outcome {
  const names = hosts.map((r) => r.instance).join(', ');
  return {
    status: 'failed',
    cause: `${cause}; and ${names} could not be put back: ${error.finding}`,
    next: `${error.parts.fix}. The post step tries once more; else run the operation rollback`,
  };
}
