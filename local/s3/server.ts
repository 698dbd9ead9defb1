import { createHash, randomBytes } from 'node:crypto';
import { systemClock } from '../../lib/clock.ts';
import type { CredentialStore } from '../aws/credentials.ts';
import { matchesPattern } from '../aws/pattern.ts';
import { authenticate, readScope } from '../aws/signature.ts';
import type { LocalContext } from '../context.ts';
import { withFaults } from '../http/faults.ts';
import { type HttpReply, type HttpRequest, listen } from '../http/server.ts';
import { listing } from './listing.ts';
import { errorReply, S3Fault } from './refusals.ts';

export interface S3Object {
  body: Buffer;
  etag: string;
  contentType: string;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
}

export interface S3Request {
  operation: string;
  key: string;
  status: number;
}

export interface S3 {
  /** For AWS_ENDPOINT_URL_S3; buckets are the first part of the path. */
  url: string;
  /** What a bucket holds, by key. */
  objects(bucket: string): ReadonlyMap<string, S3Object>;
  requests(): readonly S3Request[];
  close(): Promise<void>;
}

export interface S3Deps extends Partial<Pick<LocalContext, 'bus' | 'faults' | 'clock'>> {
  region: string;
  credentials: CredentialStore;
  buckets: readonly string[];
  port?: number;
}

interface Addressed {
  operation: string;
  bucket: string;
  key: string;
}

/** The few calls of S3 that Terraform's state and its lock need, with conditional writes; the rest is refused by name. */
export async function createS3(deps: S3Deps): Promise<S3> {
  const clock = deps.clock ?? systemClock;
  const buckets = new Map(deps.buckets.map((name) => [name, new Map<string, S3Object>()]));
  const requests: S3Request[] = [];

  async function serve(request: HttpRequest): Promise<HttpReply> {
    const requestId = randomBytes(8).toString('hex').toUpperCase();
    const about = addressOf(request);
    const reply = await withFaults(
      deps.faults,
      { service: 's3', operation: about.operation, input: { bucket: about.bucket, key: about.key } },
      WORDS,
      async () => carryOut(request, about),
    ).catch((error: unknown) => {
      if (error instanceof S3Fault) return errorReply(error, request.path, requestId);
      throw error;
    });
    requests.push({ operation: about.operation, key: about.key, status: reply.status });
    deps.bus?.emit({ kind: 's3.request', text: `s3:${about.operation} ${about.key}`, data: { status: reply.status } });
    return { ...reply, headers: { 'x-amz-request-id': requestId, ...reply.headers } };
  }

  function carryOut(request: HttpRequest, { operation, bucket, key }: Addressed): HttpReply {
    checkSignature(request, operation, bucket, key);
    const objects = buckets.get(bucket);
    if (!objects) throw new S3Fault(404, 'NoSuchBucket', 'The specified bucket does not exist');
    switch (operation) {
      case 'ListObjectsV2':
        return listing(bucket, objects, request.query);
      case 'GetObject':
      case 'HeadObject':
        return read(objects, key, operation === 'HeadObject');
      case 'PutObject':
        return put(objects, key, request);
      case 'DeleteObject':
        objects.delete(key);
        return { status: 204 };
      default:
        throw new S3Fault(501, 'NotImplemented', `${operation} is not served by the local S3`);
    }
  }

  function checkSignature(request: HttpRequest, operation: string, bucket: string, key: string): void {
    const scope = readScope(request);
    if (scope === undefined || scope === 'incomplete') throw new S3Fault(403, 'AccessDenied', 'Access Denied');
    const payload = String(request.headers['x-amz-content-sha256'] ?? '');
    const signed = payload === 'UNSIGNED-PAYLOAD' || payload === sha256(request.body, 'hex');
    if (!signed)
      throw new S3Fault(400, 'XAmzContentSHA256Mismatch', 'The provided x-amz-content-sha256 does not match');
    const options = { now: clock.now(), regions: [deps.region], payload };
    const key_ = authenticate(request, scope, deps.credentials, options);
    if (typeof key_ === 'string') throw refusalOf(key_);
    const action = `s3:${ACTIONS[operation] ?? operation}`;
    if (!key_.deny.some((pattern) => matchesPattern(pattern, action))) return;
    const resource = key === '' ? bucket : `${bucket}/${key}`;
    throw new S3Fault(
      403,
      'AccessDenied',
      `User: ${key_.identity.arn} is not authorized to perform: ${action} on resource: "arn:aws:s3:::${resource}" because no identity-based policy allows the ${action} action`,
    );
  }

  function put(objects: Map<string, S3Object>, key: string, request: HttpRequest): HttpReply {
    const { headers, body } = request;
    if (headers['content-encoding']?.includes('aws-chunked'))
      throw new S3Fault(501, 'NotImplemented', 'aws-chunked uploads are not served by the local S3');
    if (headers['if-none-match'] === '*' && objects.has(key)) throw PRECONDITION;
    const match = headers['if-match'];
    if (match !== undefined && objects.get(key)?.etag !== match) throw PRECONDITION;
    checkDigest(headers['content-md5'], 'md5', body);
    checkDigest(headers['x-amz-checksum-sha256'], 'sha256', body);
    const etag = `"${createHash('md5').update(body).digest('hex')}"`;
    const contentType = headers['content-type'] ?? 'binary/octet-stream';
    objects.set(key, { body, etag, contentType, modifiedAt: clock.now() });
    return { status: 200, headers: { etag } };
  }

  const server = await listen({ handle: serve, ...(deps.port === undefined ? {} : { port: deps.port }) });
  return {
    url: server.url,
    objects(bucket) {
      const found = buckets.get(bucket);
      if (!found) throw new Error(`the local S3 has no bucket ${bucket}`);
      return found;
    },
    requests: () => requests,
    close: () => server.close(),
  };
}

