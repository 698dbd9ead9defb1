import type { Call } from './service.ts';

type Members = Readonly<Record<string, unknown>>;

/** The name or the ARN's last part, whichever was given. */
function nameOf(value: unknown, fallback: string): string {
  return typeof value === 'string' && value !== '' ? (value.split(/[/]/).at(-1) ?? value) : fallback;
}

/**
 * What a refusal names as the resource: its ARN where the operation has one in IAM, else `*`.
 * Source: Service Authorization Reference, "Actions, resources, and condition keys" of ECS, ECR, Systems Manager, Logs and STS.
 */
export function resourceOf(
  call: Pick<Call, 'service' | 'operation'>,
  input: Members,
  { account, region }: { account: string; region: string },
): string {
  const arn = (service: string, resource: string, owner = account) =>
    `arn:aws:${service}:${region}:${owner}:${resource}`;
  switch (call.service) {
    case 'ecs':
      return ecsResource(call.operation, input, (resource) => arn('ecs', resource));
    case 'ecr':
      return typeof input.repositoryName === 'string' ? arn('ecr', `repository/${input.repositoryName}`) : '*';
    case 'logs':
      return typeof input.logGroupName === 'string' ? arn('logs', `log-group:${input.logGroupName}:log-stream:`) : '*';
    case 'sts':
      return typeof input.RoleArn === 'string' ? input.RoleArn : '*';
    case 'ssm':
      return ssmResource(call.operation, input, arn);
    default:
      return '*';
  }
}

function ecsResource(operation: string, input: Members, arn: (resource: string) => string): string {
  const cluster = nameOf(input.cluster, 'default');
  if (operation === 'RunTask') return arn(`task-definition/${nameOf(input.taskDefinition, '*')}`);
  if (/^(Update|Delete)Service$/.test(operation)) return arn(`service/${cluster}/${nameOf(input.service, '*')}`);
  if (operation === 'CreateService') return arn(`service/${cluster}/${nameOf(input.serviceName, '*')}`);
  if (operation === 'DescribeServices') {
    const [first] = Array.isArray(input.services) ? input.services : [];
    return arn(`service/${cluster}/${nameOf(first, '*')}`);
  }
  return '*';
}

function ssmResource(
  operation: string,
  input: Members,
  arn: (service: string, resource: string, owner?: string) => string,
): string {
  if (operation === 'SendCommand' && typeof input.DocumentName === 'string') {
    // Documents that AWS owns have no account in their ARN.
    const owner = input.DocumentName.startsWith('AWS-') ? '' : undefined;
    return arn('ssm', `document/${input.DocumentName}`, owner);
  }
  if (operation.endsWith('Document') && typeof input.Name === 'string') return arn('ssm', `document/${input.Name}`);
  if (/Parameter(History)?$/.test(operation) && typeof input.Name === 'string')
    return arn('ssm', `parameter/${input.Name.replace(/^\//, '')}`);
  return '*';
}
