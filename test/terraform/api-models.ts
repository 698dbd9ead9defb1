/**
 * The values that AWS's own interfaces take, as botocore's models have them: enumerations, patterns, lengths, ranges. A plan is held
 * to them before anybody applies it; the schema of a provider knows only types.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { toolsFolder } from '../../scripts/stand-in.ts';
import { isObject, type ObjectValue, type Value } from './provider/value.ts';

interface Shape {
  type: string;
  members?: Record<string, { shape: string; locationName?: string }>;
  member?: { shape: string };
  enum?: string[];
  pattern?: string;
  min?: number;
  max?: number;
}
interface Model {
  operations: Record<string, { input?: { shape: string } }>;
  shapes: Record<string, Shape>;
}

/** The call that creates a resource, and where in its input the resource's arguments stand. */
const CALLS: Readonly<Record<string, [service: string, operation: string, ...path: string[]]>> = {
  aws_acm_certificate: ['acm', 'RequestCertificate'],
  aws_appautoscaling_policy: ['application-autoscaling', 'PutScalingPolicy'],
  aws_appautoscaling_target: ['application-autoscaling', 'RegisterScalableTarget'],
  aws_autoscaling_group: ['autoscaling', 'CreateAutoScalingGroup'],
  aws_autoscaling_policy: ['autoscaling', 'PutScalingPolicy'],
  aws_budgets_budget: ['budgets', 'CreateBudget', 'Budget'],
  aws_cloudwatch_log_group: ['logs', 'CreateLogGroup'],
  aws_cloudwatch_metric_alarm: ['cloudwatch', 'PutMetricAlarm'],
  aws_cloudwatch_composite_alarm: ['cloudwatch', 'PutCompositeAlarm'],
  aws_ecr_repository: ['ecr', 'CreateRepository'],
  aws_ecs_cluster: ['ecs', 'CreateCluster'],
  aws_ecs_service: ['ecs', 'CreateService'],
  aws_ecs_task_definition: ['ecs', 'RegisterTaskDefinition'],
  aws_elasticache_replication_group: ['elasticache', 'CreateReplicationGroup'],
  aws_elasticache_user: ['elasticache', 'CreateUser'],
  aws_elasticache_user_group: ['elasticache', 'CreateUserGroup'],
  aws_flow_log: ['ec2', 'CreateFlowLogs'],
  aws_iam_instance_profile: ['iam', 'CreateInstanceProfile'],
  aws_iam_openid_connect_provider: ['iam', 'CreateOpenIDConnectProvider'],
  aws_iam_policy: ['iam', 'CreatePolicy'],
  aws_iam_role: ['iam', 'CreateRole'],
  aws_iam_role_policy: ['iam', 'PutRolePolicy'],
  aws_kms_alias: ['kms', 'CreateAlias'],
  aws_kms_key: ['kms', 'CreateKey'],
  aws_lambda_function: ['lambda', 'CreateFunction'],
  aws_lambda_permission: ['lambda', 'AddPermission'],
  aws_launch_template: ['ec2', 'CreateLaunchTemplate', 'LaunchTemplateData'],
  aws_lb_listener: ['elbv2', 'CreateListener'],
  aws_lb_listener_rule: ['elbv2', 'CreateRule'],
  aws_lb_target_group: ['elbv2', 'CreateTargetGroup'],
  aws_secretsmanager_secret: ['secretsmanager', 'CreateSecret'],
  aws_ssm_parameter: ['ssm', 'PutParameter'],
  aws_vpc_endpoint: ['ec2', 'CreateVpcEndpoint'],
  aws_wafv2_web_acl: ['wafv2', 'CreateWebACL'],
  aws_wafv2_web_acl_logging_configuration: ['wafv2', 'PutLoggingConfiguration', 'LoggingConfiguration'],
};

export const modelled = (type: string): boolean => type in CALLS;

const models = new Map<string, Model>();

function modelOf(service: string): Model {
  const known = models.get(service);
  if (known) return known;
  const version = /BOTOCORE=(\S+)/.exec(readFileSync(new URL('../../scripts/setup.sh', import.meta.url), 'utf8'))?.[1];
  const folder = join(toolsFolder(), 'pypi', `botocore-${version}`, 'botocore/data', service);
  const newest = readdirSync(folder).sort().at(-1) ?? '';
  const model = JSON.parse(
    gunzipSync(readFileSync(join(folder, newest, 'service-2.json.gz'))).toString('utf8'),
  ) as Model;
  models.set(service, model);
  return model;
}

