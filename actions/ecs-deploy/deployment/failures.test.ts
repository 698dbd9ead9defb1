import type { Task } from '@aws-sdk/client-ecs';
import { describe, expect, test } from '@jest/globals';
import { failuresOf, summarizeFailures } from './failures.ts';

const definition = 'arn:aws:ecs:eu-central-1:123456789012:task-definition/web:2';
const task = (more: Partial<Task>): Task => ({
  taskArn: 'arn:aws:ecs:eu-central-1:123456789012:task/sample/abc',
  taskDefinitionArn: definition,
  stoppedAt: new Date(2000),
  ...more,
});
const failures = (...tasks: Task[]) => failuresOf(tasks, { taskDefinition: definition, since: 1000 });

describe('what counts as a failure of the revision', () => {
  test.each<[string, Partial<Task>, number]>([
    ['an essential container that ended', { stopCode: 'EssentialContainerExited' }, 1],
    ['a task that did not start', { stopCode: 'TaskFailedToStart' }, 1],
    [
      'a failed health check',
      { stopCode: 'ServiceSchedulerInitiated', stoppedReason: 'Task failed ELB health checks in (target-group x)' },
      1,
    ],
    [
      'scaling in',
      { stopCode: 'ServiceSchedulerInitiated', stoppedReason: 'Scaling activity initiated by (deployment ecs-svc/1)' },
      0,
    ],
    ['a person', { stopCode: 'UserInitiated', stoppedReason: 'Task stopped by user' }, 0],
    ['a Spot host', { stopCode: 'SpotInterruption' }, 0],
    ['an earlier deployment', { stopCode: 'TaskFailedToStart', stoppedAt: new Date(500) }, 0],
    ['another revision', { stopCode: 'TaskFailedToStart', taskDefinitionArn: `${definition}1` }, 0],
  ])('%s', (_, more, expected) => {
    expect(failures(task(more))).toHaveLength(expected);
  });
});

describe('the cause in words', () => {
  test.each<[Partial<Task>, string | RegExp]>([
    [
      { stoppedReason: 'Essential container in task exited', containers: [{ name: 'web', exitCode: 3 }] },
      'container web exited with code 3',
    ],
    [
      { stoppedReason: 'Essential container in task exited', containers: [{ name: 'web', exitCode: 0 }] },
      /code 0: it ended, and a service’s container must not/,
    ],
    [
      {
        stoppedReason: 'Essential container in task exited',
        containers: [{ name: 'web', exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' }],
      },
      /^container web: it ran out of memory/,
    ],
    [
      {
        stopCode: 'TaskFailedToStart',
        stoppedReason: 'CannotPullContainerError: pull image manifest has been retried 1 time(s): not found',
      },
      /^its image cannot be pulled \(CannotPull/,
    ],
    [
      {
        stopCode: 'TaskFailedToStart',
        stoppedReason: 'ResourceInitializationError: unable to pull secrets or registry auth: secret not found',
      },
      /^a secret cannot be read/,
    ],
    [
      { stopCode: 'ServiceSchedulerInitiated', stoppedReason: 'Task failed container health checks' },
      /never passed its health checks/,
    ],
  ])('%j', (more, expected) => {
    const [failure] = failures(task({ stopCode: 'EssentialContainerExited', ...more }));
    expect(failure?.sentence).toMatch(expected);
    expect(failure?.hint).not.toBe('');
  });

  test('counts equal causes and hides what looks secret', () => {
    const crash = task({ stopCode: 'EssentialContainerExited', containers: [{ name: 'web', exitCode: 1 }] });
    const leak = task({ stopCode: 'TaskFailedToStart', stoppedReason: 'cannot reach postgres://app:hunter2@db/x' });
    expect(summarizeFailures(failures(crash, crash, leak))).toBe(
      '2 tasks stopped: container web exited with code 1; a task stopped: cannot reach postgres://app:(hidden)@db/x',
    );
  });
});
