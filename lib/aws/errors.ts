import { cancelled, messageOf, Problem, type ProblemKind } from '../errors.ts';

/** What a call was for, in the words an error needs. */
export interface AwsCall {
  /** As IAM writes it: ecs:UpdateService. */
  operation: string;
  /** The resource as the user knows it: "service sample/web". */
  resource: string;
}

interface SdkError extends Error {
  $metadata?: { httpStatusCode?: number; requestId?: string; attempts?: number };
  code?: string;
  $fault?: 'client' | 'server';
}

const DENIED = /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError)$/;
const THROTTLED =
  /^(Throttling|ThrottlingException|ThrottledException|TooManyRequestsException|RequestLimitExceeded|Rate.*Exceeded)/;
const CREDENTIALS =
  /^(CredentialsProviderError|ExpiredToken|ExpiredTokenException|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch|InvalidIdentityToken(Exception)?|TokenProviderError|AuthFailure)$/;
const NOT_FOUND = /NotFound|NoSuch|DoesNotExist|^ServiceNotActiveException$/;
const CONFLICT = /AlreadyExists|Conflict|UpdateInProgress|InUse/;
const NETWORK_CODES =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;
/** What AWS says when a request is signed for one region and sent to another: a mistake in the region, not in the keys. */
const WRONG_REGION = /scoped to a valid region/;
const REGION_FIX =
  'Correct the region (the `region` input, the config file or AWS_REGION), or AWS_ENDPOINT_URL if it is set';
const NETWORK_NAMES = /^(TimeoutError|NetworkingError|RequestTimeout)$/;

/** Sorts an SDK error into the suite's taxonomy and says what to do about it. Anything already explained passes through. */
export function explainAws(error: unknown, call: AwsCall): Problem {
  if (error instanceof Problem) return error;
  const e = (error instanceof Error ? error : new Error(messageOf(error))) as SdkError;
  if (e.name === 'AbortError') return cancelled(call.operation);
  const kind = kindOf(e);
  const elsewhere = WRONG_REGION.test(e.message);
  const request = e.$metadata?.requestId ? ` (request ${e.$metadata.requestId})` : '';
  return new Problem({
    what: `${call.operation} on ${call.resource}`,
    cause: `${elsewhere ? 'the region is not that of the endpoint' : (CAUSES[kind] ?? 'AWS refused the call')}: ${causeText(e)}${request}`,
    fix: elsewhere ? REGION_FIX : fixFor(kind, e, call),
    kind,
    underlying: error,
  });
}

/** The name of the exception of AWS that a Problem explains (`ScanNotFoundException`); '' for anything else. */
export function exceptionOf(error: unknown): string {
  return error instanceof Problem && error.parts.underlying instanceof Error ? error.parts.underlying.name : '';
}

function kindOf(e: SdkError): ProblemKind {
  const code = networkCode(e);
  if (DENIED.test(e.name)) return 'denied';
  if (THROTTLED.test(e.name) || e.$metadata?.httpStatusCode === 429) return 'throttled';
  if (CREDENTIALS.test(e.name)) return 'credentials';
  if (NOT_FOUND.test(e.name)) return 'not-found';
  if (CONFLICT.test(e.name)) return 'conflict';
  if (NETWORK_CODES.test(code) || NETWORK_NAMES.test(e.name)) return 'network';
  return 'service';
}

function networkCode(e: SdkError): string {
  if (e.code) return e.code;
  if (e.cause instanceof AggregateError) return (e.cause.errors[0] as SdkError | undefined)?.code ?? '';
  const inner = e instanceof AggregateError ? e.errors[0] : e.cause;
  return inner instanceof Error ? ((inner as SdkError).code ?? '') : '';
}

function causeText(e: SdkError): string {
  const text = messageOf(e);
  return text === '' || text === e.name || text === 'UnknownError'
    ? e.name
    : `${e.name === 'Error' ? '' : `${e.name}: `}${text}`;
}

const CAUSES: Partial<Record<ProblemKind, string>> = {
  denied: 'AWS denied it',
  throttled: 'AWS throttled it, also after retries',
  'not-found': 'it does not exist',
  network: 'AWS could not be reached',
  credentials: 'the AWS credentials cannot be used',
  conflict: 'it is in the way of what exists',
  service: 'AWS refused the call',
};

function fixFor(kind: ProblemKind, e: SdkError, call: AwsCall): string {
  switch (kind) {
    case 'denied':
      return `Allow ${call.operation} on ${call.resource} in the role's policy (and check boundaries and SCPs)`;
    case 'throttled':
      return 'Run it again later, or lower how many deployments call AWS at once in this account';
    case 'not-found':
      return 'Check the name, the region and the account that the credentials belong to';
    case 'network':
      return 'Check the runner’s network, the region’s name and AWS_ENDPOINT_URL if it is set';
    case 'credentials':
      return /expired/i.test(e.name)
        ? 'Get new ones: run setup-aws again, or ask for a longer `duration`'
        : 'Run setup-aws before this step (it needs `permissions: id-token: write`), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
    case 'conflict':
      return 'Wait for the other change to end, or run this again to converge';
    default:
      return e.$fault === 'server' || (e.$metadata?.httpStatusCode ?? 0) >= 500
        ? 'Run it again; if it stays, look at the AWS Health Dashboard'
        : 'Correct what the message names';
  }
}
