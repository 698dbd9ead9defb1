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
  ecs: EcsApi;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/**
 * The post step: finishes what a run that was cancelled or killed has begun, as its `on-cancel` asks, and tells how the service
 * stands. A run that told its end by itself leaves nothing to do.
 */
export async function finish(note: RolloutNote | undefined, ports: FinishPorts): Promise<Report> {
  if (!note || note.stage === 'ended') return { outcome: { status: 'unchanged', cause: '' }, outputs: {}, summary: '' };
  const outcome = await settle(note, ports).catch((error: unknown): Outcome => {
    const next = error instanceof Problem ? error.parts.fix : 'Look at the service, then run the operation `rollback`';
    const why = error instanceof Problem ? error.finding : messageOf(error);
    return { status: 'failed', cause: `what a cut run had begun could not be finished: ${why}`, next };
  });
  const next = outcome.next ? `**Next:** ${escapeText(outcome.next)}\n\n` : '';
  return {
    outcome,
    outputs: {},
    summary: `${heading(3, `${outcomeLabel(outcome.status)}: ${escapeText(serviceName(note))}, after the run was cut`)}${escapeText(outcome.cause)}\n\n${next}`,
  };
}

async function settle(note: RolloutNote, ports: FinishPorts): Promise<Outcome> {
  const { cluster, service, taskDefinition, previous, since, known, stage } = note;
  const ref = { cluster, service };
  const revision = shortName(taskDefinition);
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

async function left({ taskDefinition }: RolloutNote, deployment: string, { ecs }: FinishPorts): Promise<Outcome> {
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
async function served(note: RolloutNote, { ecs, clock, signal }: FinishPorts): Promise<string> {
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
