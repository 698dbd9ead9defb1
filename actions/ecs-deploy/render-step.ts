import { readInputs } from '../../lib/inputs.ts';
import { type EcsDeployInputs, fields } from './inputs.ts';

/**
 * What action.yml gives `cluster` and `service` by default. The runner gives an input that a step leaves out its default, and one
 * whose expression is empty ''; everybody but `leftOut` reads both as empty. Source: actions/runner, ActionRunner.RunAsync.
 */
export const LEFT_OUT = ' ';

/** Whether the step writes neither `cluster` nor `service`: an expression that is empty by accident is written. */
export function leftOut(env: NodeJS.ProcessEnv): boolean {
  return env.INPUT_CLUSTER === LEFT_OUT && env.INPUT_SERVICE === LEFT_OUT;
}

/** The inputs of aws-actions/amazon-ecs-render-task-definition, which knows no cluster and no service. */
const THEIRS: ReadonlySet<string> = new Set([
  'task-definition',
  'task-definition-arn',
  'task-definition-family',
  'task-definition-revision',
  'container-name',
  'image',
  'environment-variables',
  'log-configuration-log-driver',
  'log-configuration-options',
  'docker-labels',
  'command',
  'task-role-arn',
  'execution-role-arn',
  'env-files',
  'secrets',
]);

/**
 * Whether a step was written for aws-actions/amazon-ecs-render-task-definition: it gives what that one requires, nothing that it
 * does not know, and writes neither `cluster` nor `service`. Anything else that names no service is a deployment that lacks one.
 */
export function isRenderStep(inputs: EcsDeployInputs, namesNoService: boolean): boolean {
  if (!namesNoService || inputs['container-name'].length === 0 || inputs.image === '') return false;
  const unset: Record<string, unknown> = readInputs(fields, () => '');
  // The token has a default of its own, which no step writes.
  const others = Object.entries(inputs).filter(([name]) => !THEIRS.has(name) && name !== 'token');
  return others.every(([name, value]) => JSON.stringify(value) === JSON.stringify(unset[name]));
}
