import type { Clock } from '../../lib/clock.ts';
import type { EcsApi } from '../../lib/ecs/api.ts';
import { serviceName, shortName } from '../../lib/ecs/names.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { type Outcome, outcomeLabel } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { escapeText, heading } from '../../lib/summary.ts';
import { ownNewest } from './cancel.ts';
import { tolerable } from './deployment/tolerate.ts';
import { goBack } from './go-back.ts';
import type { RolloutNote } from './note.ts';
import { unsettled } from './running.ts';

export interface FinishPorts {
  /** The ECS of a note's region. */
  ecsOf(note: RolloutNote): EcsApi;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

type Ports = Omit<FinishPorts, 'ecsOf'> & { ecs: EcsApi };

/**
 * The post step: finishes what a run that was cancelled or killed has begun, as its `on-cancel` asks, and tells how each service
 * stands. It gets the notes of those rollouts only whose end the run did not tell by itself.
 */
export async function finish(notes: readonly RolloutNote[], { ecsOf, ...ports }: FinishPorts): Promise<Report> {
  const ends = await Promise.all(notes.map(async (note) => ({ note, outcome: await finishOne(note, ecsOf, ports) })));
  const [first, ...others] = ends;
  if (!first) return { outcome: { status: 'unchanged', cause: '' }, outputs: {}, summary: '' };
  const causes = ends.map(({ note, outcome }) => `${serviceName(note)}: ${outcome.cause}`);
  const outcome = others.length === 0 ? first.outcome : { ...first.outcome, cause: causes.join('; ') };
  return { outcome, outputs: {}, summary: ends.map(({ note, outcome }) => section(note, outcome)).join('') };
}

async function finishOne(note: RolloutNote, ecsOf: FinishPorts['ecsOf'], ports: Omit<Ports, 'ecs'>): Promise<Outcome> {
  try {
    return await settle(note, { ...ports, ecs: ecsOf(note) });
  } catch (error) {
    const next = error instanceof Problem ? error.parts.fix : 'Look at the service, then run the operation `rollback`';
    const why = error instanceof Problem ? error.finding : messageOf(error);
    return { status: 'failed', cause: `what a cut run had begun could not be finished: ${why}`, next };
  }
}

function section(note: RolloutNote, { status, cause, next }: Outcome): string {
  const title = `${outcomeLabel(status)}: ${escapeText(serviceName(note))}, after the run was cut`;
  return `${heading(3, title)}${escapeText(cause)}\n\n${next ? `**Next:** ${escapeText(next)}\n\n` : ''}`;
}

async function settle(note: RolloutNote, ports: Ports): Promise<Outcome> {
  const { cluster, service, taskDefinition, previous, since, known, stage } = note;
  const ref = { cluster, service };
  const revision = shortName(taskDefinition);
  if (previous === taskDefinition)
    return {
      status: 'stopped',
      cause: `the run was cut; the service ran ${revision} before too, so there is no revision to go back to`,
    };
  const deployment = note.deployment || (await ownNewest({ ref, since, known, taskDefinition }, ports.ecs));
  if (deployment === '')
    return {
      status: 'stopped',
      cause: `the run was cut before ECS began a deployment of ${revision}; nothing was changed`,
    };
  if (note.onCancel === 'leave' && stage !== 'going-back') return left(note, deployment, ports);
  const went = await goBack({ ref, deployment, taskDefinition, previous }, ports.ecs);
  const head = `the run was cut while ${revision} was rolled out`;
  if (went === 'nothing') return { status: 'stopped', cause: `${head}; nothing ran before it to go back to` };
  if (went === 'taken-over')
    return {
      status: 'superseded',
      cause: `${head}; somebody set the service to another revision since, which is left alone`,
    };
  ports.log.info(`Waiting until ${shortName(previous)} serves again`);
  const trouble = await served(note, ports);
  if (trouble === '') return { status: 'rolled-back', cause: `${head}; ${shortName(previous)} serves again` };
  return {
    status: 'stopped',
    cause: `${head}; ECS is going back to ${shortName(previous)}, and has not finished: ${trouble}`,
    next: 'Run the operation `status` to see when it has',
  };
}

async function left({ taskDefinition }: RolloutNote, deployment: string, { ecs }: Ports): Promise<Outcome> {
  const found = await ecs.describeDeployment(deployment);
  const { runningTaskCount = 0, requestedTaskCount = 0 } = found?.targetServiceRevision ?? {};
  const state = `${found?.status ?? 'unknown'}, ${runningTaskCount} of ${requestedTaskCount} tasks run`;
  return {
    status: 'stopped',
    cause: `the run was cut, and the deployment of ${shortName(taskDefinition)} was left to ECS (on-cancel: leave): ${state}`,
    next: 'Run this again to follow it, or run the operation `rollback`',
  };
}

/** A cancelled job's post steps are killed after some minutes. */
const WAIT_MS = 180_000;
const LOOK_EVERY_MS = 2_000;

/** Waits until the revision before serves, whole. @returns '' then, and else what is missing. */
async function served(note: RolloutNote, { ecs, clock, signal }: Ports): Promise<string> {
  const until = clock.now() + WAIT_MS;
  for (;;) {
    let trouble: string;
    try {
      const { service } = await ecs.describeService(note);
      trouble = unsettled(service, note.previous, undefined);
    } catch (error) {
      trouble = tolerable(error).message;
    }
    if (trouble === '' || clock.now() >= until) return trouble;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}
