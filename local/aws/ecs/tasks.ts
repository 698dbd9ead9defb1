import type {
  DescribeTasksRequest,
  DescribeTasksResponse,
  ListTasksRequest,
  ListTasksResponse,
  RunTaskRequest,
  RunTaskResponse,
  StopTaskRequest,
  StopTaskResponse,
} from '@aws-sdk/client-ecs';
import { pageOf } from '../page.ts';
import type { EcsCore } from './core.ts';
import { invalidParameter } from './faults.ts';
import { checkLaunch } from './launch.ts';
import type { Task } from './model.ts';
import { shortName } from './names.ts';
import { missing } from './state.ts';
import { taskView } from './views.ts';

const MOST_STARTED = 10;
const MOST_DESCRIBED = 100;

export function runTask(core: EcsCore, input: RunTaskRequest): RunTaskResponse {
  const cluster = core.state.cluster(input.cluster);
  const taskDefinition = core.state.runnableTaskDefinition(input.taskDefinition ?? '');
  const count = input.count ?? 1;
  if (count < 1 || count > MOST_STARTED) throw invalidParameter(`count should be between 1 and ${MOST_STARTED}`);
  if (taskDefinition.definition.networkMode === 'awsvpc' && !input.networkConfiguration?.awsvpcConfiguration) {
    throw invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  checkLaunch(input, taskDefinition);
  const known = taskDefinition.definition.containerDefinitions?.map(({ name }) => name) ?? [];
  for (const { name } of input.overrides?.containerOverrides ?? []) {
    if (!known.includes(name))
      throw invalidParameter(`Override for container named ${name} is not a container in the TaskDefinition.`);
  }
  const tasks = Array.from({ length: count }, () =>
    core.startTask({
      cluster,
      taskDefinition,
      group: input.group ?? `family:${taskDefinition.family}`,
      startedBy: input.startedBy,
      overrides: input.overrides ?? {},
      launch: input,
      tags: [...(input.propagateTags === 'TASK_DEFINITION' ? taskDefinition.tags : []), ...(input.tags ?? [])],
      enableExecuteCommand: input.enableExecuteCommand ?? false,
    }),
  );
  return { tasks: tasks.map((task) => taskView(task, true, core.context.clock.now())), failures: [] };
}

export function stopTask(core: EcsCore, input: StopTaskRequest): StopTaskResponse {
  const task = core.state.findTask(core.state.cluster(input.cluster), input.task ?? '');
  if (!task) throw invalidParameter('The referenced task was not found.');
  void core.runner.stop(task, { code: 'UserInitiated', reason: input.reason ?? 'Task stopped by user' });
  return { task: taskView(task, true, core.context.clock.now()) };
}

export function describeTasks(core: EcsCore, input: DescribeTasksRequest): DescribeTasksResponse {
  const cluster = core.state.cluster(input.cluster);
  const asked = input.tasks ?? [];
  if (asked.length === 0) throw invalidParameter('Tasks cannot be empty.');
  if (asked.length > MOST_DESCRIBED) throw invalidParameter(`Only ${MOST_DESCRIBED} tasks can be described at a time.`);
  const tags = input.include?.includes('TAGS') ?? false;
  const now = core.context.clock.now();
  const found = asked.map((reference) => ({ reference, task: core.state.findTask(cluster, reference) }));
  return {
    tasks: found.flatMap(({ task }) => (task ? [taskView(task, tags, now)] : [])),
    failures: found.flatMap(({ reference, task }) =>
      task
        ? []
        : [
            missing(
              reference.startsWith('arn:') ? reference : core.state.arns.task(cluster.name, shortName(reference)),
            ),
          ],
    ),
  };
}

export function listTasks(core: EcsCore, input: ListTasksRequest): ListTasksResponse {
  const cluster = core.state.cluster(input.cluster);
  const service = input.serviceName === undefined ? undefined : core.state.service(cluster, input.serviceName);
  const wanted = input.desiredStatus ?? 'RUNNING';
  const matches = (task: Task): boolean =>
    (!service || task.service === service) &&
    (!input.family || task.taskDefinition.family === input.family) &&
    (!input.startedBy || task.startedBy === input.startedBy) &&
    (wanted === 'STOPPED' ? task.desired === 'STOPPED' : task.desired === 'RUNNING');
  const arns = [...cluster.tasks.values()].filter(matches).map(({ arn }) => arn);
  const { items, ...rest } = pageOf(arns, { ...input, most: 100 });
  return { taskArns: items, ...rest };
}
