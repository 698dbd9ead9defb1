import { randomUUID } from 'node:crypto';
import {
  DescribeTasksCommand,
  type ECSClient,
  type Failure,
  RunTaskCommand,
  type RunTaskCommandInput,
  StopTaskCommand,
  type Task,
} from '@aws-sdk/client-ecs';
import { callAws } from '../aws/client.ts';
import { shortName } from './names.ts';
import { sendExactly } from './wire.ts';

export type TaskRequest = Omit<RunTaskCommandInput, 'clientToken' | 'count'>;

export interface StartedTask {
  /** Undefined when ECS could not place it: the failures say why. */
  task: Task | undefined;
  failures: readonly Failure[];
}

/** What the suite asks of ECS about tasks that belong to no service. */
export interface TaskCalls {
  /** Starts one task. A call that is tried again after a lost answer starts no second one. */
  runTask(request: TaskRequest): Promise<StartedTask>;
  /** undefined while ECS does not show it yet. */
  describeTask(cluster: string, arn: string): Promise<Task | undefined>;
  /** Asks ECS to stop the task; it is STOPPED later. */
  stopTask(cluster: string, arn: string, reason: string): Promise<void>;
}

export interface CallOptions {
  client(): ECSClient;
  /** Of a call that only reads. */
  reading: { abortSignal: AbortSignal };
  /** Of a call that changes something. */
  writing(): { abortSignal: AbortSignal };
}

const REASON_LENGTH = 255;

export function taskCallsOf({ client, reading, writing }: CallOptions): TaskCalls {
  return {
    async runTask(request) {
      // Source: ECS API reference, RunTask: at most 64 characters; the SDK's own retries repeat it.
      const input = { ...request, count: 1, clientToken: randomUUID() };
      const command = new RunTaskCommand(input);
      sendExactly(command, input);
      const call = { operation: 'ecs:RunTask', resource: `task definition ${shortName(request.taskDefinition)}` };
      const { tasks, failures } = await callAws(call, () => client().send(command, writing()));
      return { task: tasks?.[0], failures: failures ?? [] };
    },

    async describeTask(cluster, arn) {
      const command = new DescribeTasksCommand({ cluster, tasks: [arn] });
      const call = { operation: 'ecs:DescribeTasks', resource: `task ${shortName(arn)}` };
      const { tasks } = await callAws(call, () => client().send(command, reading));
      return tasks?.[0];
    },

    async stopTask(cluster, arn, reason) {
      const command = new StopTaskCommand({ cluster, task: arn, reason: reason.slice(0, REASON_LENGTH) });
      const call = { operation: 'ecs:StopTask', resource: `task ${shortName(arn)}` };
      await callAws(call, () => client().send(command, writing()));
    },
  };
}
