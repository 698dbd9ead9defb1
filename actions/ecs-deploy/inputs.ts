import * as v from 'valibot';
import {
  bool,
  choice,
  componentInputs,
  type Inputs,
  integer,
  keyValues,
  lines,
  list,
  oneOf,
  optionalBool,
  optionalDuration,
  secret,
  text,
  yamlValue,
} from '../../lib/inputs.ts';
import { codeDeployFields } from './codedeploy/inputs.ts';
import { servicesSchema } from './many/services.ts';
import { strategyFields } from './strategy/inputs.ts';
import { stepsSchema } from './tasks/step.ts';

const object = v.looseObject({});
const strategy = v.array(
  v.strictObject({
    capacityProvider: v.string(),
    weight: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
    base: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  }),
);

/** What is put into the task definition. */
const definitionFields = {
  'task-definition': text(),
  container: text(),
  image: text(),
  images: keyValues(),
  revision: text(),
  'environment-variables': keyValues(),
  secrets: keyValues(),
  'env-files': lines(),
  'log-configuration-log-driver': text(),
  'log-configuration-options': keyValues(),
  'docker-labels': keyValues(),
  command: text(),
  cpu: text(),
  memory: text(),
  'task-role-arn': text(),
  'execution-role-arn': text(),
} as const;

/** What is set on the service. */
const serviceFields = {
  'desired-count': integer({ min: 0, max: 10_000 }),
  'force-new-deployment': bool(false),
  'service-definition': text(),
  'propagate-tags': choice(['TASK_DEFINITION', 'SERVICE', 'NONE']),
  'enable-ecs-managed-tags': optionalBool(),
  'enable-execute-command': optionalBool(),
  'capacity-provider-strategy': yamlValue(strategy),
  'availability-zone-rebalancing': choice(['ENABLED', 'DISABLED']),
  'health-check-grace-period': optionalDuration(),
  'platform-version': text(),
  'service-managed-ebs-volume-name': text(),
  'service-managed-ebs-volume': yamlValue(object),
} as const;

/** Tasks that run beside the deployment. */
const taskFields = {
  before: yamlValue(stepsSchema),
  after: yamlValue(stepsSchema),
  'run-task': bool(false),
  'run-task-container-overrides': yamlValue(v.array(v.looseObject({ name: v.string() }))),
  'run-task-security-groups': list(),
  'run-task-subnets': list(),
  'run-task-assign-public-IP': choice(['ENABLED', 'DISABLED']),
  'run-task-capacity-provider-strategy': yamlValue(strategy),
  'run-task-launch-type': choice(['FARGATE', 'EC2', 'EXTERNAL']),
  'run-task-started-by': text(),
  'run-task-tags': yamlValue(v.array(v.strictObject({ key: v.string(), value: v.string() }))),
  'run-task-managed-ebs-volume-name': text(),
  'run-task-managed-ebs-volume': yamlValue(object),
  'wait-for-task-stopped': bool(false),
} as const;

/** Other names that aws-actions has for the same, and what has no effect here; `moved.ts` reads them. */
const movedFields = {
  'container-name': list(),
  'task-definition-arn': text(),
  'task-definition-family': text(),
  'task-definition-revision': text(),
  'wait-for-service-stability': optionalBool(),
  'wait-for-minutes': integer({ min: 1 }),
  'wait-max-delay-seconds': integer({ min: 1 }),
  'keep-null-value-keys': list(),
  'max-retries': integer({ min: 1, max: 20 }),
} as const;

export const fields = {
  ...componentInputs,
  operation: oneOf(['deploy', 'continue', 'rollback', 'status', 'register', 'render'], 'deploy'),
  cluster: text(),
  service: text(),
  services: yamlValue(servicesSchema),
  'all-or-nothing': bool(false),
  ...definitionFields,
  ...serviceFields,
  ...taskFields,
  ...movedFields,
  preflight: bool(true),
  'keep-revisions': integer({ min: 1, max: 1000 }),
  'protected-revisions': list(),
  ...strategyFields,
  ...codeDeployFields,
  timeout: optionalDuration(),
  'fail-fast': integer({ min: 0, max: 200 }),
  'stable-for': optionalDuration(),
  'rollback-on-failure': bool(true),
  'on-cancel': oneOf(['leave', 'rollback'], 'leave'),
  'dry-run': bool(false),
  // As lib/ledger/open.ts has them: that one would load the clients of every ledger.
  ledger: oneOf(['github', 'git', 'none'], 'none'),
  token: secret(text()),
  region: text(),
} as const;

export type EcsDeployInputs = Inputs<typeof fields>;
