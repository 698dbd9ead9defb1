import type { ServiceFacts } from './catalogue.ts';
import type { InvalidInput } from './json.ts';
import { AwsFault, type AwsService, type InputProblem, type ServiceId } from './service.ts';
import type { Refusal } from './signature.ts';

/** How a refused signature reads: [code, message, status] for the JSON protocol, STS and ELB, EC2. */
const SIGNATURE: Readonly<
  Record<Refusal, Readonly<Record<'json' | 'query' | 'ec2', readonly [string, string, number]>>>
> = {
  missing: {
    json: ['MissingAuthenticationTokenException', 'Missing Authentication Token', 400],
    query: ['MissingAuthenticationToken', 'Request is missing Authentication Token', 403],
    ec2: ['MissingAuthenticationToken', 'Request is missing Authentication Token', 403],
  },
  incomplete: {
    json: [
      'IncompleteSignatureException',
      'Authorization header requires Credential, SignedHeaders, Signature and X-Amz-Date.',
      400,
    ],
    query: [
      'IncompleteSignature',
      'Authorization header requires Credential, SignedHeaders, Signature and X-Amz-Date.',
      400,
    ],
    ec2: [
      'IncompleteSignature',
      'Authorization header requires Credential, SignedHeaders, Signature and X-Amz-Date.',
      400,
    ],
  },
  'unknown-key': {
    json: ['UnrecognizedClientException', 'The security token included in the request is invalid.', 400],
    query: ['InvalidClientTokenId', 'The security token included in the request is invalid.', 403],
    ec2: ['AuthFailure', 'AWS was not able to validate the provided access credentials', 401],
  },
  expired: {
    json: ['ExpiredTokenException', 'The security token included in the request is expired', 400],
    query: ['ExpiredToken', 'The security token included in the request is expired', 403],
    ec2: ['RequestExpired', 'Request has expired.', 400],
  },
  'bad-signature': {
    json: ['InvalidSignatureException', signatureText(), 400],
    query: ['SignatureDoesNotMatch', signatureText(), 403],
    ec2: ['AuthFailure', 'AWS was not able to validate the provided access credentials', 401],
  },
  skewed: {
    json: [
      'InvalidSignatureException',
      'Signature expired: the request was signed more than 15 minutes ago, or ahead.',
      400,
    ],
    query: [
      'SignatureDoesNotMatch',
      'Signature expired: the request was signed more than 15 minutes ago, or ahead.',
      403,
    ],
    ec2: ['RequestExpired', 'Request has expired.', 400],
  },
  'wrong-region': {
    json: ['InvalidSignatureException', 'Credential should be scoped to a valid region.', 400],
    query: ['SignatureDoesNotMatch', 'Credential should be scoped to a valid region.', 403],
    ec2: ['AuthFailure', 'Credential should be scoped to a valid region.', 401],
  },
};

function signatureText(): string {
  return 'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
}

/** @param region the one that this endpoint is for, named where the request was signed for another */
export function signatureFault(
  refusal: Refusal,
  facts: ServiceFacts | undefined,
  region: { asked?: string; served: string },
): AwsFault {
  const dialect = facts?.protocol === 'json' ? 'json' : facts?.protocol === 'ec2Query' ? 'ec2' : 'query';
  const [code, message, status] = SIGNATURE[refusal][dialect];
  const text =
    refusal === 'wrong-region'
      ? `${message.slice(0, -1)}, not '${region.asked}' (this endpoint serves '${region.served}').`
      : message;
  return new AwsFault(code, text, { status });
}

/** What the service answers to an operation that does not exist, or that this stand-in does not have. */
export function unknownOperation(service: string, operation: string, facts: ServiceFacts | undefined): AwsFault {
  const message = `The local AWS does not have the operation ${service}:${operation}. It has only what Slipway calls; see local/FIDELITY.md.`;
  if (facts === undefined || facts.protocol === 'json') return new AwsFault('UnknownOperationException', message);
  return new AwsFault('InvalidAction', message);
}

/** The words for a request that breaks the operation's shape, by the service itself where it has a way of its own. */
export function inputFault(service: AwsService, operation: string, facts: ServiceFacts, error: InvalidInput): AwsFault {
  const { problem } = error;
  return service.invalid?.(problem, operation) ?? usualInputFault(facts, problem);
}

const VALIDATION_CODE: Readonly<Record<ServiceId, string>> = {
  ecs: 'InvalidParameterException',
  ecr: 'InvalidParameterException',
  logs: 'InvalidParameterException',
  ssm: 'ValidationException',
  secretsmanager: 'ValidationException',
  sts: 'ValidationError',
  elasticloadbalancing: 'ValidationError',
  iam: 'ValidationError',
  ec2: 'MissingParameter',
  monitoring: 'InvalidParameterValue',
};

function usualInputFault(facts: ServiceFacts, problem: InputProblem): AwsFault {
  const where = problem.path.join('.');
  if (facts.protocol === 'ec2Query') {
    return problem.kind === 'missing'
      ? new AwsFault('MissingParameter', `The request must contain the parameter ${where}`)
      : new AwsFault('InvalidParameterValue', `Value (${problem.actual}) for parameter ${where} is invalid.`);
  }
  if (problem.kind === 'missing') {
    const message = `1 validation error detected: Value null at '${where}' failed to satisfy constraint: Member must not be null`;
    return new AwsFault(VALIDATION_CODE[facts.id], message);
  }
  const code = facts.protocol === 'json' ? 'SerializationException' : 'MalformedInput';
  return new AwsFault(code, `${problem.actual} can not be converted to ${problem.expected} (at '${where}')`);
}

/** Too many requests, as this service says it. Sources: ECS, SSM, ECR common errors; EC2 API throttling guide; STS common errors. */
export function throttled(facts: ServiceFacts): AwsFault {
  if (facts.protocol === 'json') return new AwsFault('ThrottlingException', 'Rate exceeded');
  if (facts.protocol === 'ec2Query')
    return new AwsFault('RequestLimitExceeded', 'Request limit exceeded.', { status: 503 });
  return new AwsFault('Throttling', 'Rate exceeded');
}

/** A failure on the service's side. */
export function serverFault(
  status: number,
  facts: ServiceFacts | undefined,
  code?: string,
  message?: string,
): AwsFault {
  const unavailable = status === 503;
  const usual =
    facts?.protocol === 'json'
      ? unavailable
        ? 'ServiceUnavailableException'
        : 'ServerException'
      : unavailable
        ? 'ServiceUnavailable'
        : 'InternalFailure';
  const text = unavailable
    ? 'Service is unable to handle request.'
    : 'The request processing has failed because of an unknown error, exception or failure.';
  return new AwsFault(code ?? usual, message ?? text, { status });
}
