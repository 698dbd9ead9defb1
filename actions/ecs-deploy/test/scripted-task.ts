import { ACCOUNT, type Script } from './scripted-ecs.ts';

type Answer = Record<string, unknown>;
const ARN = `${ACCOUNT}:task/sample/0123456789abcdef`;

/**
 * ECS's side of one task beside the deployment: started by RunTask, running for some looks, then ended with these exit codes.
 * @returns handlers for `Script.before`, and the RunTask requests as they came
 */
export function scriptedTask(exitCodes: Record<string, number>, looks = 2) {
  const requests: Answer[] = [];
  let left = looks;
  const before: NonNullable<Script['before']> = {
    RunTask: (input) => {
      requests.push(input);
      left = looks;
      return { tasks: [task('PROVISIONING')], failures: [] };
    },
    StopTask: () => {
      left = 0;
      return { task: task('RUNNING') };
    },
    DescribeTasks: (input) => {
      if (!(input.tasks as string[]).includes(ARN)) return undefined;
      return { tasks: [left-- > 0 ? task('RUNNING') : task('STOPPED')] };
    },
  };
  const task = (lastStatus: string): Answer => ({
    taskArn: ARN,
    lastStatus,
    ...(lastStatus === 'STOPPED' && {
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
    }),
    containers: Object.entries(exitCodes).map(([name, exitCode]) => ({
      name,
      ...(lastStatus === 'STOPPED' && { exitCode }),
    })),
  });
  return { before, requests };
}
