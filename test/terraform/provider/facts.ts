/**
 * What the extract does not carry, since the bindings that it is made from do not: which arguments are secret, and what the
 * provider makes of a resource's identity. Sources: the provider's documentation ("Attribute Reference"), and the ARN
 * formats of the Service Authorization Reference.
 */
import { createHash } from 'node:crypto';
import type { ObjectValue, Value } from './value.ts';

export interface Surroundings {
  account: string;
  region: string;
  defaultTags: Record<string, string>;
}

/** Their values are kept out of plans' and states' text: Terraform marks what reads them. */
const SENSITIVE = new Set([
  'aws_db_instance.password',
  'aws_elasticache_replication_group.auth_token',
  'aws_elasticache_user.passwords',
  'aws_secretsmanager_secret_version.secret_string',
  'aws_ssm_parameter.value',
  'random_password.result',
  'random_password.bcrypt_hash',
]);

export const isSensitive = (type: string, attribute: string) => SENSITIVE.has(`${type}.${attribute}`);

/** By the provider's convention: `password_wo` is sent and never stored, `password_wo_version` says that it changed. */
export const isWriteOnly = (attribute: string) => attribute.endsWith('_wo');

const text = (value: Value | undefined): string => (typeof value === 'string' ? value : '');
const lastPart = (value: Value | undefined): string => text(value).split('/').at(-1) ?? '';
export const digits = (seed: string, length: number): string =>
  createHash('sha256').update(seed).digest('hex').slice(0, length);

type Namer = (values: ObjectValue, where: Surroundings, unique: string) => string;

const arn =
  (service: string, resource: Namer, { regional = true, account = true } = {}): Namer =>
  (values, where, unique) =>
    `arn:aws:${service}:${regional ? where.region : ''}:${account ? where.account : ''}:${resource(values, where, unique)}`;
const named =
  (prefix: string): Namer =>
  ({ name }) =>
    `${prefix}${text(name)}`;

const ARNS: Readonly<Record<string, Namer>> = {
  aws_acm_certificate: arn('acm', (_values, _where, unique) => `certificate/${uuid(unique)}`),
  aws_autoscaling_group: arn(
    'autoscaling',
    ({ name }, _, unique) => `autoScalingGroup:${unique}:autoScalingGroupName/${text(name)}`,
  ),
  aws_cloudwatch_log_group: arn('logs', named('log-group:')),
  aws_cloudwatch_metric_alarm: arn('cloudwatch', ({ alarm_name }) => `alarm:${text(alarm_name)}`),
  aws_db_instance: arn('rds', ({ identifier }) => `db:${text(identifier)}`),
  aws_ecr_repository: arn('ecr', named('repository/')),
  aws_ecs_cluster: arn('ecs', named('cluster/')),
  aws_ecs_service: arn('ecs', ({ cluster, name }) => `service/${lastPart(cluster) || 'default'}/${text(name)}`),
  aws_ecs_task_definition: arn('ecs', ({ family }) => `task-definition/${text(family)}:1`),
  aws_iam_instance_profile: arn('iam', named('instance-profile/'), { regional: false }),
  aws_iam_openid_connect_provider: arn('iam', ({ url }) => `oidc-provider/${text(url).replace('https://', '')}`, {
    regional: false,
  }),
  aws_iam_policy: arn('iam', ({ path, name }) => `policy${text(path) || '/'}${text(name)}`, { regional: false }),
  aws_iam_role: arn('iam', ({ path, name }) => `role${text(path) || '/'}${text(name)}`, { regional: false }),
  aws_kms_key: arn('kms', (_values, _where, unique) => `key/${uuid(unique)}`),
  aws_lambda_function: arn('lambda', ({ function_name }) => `function:${text(function_name)}`),
  aws_lb: arn('elasticloadbalancing', ({ name }, _, unique) => `loadbalancer/app/${text(name)}/${unique.slice(0, 16)}`),
  aws_lb_target_group: arn(
    'elasticloadbalancing',
    ({ name }, _, unique) => `targetgroup/${text(name)}/${unique.slice(0, 16)}`,
  ),
  aws_s3_bucket: arn('s3', ({ bucket }) => text(bucket), { regional: false, account: false }),
  aws_secretsmanager_secret: arn(
    'secretsmanager',
    ({ name }, _, unique) => `secret:${text(name)}-${unique.slice(0, 6)}`,
  ),
  aws_sns_topic: arn('sns', ({ name }) => text(name)),
  aws_ssm_document: arn('ssm', named('document/')),
  aws_ssm_parameter: arn('ssm', ({ name }) => `parameter/${text(name).replace(/^\//, '')}`),
};

const uuid = (unique: string) => unique.slice(0, 32).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');

