import type { Service, Task } from '../../lib/ecs/api.ts';
import { objects, textOf } from '../../lib/ecs/json.ts';
import { serviceName, shortName } from '../../lib/ecs/names.ts';
import type { Report } from '../../lib/report.ts';
import { code, escapeCell, escapeText, heading, table } from '../../lib/summary.ts';
import { REVISION_VARIABLE } from './definition/render.ts';
import { pausesOf } from './deployment/stages.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { EcsDeployPorts } from './ports.ts';
import { RELEASE_TAG } from './release.ts';
import { type RunningDigests, runningDigests, servingDefinition, unsettled } from './running.ts';

/** What a service runs, as the `status` output tells it. */
export interface ServiceStatus {
  cluster: string;
  service: string;
  taskDefinition: string;
  /** Container to the image that its task definition names. */
  images: Record<string, string>;
  /** Container to the digests that run. */
  digests: Record<string, string[]>;
  /** SLIPWAY_REVISION of the containers that have one. */
  revisions: Record<string, string>;
  release: string;
  counts: { desired: number; running: number; pending: number };
  /** Whole and settled: one deployment, completed, all tasks running. */
  steady: boolean;
  /** Why it is not. */
  trouble: string;
  deployment: { arn: string; status: string; reason: string; startedAt: string; stage: string; paused: boolean } | null;
  tasks: { id: string; taskDefinition: string; status: string; health: string; startedAt: string }[];
}

/** Reads what runs; changes nothing. `succeeded` says that it could be read, `steady` whether all is well. */
export async function status(inputs: EcsDeployInputs, { ecs }: EcsDeployPorts): Promise<Report> {
  const ref = { cluster: inputs.cluster, service: inputs.service };
  const { service, tags } = await ecs.describeService(ref);
  const arn = servingDefinition(service);
  const [{ definition }, tasks, deployment] = await Promise.all([
    ecs.describeTaskDefinition(arn),
    ecs.listTasks(ref, 'RUNNING'),
    service.currentServiceDeployment ? ecs.describeDeployment(service.currentServiceDeployment) : undefined,
  ]);
  const containers = objects(definition.containerDefinitions);
  const revisionOf = (container: (typeof containers)[number]) =>
    objects(container.environment).find((e) => e.name === REVISION_VARIABLE)?.value;
  const digests = runningDigests(tasks, arn);
  const trouble = unsettled(service, arn, undefined);
  const found: ServiceStatus = {
    cluster: shortName(inputs.cluster),
    service: shortName(inputs.service),
    taskDefinition: arn,
    images: Object.fromEntries(containers.map((c) => [textOf(c.name), textOf(c.image)])),
    digests: Object.fromEntries([...digests].map(([name, set]) => [name, [...set]])),
    revisions: Object.fromEntries(
      containers.flatMap((c) => {
        const revision = textOf(revisionOf(c));
        return revision === '' ? [] : [[textOf(c.name), revision]];
      }),
    ),
    release: tags[RELEASE_TAG] ?? '',
    counts: countsOf(service),
    steady: trouble === '',
    trouble,
    deployment: deployment
      ? {
          arn: deployment.serviceDeploymentArn ?? '',
          status: deployment.status ?? '',
          reason: deployment.statusReason ?? '',
          startedAt: deployment.startedAt?.toISOString() ?? '',
          stage: deployment.lifecycleStage ?? '',
          paused: pausesOf(deployment).length > 0,
        }
      : null,
    tasks: tasks.map(taskOf),
  };
  return {
    outcome: { status: 'succeeded', cause: '' },
    outputs: {
      status: JSON.stringify(found),
      'task-definition-arn': arn,
      'previous-task-definition-arn': '',
      'deployment-arn': found.deployment?.arn ?? '',
      'release-fingerprint': found.release,
      'running-digests': JSON.stringify(flat(digests)),
    },
    summary: summaryOf(found, serviceName(ref)),
  };
}

function countsOf({ desiredCount = 0, runningCount = 0, pendingCount = 0 }: Service): ServiceStatus['counts'] {
  return { desired: desiredCount, running: runningCount, pending: pendingCount };
}

function taskOf(task: Task): ServiceStatus['tasks'][number] {
  return {
    id: shortName(task.taskArn),
    taskDefinition: shortName(task.taskDefinitionArn),
    status: task.lastStatus ?? '',
    health: task.healthStatus ?? '',
    startedAt: task.startedAt?.toISOString() ?? '',
  };
}

function flat(digests: RunningDigests): Record<string, string> {
  return Object.fromEntries([...digests].map(([name, set]) => [name, [...set].join(',')]));
}

function wordsOf({ status, stage, paused, reason }: NonNullable<ServiceStatus['deployment']>): string {
  return [status, stage, paused ? 'paused for an answer' : '', reason].filter(Boolean).join(', ');
}

function summaryOf(found: ServiceStatus, name: string): string {
  const { counts, deployment } = found;
  const rows = [
    ['Task definition', code(shortName(found.taskDefinition))],
    ...Object.entries(found.images).map(([container, image]) => {
      const running = found.digests[container]?.join(', ') ?? 'nothing';
      return [`Container ${escapeCell(container)}`, `${code(image)}, running ${code(running)}`];
    }),
    ...Object.entries(found.revisions).map(([container, revision]) => [
      `Revision of ${escapeCell(container)}`,
      code(revision),
    ]),
    ['Tasks', `${counts.running} of ${counts.desired} running, ${counts.pending} pending`],
    ['Release', code(found.release.slice(0, 16) || 'not tagged')],
    ['Deployment', deployment ? escapeCell(wordsOf(deployment)) : 'none known'],
  ];
  const title = found.steady ? '✅ steady' : `⚠️ not steady: ${escapeText(found.trouble)}`;
  const tasks = found.tasks.map((t) => [
    code(t.id.slice(0, 12)),
    code(t.taskDefinition),
    t.status,
    t.health,
    t.startedAt,
  ]);
  return (
    heading(3, `${escapeText(name)}: ${title}`) +
    table(['', ''], rows) +
    (tasks.length > 0 ? table(['Task', 'Revision', 'Status', 'Health', 'Started'], tasks) : '')
  );
}