export interface Checked {
  /** How many values were held to a rule. */
  values: number;
  complaints: string[];
}

/** Holds the known values of a planned resource to the model of the call that would create it. */
export function check(type: string, values: ObjectValue): Checked {
  const call = CALLS[type];
  if (!call) return { values: 0, complaints: [] };
  const [service, operation, ...path] = call;
  const model = modelOf(service);
  const input = model.operations[operation]?.input?.shape;
  if (input === undefined) throw new Error(`${service} has no call ${operation}`);
  let shape = shapeIn(model, input);
  for (const step of path) {
    const member = shape.members?.[step];
    if (!member) throw new Error(`${service} ${operation} has no ${step}`);
    shape = shapeIn(model, member.shape);
  }
  const checked: Checked = { values: 0, complaints: [] };
  const name = Object.keys(shape.members ?? {}).find((member) => isNameOf(member, type));
  walk(model, shape, name && values.name ? { ...values, [name]: values.name } : values, '', checked);
  return checked;
}

/** RoleName of a role: the provider calls it `name`. */
const isNameOf = (member: string, type: string) =>
  /.Name$/.test(member) && plain(type).endsWith(plain(member.replace(/Name$/, '')));

function walk(model: Model, shape: Shape, value: Value, path: string, checked: Checked): void {
  if (value === null || value === undefined) return;
  if (shape.type === 'structure') {
    // A block that may stand once is a list of one.
    const object = Array.isArray(value) ? value[0] : value;
    if (!isObject(object)) return;
    for (const [name, inner] of Object.entries(object)) {
      const member = memberFor(shape, name);
      if (member) walk(model, shapeIn(model, member), inner, path === '' ? name : `${path}.${name}`, checked);
    }
    return;
  }
  if (shape.type === 'list') {
    const element = shape.member && shapeIn(model, shape.member.shape);
    if (element && Array.isArray(value)) for (const one of value) walk(model, element, one, path, checked);
    return;
  }
  if (typeof value !== 'string' && typeof value !== 'number') return;
  const rule = ruleOf(shape);
  if (!rule) return;
  checked.values += 1;
  const reason = rule(value);
  if (reason) checked.complaints.push(`${path} = ${JSON.stringify(value)}: ${reason}`);
}

const shapeIn = (model: Model, name: string): Shape => {
  const shape = model.shapes[name];
  if (!shape) throw new Error(`there is no shape ${name}`);
  return shape;
};

const plain = (name: string) => name.replaceAll(/[_-]/g, '').toLowerCase();

/** By the provider's habit: snake case, and a block in the singular for a list. */
function memberFor({ members = {} }: Shape, name: string): string | undefined {
  const wanted = plain(name);
  const found = Object.entries(members).find(([member, { locationName }]) =>
    [member, locationName ?? member].some((one) => [wanted, `${wanted}s`].includes(plain(one))),
  );
  return found?.[1].shape;
}

function ruleOf(shape: Shape): ((value: string | number) => string | undefined) | undefined {
  const { min = 0, max = Number.POSITIVE_INFINITY } = shape;
  if (shape.type === 'string') {
    const { enum: values } = shape;
    if (values) return (value) => (values.includes(String(value)) ? undefined : `not one of ${values.join(', ')}`);
    const pattern = shape.pattern === undefined ? undefined : compiled(shape.pattern);
    if (!pattern && shape.min === undefined && shape.max === undefined) return undefined;
    return (value) => {
      const text = String(value);
      if (text.length < min || text.length > max) return `${text.length} long, and not ${min} to ${max}`;
      return pattern && !pattern.test(text) ? `does not match ${shape.pattern}` : undefined;
    };
  }
  if (['integer', 'long', 'double', 'float'].includes(shape.type)) {
    if (shape.min === undefined && shape.max === undefined) return undefined;
    return (value) => (Number(value) < min || Number(value) > max ? `not ${min} to ${max}` : undefined);
  }
  return undefined;
}

/** Patterns are Java's; those few that JavaScript does not read are left out. */
function compiled(pattern: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${pattern})$`, 'us');
  } catch {
    return undefined;
  }
}
