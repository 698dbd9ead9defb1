import type { Report } from '../../lib/report.ts';
import { ALL_AT_ONCE } from './ask-hosts.ts';
import { cancelledAfter, combine } from './combine.ts';
import { absent, type Context, paceOf, payloadOf, reach } from './context.ts';
import { carryOut } from './fleet/carry-out.ts';
import { keepsWhole } from './outputs.ts';
import type { Payload } from './payload.ts';
import type { SsmPorts } from './ports.ts';
import { reportOf } from './report.ts';
import { noteOf, remembering } from './wanted.ts';

/** Starts the component's container again on every host, in waves like a deployment, with its secrets read anew. */
export function restart(context: Context, ports: SsmPorts): Promise<Report> {
  return errand('restart', {}, context, ports);
}

/** Shows what the component's containers logged last. */
export function logs(context: Context, ports: SsmPorts): Promise<Report> {
  const { lines = 200, since } = context.inputs;
  const all = keepsWhole(context.output);
  return errand('logs', { lines, ...(since !== '' && { since }), ...(all && { all }) }, context, ports);
}

/** Takes away kept containers, images and secrets that nothing needs any more. */
export function prune(context: Context, ports: SsmPorts): Promise<Report> {
  return errand('prune', { keep: context.inputs.keep ?? 2 }, context, ports);
}

async function errand(
  operation: 'restart' | 'logs' | 'prune',
  more: Partial<Payload>,
  context: Context,
  ports: SsmPorts,
): Promise<Report> {
  const { deadline, output } = context;
  const fleet = await reach(context, ports, () => ports.ssm.ensureDocument());
  const hosts = fleet.online;
  const note = noteOf('restart', context, ports, undefined, undefined, hosts);
  const changes = operation === 'restart';
  const { results, commandIds, interrupted } = await carryOut(
    {
      payload: { ...payloadOf(operation, context, ports, 0), ...more },
      hosts,
      pace: changes ? paceOf(context) : ALL_AT_ONCE,
      deadline,
      output,
      ...(changes && { remember: remembering(note, ports) }),
    },
    ports,
  );
  if (changes && !interrupted) ports.remember({ ...note, stage: 'ended' });
  return reportOf(operation, context, {
    outcome: interrupted ? cancelledAfter(results) : combine(results),
    results,
    commandIds,
    release: results[0]?.release ?? '',
    previousRelease: '',
    image: '',
    notes: [],
    warnings: [absent(fleet)].filter(Boolean),
  });
}