const PRECONDITION = new S3Fault(
  412,
  'PreconditionFailed',
  'At least one of the pre-conditions you specified did not hold',
);

/** Actions that are not named like their operation. Source: Service Authorization Reference, Amazon S3. */
const ACTIONS: Readonly<Record<string, string>> = { ListObjectsV2: 'ListBucket', HeadObject: 'GetObject' };

function addressOf({ method, path, query }: HttpRequest): Addressed {
  const [, bucket = '', ...rest] = path.split('/').map(decodeURIComponent);
  const key = rest.join('/');
  const sub = [...query.keys()].find((name) => SUBRESOURCES.has(name));
  const words = sub === undefined ? '' : `?${sub}`;
  if (key === '')
    return {
      bucket,
      key,
      operation:
        method === 'GET' && query.get('list-type') === '2' && words === ''
          ? 'ListObjectsV2'
          : `${method} bucket${words}`,
    };
  const operation = words === '' ? OBJECT_OPERATIONS[method] : undefined;
  return { bucket, key, operation: operation ?? `${method} object${words}` };
}

const OBJECT_OPERATIONS: Readonly<Record<string, string>> = {
  GET: 'GetObject',
  HEAD: 'HeadObject',
  PUT: 'PutObject',
  DELETE: 'DeleteObject',
};
const SUBRESOURCES = new Set([
  'acl',
  'tagging',
  'uploads',
  'uploadId',
  'versioning',
  'versions',
  'location',
  'policy',
  'encryption',
  'versionId',
]);

function read(objects: ReadonlyMap<string, S3Object>, key: string, headOnly: boolean): HttpReply {
  const found = objects.get(key);
  if (!found) throw new S3Fault(404, headOnly ? 'NotFound' : 'NoSuchKey', 'The specified key does not exist.');
  const { etag, contentType, modifiedAt, body } = found;
  const headers = { etag, 'content-type': contentType, 'last-modified': new Date(modifiedAt).toUTCString() };
  return { status: 200, headers, body };
}

function checkDigest(header: string | string[] | undefined, algorithm: 'md5' | 'sha256', body: Buffer): void {
  if (header === undefined || header === sha256(body, 'base64', algorithm)) return;
  throw new S3Fault(400, 'BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
}

function sha256(body: Buffer, encoding: 'hex' | 'base64', algorithm = 'sha256'): string {
  return createHash(algorithm).update(body).digest(encoding);
}

function refusalOf(refusal: string): S3Fault {
  switch (refusal) {
    case 'unknown-key':
      return new S3Fault(
        403,
        'InvalidAccessKeyId',
        'The AWS Access Key Id you provided does not exist in our records.',
      );
    case 'expired':
      return new S3Fault(400, 'ExpiredToken', 'The provided token has expired.');
    case 'skewed':
      return new S3Fault(
        403,
        'RequestTimeTooSkewed',
        'The difference between the request time and the current time is too large.',
      );
    case 'wrong-region':
      return new S3Fault(
        400,
        'AuthorizationHeaderMalformed',
        'The authorization header is malformed; the region is wrong',
      );
    default:
      return new S3Fault(
        403,
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      );
  }
}

const WORDS = {
  throttle: () => errorReply(new S3Fault(503, 'SlowDown', 'Please reduce your request rate.'), '/', ''),
  denied: () => errorReply(new S3Fault(403, 'AccessDenied', 'Access Denied'), '/', ''),
  failure: (status: number, code: string | undefined, message: string | undefined) =>
    errorReply(new S3Fault(status, code ?? 'InternalError', message ?? 'We encountered an internal error.'), '/', ''),
};
