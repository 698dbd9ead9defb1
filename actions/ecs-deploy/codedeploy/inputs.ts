import { Problem } from '../../../lib/errors.ts';
import { type Inputs, text } from '../../../lib/inputs.ts';
import type { strategyFields } from '../strategy/inputs.ts';

/** Named and meant as in aws-actions/amazon-ecs-deploy-task-definition. */
export const codeDeployFields = {
  'codedeploy-appspec': text(),
  'codedeploy-application': text(),
  'codedeploy-deployment-group': text(),
  'codedeploy-deployment-description': text(),
  'codedeploy-deployment-config': text(),
} as const;

const ECS_ONLY = [
  'strategy',
  'bake-time',
  'canary-percent',
  'canary-bake-time',
  'linear-step-percent',
  'linear-step-bake-time',
  'lifecycle-hooks',
] as const;

/** @throws Problem for what only ECS's own controller can do */
export function checkForCodeDeploy(inputs: Inputs<typeof strategyFields>): void {
  const name = ECS_ONLY.find((key) => inputs[key] !== undefined);
  const wrong = name ?? (inputs['rollback-alarms'].length > 0 ? 'rollback-alarms' : undefined);
  if (wrong === undefined) return;
  throw new Problem({
    what: `input '${wrong}'`,
    cause: 'CodeDeploy deploys this service, and its deployment group says how: traffic, alarms and waiting times',
    fix: 'Set them on the deployment group, name a `codedeploy-deployment-config`, and put hooks into the AppSpec',
  });
}