/** What `id` is where it is neither the ARN nor a number that AWS hands out. */
const IDS: Readonly<Record<string, Namer>> = {
  aws_autoscaling_group: named(''),
  aws_cloudwatch_log_group: named(''),
  aws_cloudwatch_metric_alarm: ({ alarm_name }) => text(alarm_name),
  aws_db_instance: ({ identifier }) => text(identifier),
  aws_db_parameter_group: named(''),
  aws_db_subnet_group: named(''),
  aws_ecr_repository: named(''),
  aws_ecs_task_definition: ({ family }) => text(family),
  aws_elasticache_replication_group: ({ replication_group_id }) => text(replication_group_id),
  aws_elasticache_subnet_group: named(''),
  aws_iam_instance_profile: named(''),
  aws_iam_role: named(''),
  aws_iam_role_policy: ({ role, name }) => `${text(role)}:${text(name)}`,
  aws_kms_key: (_values, _where, unique) => uuid(unique),
  aws_s3_bucket: ({ bucket }) => text(bucket),
  aws_ssm_document: named(''),
  aws_ssm_parameter: named(''),
};
const ID_IS_ARN = new Set([
  'aws_acm_certificate',
  'aws_ecs_cluster',
  'aws_ecs_service',
  'aws_iam_openid_connect_provider',
  'aws_iam_policy',
  'aws_lb',
  'aws_lb_listener',
  'aws_lb_listener_rule',
  'aws_lb_target_group',
  'aws_secretsmanager_secret',
  'aws_sns_topic',
]);
const PREFIXES: Readonly<Record<string, string>> = {
  aws_eip: 'eipalloc',
  aws_flow_log: 'fl',
  aws_internet_gateway: 'igw',
  aws_launch_template: 'lt',
  aws_nat_gateway: 'nat',
  aws_route_table: 'rtb',
  aws_security_group: 'sg',
  aws_vpc_endpoint: 'vpce',
  aws_vpc_security_group_egress_rule: 'sgr',
  aws_vpc_security_group_ingress_rule: 'sgr',
};

const service = (type: string) => type.split('_')[1] ?? '';
export const arnOf: (type: string) => Namer = (type) =>
  ARNS[type] ??
  arn(
    service(type),
    ({ name }, _, unique) => `${type.split('_').slice(2).join('-')}/${text(name) || unique.slice(0, 16)}`,
  );
export const idOf: (type: string) => Namer = (type) => {
  if (ID_IS_ARN.has(type)) return arnOf(type);
  const prefix = PREFIXES[type] ?? type.split('_').slice(1).join('-');
  return IDS[type] ?? ((_values, _where, unique) => `${prefix}-${unique.slice(0, 17)}`);
};

/** Other attributes that configurations read on, by type and attribute. Without an entry a computed text is TYPE-ATTRIBUTE-number. */
export const COMPUTED: Readonly<Record<string, (values: ObjectValue, where: Surroundings, unique: string) => Value>> = {
  'aws_acm_certificate.domain_validation_options': ({ domain_name, subject_alternative_names }, _, unique) => {
    const names = new Set([
      text(domain_name),
      ...(Array.isArray(subject_alternative_names) ? subject_alternative_names.map(text) : []),
    ]);
    return [...names].map((name) => ({
      domain_name: name,
      resource_record_name: `_${unique.slice(0, 32)}.${name}.`,
      resource_record_type: 'CNAME',
      resource_record_value: `_${unique.slice(32, 64)}.acm-validations.aws.`,
    }));
  },
  'aws_db_instance.address': ({ identifier }, { region }, unique) =>
    `${text(identifier)}.${unique.slice(0, 12)}.${region}.rds.amazonaws.com`,
  'aws_db_instance.endpoint': ({ identifier, port }, { region }, unique) =>
    `${text(identifier)}.${unique.slice(0, 12)}.${region}.rds.amazonaws.com:${typeof port === 'number' && port > 0 ? port : 5432}`,
  'aws_db_instance.master_user_secret': ({ manage_master_user_password, identifier }, where, unique) =>
    manage_master_user_password === true
      ? [
          {
            kms_key_id: `arn:aws:kms:${where.region}:${where.account}:key/${uuid(unique)}`,
            secret_arn: `arn:aws:secretsmanager:${where.region}:${where.account}:secret:rds!db-${uuid(unique)}-${text(identifier).slice(0, 6)}`,
            secret_status: 'active',
          },
        ]
      : [],
  'aws_db_instance.port': () => 5432,
  'aws_ecr_repository.registry_id': (_, { account }) => account,
  'aws_ecr_repository.repository_url': ({ name }, { account, region }) =>
    `${account}.dkr.ecr.${region}.amazonaws.com/${text(name)}`,
  'aws_ecs_task_definition.arn_without_revision': ({ family }, { account, region }) =>
    `arn:aws:ecs:${region}:${account}:task-definition/${text(family)}`,
  'aws_ecs_task_definition.revision': () => 1,
  'aws_lb.arn_suffix': ({ name }, _, unique) => `app/${text(name)}/${unique.slice(0, 16)}`,
  'aws_lb_target_group.arn_suffix': ({ name }, _, unique) => `targetgroup/${text(name)}/${unique.slice(0, 16)}`,
  'aws_subnet.owner_id': (_, { account }) => account,
  'aws_vpc.owner_id': (_, { account }) => account,
};
