/** Who signed a request, as STS would name them. */
export interface Identity {
  accessKeyId: string;
  account: string;
  /** arn:aws:iam::A:user/x or arn:aws:sts::A:assumed-role/ROLE/SESSION */
  arn: string;
  /** AIDA… for users, AROA…:SESSION for assumed roles. */
  userId: string;
}

/** What an operation may know about the request besides its input. */
export interface Call {
  requestId: string;
  service: ServiceId;
  operation: string;
  identity: Identity;
  region: string;
  /** Milliseconds since the epoch. */
  receivedAt: number;
}

export type ServiceId =
  | 'ecs'
  | 'ecr'
  | 'ssm'
  | 'logs'
  | 'sts'
  | 'elasticloadbalancing'
  | 'ec2'
  | 'iam'
  | 'monitoring'
  | 'secretsmanager';

/**
 * One API operation. The input has been checked against the SDK's schema: required members are there, types are right,
 * timestamps are Dates, blobs are Uint8Arrays. The output is serialised by the SDK's schema: give Dates for timestamps; a
 * member that the schema does not have is an error of ours and answered with a 500 that names it (except for `lossless` operations).
 * Inputs are declared by the operation with the SDK's own types: `(input: UpdateServiceRequest, call) => ...`.
 */
export type Operation = (input: never, call: Call) => Promise<object> | object;

export interface AwsService {
  id: ServiceId;
  operations: Record<string, Operation>;
  /**
   * Operations whose input keeps members (at any depth) that the SDK's schema does not know, and whose output may carry them: so
   * that this service can play an AWS that is newer than the SDK. For all others unknown members are ignored, as AWS's JSON services do.
   */
  lossless?: readonly string[];
  /** How this service words a refused input; by default each protocol's usual validation exception. */
  invalid?(problem: InputProblem, operation: string): AwsFault;
}

export interface InputProblem {
  kind: 'missing' | 'type';
  /** Path of the member, in AWS's way: "containerDefinitions.1.member.image" is given as ['containerDefinitions', '1', 'image']. */
  path: readonly string[];
  /** For 'type': what was expected and what came. */
  expected?: string;
  actual?: string;
}

export interface FaultOptions {
  /** HTTP status, 400 unless told. */
  status?: number;
  /** More members of the exception's shape. */
  members?: Record<string, unknown>;
}

/** An exception of an AWS service, thrown by operations and answered in the service's own wire format. */
export class AwsFault extends Error {
  readonly code: string;
  readonly status: number;
  readonly members: Readonly<Record<string, unknown>>;

  /** @param code the exception's name as the service sends it, "ClusterNotFoundException" */
  constructor(code: string, message: string, options: FaultOptions = {}) {
    super(message);
    this.name = 'AwsFault';
    this.code = code;
    this.status = options.status ?? 400;
    this.members = options.members ?? {};
  }
}

/**
 * AWS's usual refusal for an identity without the permission.
 * Source: IAM User Guide, "Troubleshoot access denied error messages".
 */
export function accessDenied(
  call: Call,
  action: string,
  resource: string,
  policy: 'identity-based' | 'resource-based' = 'identity-based',
): AwsFault {
  const ec2 = call.service === 'ec2' ? 'You are not authorized to perform this operation. ' : '';
  return new AwsFault(
    deniedCode(call.service),
    `${ec2}User: ${call.identity.arn} is not authorized to perform: ${action} on resource: ${resource} because no ${policy} policy allows the ${action} action`,
    { status: call.service === 'sts' || call.service === 'ec2' || call.service === 'elasticloadbalancing' ? 403 : 400 },
  );
}

/** An operation as IAM writes it. Services sign as one name and are permitted by another here and there (Service Authorization Reference). */
export function iamAction(service: ServiceId, operation: string): string {
  return `${service === 'monitoring' ? 'cloudwatch' : service}:${operation}`;
}

function deniedCode(service: ServiceId): string {
  if (service === 'ec2') return 'UnauthorizedOperation';
  return service === 'sts' || service === 'elasticloadbalancing' || service === 'iam'
    ? 'AccessDenied'
    : 'AccessDeniedException';
}
