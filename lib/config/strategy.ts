import * as v from 'valibot';
import { described, duration, option, say, text } from './fields.ts';

/** A percentage; that ECS takes steps of 0.1 is for the action to check, as JSON schema cannot say it of decimals. */
const percent = (least: number) =>
  v.pipe(
    v.number(),
    v.minValue(least, say(`it is below ${least}`, `Write a percentage from ${least} to 100`)),
    v.maxValue(100, say('it is above 100', `Write a percentage from ${least} to 100`)),
  );

const hook = v.looseObject({
  lifecycleStages: described(
    v.pipe(v.array(text), v.minLength(1, say('the list is empty', 'Name at least one stage'))),
    'Stages of the deployment, such as POST_TEST_TRAFFIC_SHIFT.',
  ),
});

/** How a new revision takes over from the old one; for services only, a scheduled task has no traffic. */
export const strategyEntries = {
  strategy: option(
    v.picklist(['rolling', 'blue-green', 'linear', 'canary']),
    'How the new revision takes over. Default: what the service has.',
  ),
  'bake-time': option(
    duration,
    'How long both revisions run after all traffic has moved. Default: what the service has.',
  ),
  'canary-percent': option(percent(0.1), "The canary's part of the traffic. Default: what the service has, or 5."),
  'canary-bake-time': option(
    duration,
    'How long the canary serves before the rest follows. Default: what the service has, or 10m.',
  ),
  'linear-step-percent': option(
    percent(3),
    'Part of the traffic that each step moves. Default: what the service has, or 10.',
  ),
  'linear-step-bake-time': option(duration, 'Time between two steps. Default: what the service has, or 6m.'),
  'lifecycle-hooks': option(
    v.array(hook),
    "Hooks of the deployment in ECS's own shape; an empty list takes them away. Default: what the service has.",
  ),
  'rollback-alarms': option(
    v.array(text),
    'CloudWatch alarms that turn a deployment back. Default: what the service has.',
  ),
  'codedeploy-application': option(
    text,
    'CodeDeploy application, where CodeDeploy deploys the service. Default: AppECS-CLUSTER-SERVICE.',
  ),
  'codedeploy-deployment-group': option(text, 'Its deployment group. Default: DgpECS-CLUSTER-SERVICE.'),
  'codedeploy-appspec': option(text, 'AppSpec file. Default: appspec.yaml where there is one.'),
  'codedeploy-deployment-config': option(text, "How CodeDeploy moves the traffic. Default: the group's."),
};
