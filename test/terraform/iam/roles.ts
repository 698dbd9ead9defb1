import type { PolicyDocument } from './evaluate.ts';

export interface Role {
  name: string;
  arn: string;
  trust: PolicyDocument;
  /** Inline ones and those of the configuration that are attached, by name. */
  policies: Record<string, PolicyDocument>;
  /** ARNs of policies that AWS manages. */
  managed: string[];
  boundaryArn: string | undefined;
  /** The boundary itself, where the same configuration makes it. */
  boundary: PolicyDocument | undefined;
}

export interface StateResource {
  address: string;
  type: string;
  values: Record<string, unknown>;
}
interface StateModule {
  resources?: StateResource[];
  child_modules?: StateModule[];
}

export interface Identities {
  /** By name. */
  roles: Map<string, Role>;
  /** Policies of their own, by ARN. */
  policies: Map<string, PolicyDocument>;
}

/** Every role of an applied configuration with all that it may do. @param shown `terraform show -json` of the state */
export function identitiesOf(shown: string): Identities {
  const resources = resourcesOf((JSON.parse(shown) as { values: { root_module: StateModule } }).values.root_module);
  const of = (type: string) => resources.filter((resource) => resource.type === type).map(({ values }) => values);
  const own = new Map(of('aws_iam_policy').map((policy) => [String(policy.arn), parse(policy.policy)]));
  const roles = new Map<string, Role>();
  for (const role of of('aws_iam_role')) {
    const boundary = role.permissions_boundary;
    roles.set(String(role.name), {
      name: String(role.name),
      arn: String(role.arn),
      trust: parse(role.assume_role_policy),
      policies: {},
      managed: [],
      boundaryArn: typeof boundary === 'string' && boundary !== '' ? boundary : undefined,
      boundary: typeof boundary === 'string' ? own.get(boundary) : undefined,
    });
  }
  for (const policy of of('aws_iam_role_policy')) {
    const role = roles.get(String(policy.role));
    if (!role) throw new Error(`policy ${policy.name} belongs to role ${policy.role}, which is not here`);
    role.policies[String(policy.name)] = parse(policy.policy);
  }
  for (const attachment of of('aws_iam_role_policy_attachment')) {
    const role = roles.get(String(attachment.role));
    const arn = String(attachment.policy_arn);
    const document = own.get(arn);
    if (!role) throw new Error(`${arn} is attached to role ${attachment.role}, which is not here`);
    if (document) role.policies[arn] = document;
    else role.managed.push(arn);
  }
  return { roles, policies: own };
}

export function resourcesOf(module: StateModule): StateResource[] {
  return [...(module.resources ?? []), ...(module.child_modules ?? []).flatMap(resourcesOf)];
}

function parse(value: unknown): PolicyDocument {
  return JSON.parse(String(value)) as PolicyDocument;
}
