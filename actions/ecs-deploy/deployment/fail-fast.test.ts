import { describe, expect, test } from '@jest/globals';
import type { Task } from '../../../lib/ecs/api.ts';
import { type FailFastFacts, hopeless } from './fail-fast.ts';
import { failuresOf } from './failures.ts';

const definition = 'arn:aws:ecs:eu-central-1:123456789012:task-definition/web:2';

/** Tasks as ECS describes them: the decision goes from what ECS says to whether to go on. */
function failures(...tasks: Partial<Task>[]) {
  const all = tasks.map((task, i): Task => {
    return { taskArn: `x/${i}`, taskDefinitionArn: definition, stoppedAt: new Date(100_000 + i), ...task };
  });
  return failuresOf(all, { taskDefinition: definition, since: 0 });
}

const exits = (exitCode: number, livedMs = 1_000): Partial<Task> => ({
  stopCode: 'EssentialContainerExited',
  stoppedReason: 'Essential container in task exited',
  startedAt: new Date(100_000 - livedMs),
  containers: [{ name: 'web', exitCode }],
});
const cannotPull = (why: string): Partial<Task> => ({
  stopCode: 'TaskFailedToStart',
  stoppedReason: `CannotPullContainerError: pull image manifest has been retried 1 time(s): ${why}`,
});
const sick: Partial<Task> = {
  stopCode: 'ServiceSchedulerInitiated',
  stoppedReason: 'Task failed ELB health checks in (target-group x)',
  startedAt: new Date(0),
};
const facts: FailFastFacts = { failures: [], limit: 3, breaker: false, requested: 2 };
const three = (task: Partial<Task>) => failures(task, task, task);

describe('a rollout is without hope', () => {
  test.each<[string, Partial<FailFastFacts>]>([
    ['when three tasks exit alike at their start', { failures: three(exits(1)) }],
    ['when the image cannot be pulled', { failures: three(cannotPull('not found')) }],
    ['when health checks fail, however long that takes', { failures: three(sick) }],
    ['with other ends in between', { failures: failures(exits(1), exits(2), exits(1), exits(1)) }],
    ['of ten tasks when half end alike', { failures: failures(...Array(5).fill(exits(1))), requested: 10 }],
    ['at the first, where one is enough', { failures: failures(exits(1)), limit: 1 }],
  ])('%s', (_, over) => {
    expect(hopeless({ ...facts, ...over })).toMatch(/^\d tasks ended alike, and the service has no circuit breaker/);
  });
});

describe('a rollout is not given up', () => {
  test.each<[string, Partial<FailFastFacts>]>([
    ['after two', { failures: failures(exits(1), exits(1)) }],
    ['where a circuit breaker watches', { failures: three(exits(1)), breaker: true }],
    ['where that is switched off', { failures: three(exits(1)), limit: 0 }],
    ['when they end of different causes', { failures: failures(exits(1), exits(2), exits(3)) }],
    ['for what the next try may mend: the registry’s limits', { failures: three(cannotPull('429 toomanyrequests')) }],
    ['for what the next try may mend: the network', { failures: three(cannotPull('dial tcp: i/o timeout')) }],
    ['when they die long after their start', { failures: three(exits(1, 90_000)) }],
    ['when three of ten end', { failures: three(exits(1)), requested: 10 }],
  ])('%s', (_, over) => {
    expect(hopeless({ ...facts, ...over })).toBe('');
  });
});
