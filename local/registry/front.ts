import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../lib/errors.ts';
import { matchesPattern } from '../aws/pattern.ts';
import type { LocalContext } from '../context.ts';
import type { RegistryBackend } from './backend.ts';
import { digestOf, parseManifest } from './manifest.ts';
import type { PutRefusal, PutRequest } from './manifest-store.ts';
import type { Grant, RegistryRecord } from './registry.ts';
import {
  mayMove,
  type Repositories,
  type Repository,
  referrersOf,
  resolveReference,
  type StoredImage,
  sameEncryption,
} from './repositories.ts';

export interface FrontDeps extends Pick<LocalContext, 'account' | 'region' | 'clock' | 'bus' | 'faults'> {
  backend: RegistryBackend;
  repositories: Repositories;
  grantOf(password: string): Grant | undefined;
  put(request: PutRequest): Promise<StoredImage | PutRefusal>;
  /** What a presigned URL of this path carries. */
  signatureOf(path: string): string;
  settings: { readonly blobMounting: boolean };
  record(entry: RegistryRecord): void;
  port?: number;
}

/** An error as the registry protocol has it. Source: OCI distribution specification, "Error codes"; ECR's own words beside. */
class RegistryError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'RegistryError';
    this.status = status;
    this.code = code;
  }
}

/** One request, understood. */
interface Address {
  repository: string;
  kind: 'manifests' | 'blobs' | 'uploads' | 'tags' | 'referrers';
  /** Tag or digest, upload id, or ''. */
  reference: string;
}

const MAX_MANIFEST = 4 * 1024 * 1024;

/** What the registry protocol's requests are called in IAM. Source: ECR user guide, "IAM permissions for pushing/pulling an image". */
export function actionOf(method: string, { kind }: Pick<Address, 'kind'>): string {
  const reads = method === 'GET' || method === 'HEAD';
  if (kind === 'manifests') return reads ? 'ecr:BatchGetImage' : 'ecr:PutImage';
  if (kind === 'blobs') return method === 'HEAD' ? 'ecr:BatchCheckLayerAvailability' : 'ecr:GetDownloadUrlForLayer';
  if (kind === 'referrers') return 'ecr:BatchGetImage';
  if (kind === 'tags') return 'ecr:ListImages';
  return { POST: 'ecr:InitiateLayerUpload', PUT: 'ecr:CompleteLayerUpload' }[method] ?? 'ecr:UploadLayerPart';
}

/** Serves the registry protocol on loopback with ECR's authentication, repositories, tags and refusals. */
export async function createFront(deps: FrontDeps): Promise<{ host: string; url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    keepBooks(deps, incoming, outgoing);
    handle(deps, incoming, outgoing).catch((error: unknown) => refuse(outgoing, error));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(deps.port ?? 0, '127.0.0.1', resolve);
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

async function handle(deps: FrontDeps, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://registry');
  const method = incoming.method ?? 'GET';
  const signature = url.searchParams.get('signature');
  if (method === 'GET' && signature !== null && signature === deps.signatureOf(url.pathname)) {
    return forward(deps.backend, incoming, outgoing, url.pathname);
  }
  const grant = grantOf(deps, incoming);
  if (grant === undefined) {
    outgoing.writeHead(401, {
      'www-authenticate': `Basic realm="http://${incoming.headers.host}/",service="ecr.amazonaws.com"`,
    });
    outgoing.end('Not Authorized\n');
    return;
  }
  if (url.pathname === '/v2/' || url.pathname === '/v2') {
    answer(outgoing, 200, {}, {});
    return;
  }
  const address = addressOf(url.pathname);
  if (address === undefined) throw new RegistryError(404, 'UNSUPPORTED', `The registry has no ${url.pathname}`);
  const cut = await strike(deps, method, address);
  if (cut) {
    incoming.socket.destroy();
    return;
  }
  const repository = deps.repositories.get(address.repository);
  permit(deps, grant, actionOf(method, address), address.repository);
  if (repository === undefined) {
    const message = `The repository with name '${address.repository}' does not exist in the registry with id '${deps.account}'`;
    throw new RegistryError(404, 'NAME_UNKNOWN', message);
  }
  if (address.kind === 'manifests') return manifests(deps, repository, address, incoming, outgoing);
  if (address.kind === 'tags')
    return answer(outgoing, 200, {}, { name: repository.name, tags: [...repository.tags.keys()].sort() });
  if (address.kind === 'referrers') return referrers(deps, repository, address.reference, outgoing);
  if (method === 'DELETE' && address.kind === 'blobs')
    throw new RegistryError(405, 'UNSUPPORTED', 'The operation is unsupported.');
  // What cannot be mounted is uploaded: the registry then answers as if it had not been asked.
  if (address.kind === 'uploads' && !mayMount(deps, grant, repository, url.searchParams.get('from') ?? '')) {
    for (const key of ['mount', 'from']) url.searchParams.delete(key);
  }
  return forward(deps.backend, incoming, outgoing, `${url.pathname}${url.search}`);
}

function grantOf(deps: FrontDeps, incoming: IncomingMessage): Grant | undefined {
  const [scheme, credentials] = (incoming.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'basic' || !credentials) return undefined;
  const [user, password] = Buffer.from(credentials, 'base64').toString('utf8').split(/:(.*)/s);
  const grant = deps.grantOf(password ?? '');
  if (user !== 'AWS' || grant === undefined)
    throw new RegistryError(403, 'DENIED', 'Your Authorization Token is invalid.');
  if (grant.expiresAt <= deps.clock.now()) {
    throw new RegistryError(403, 'DENIED', 'Your authorization token has expired. Reauthenticate and try again.');
  }
  return grant;
}

function addressOf(path: string): Address | undefined {
  const match =
    /^\/v2\/(.+?)\/(?:(manifests|referrers)\/([^/]+)|blobs\/(uploads)(?:\/(.*))?|(blobs)\/([^/]+)|(tags)\/list)$/.exec(
      path,
    );
  if (!match) return undefined;
  const kind = (match[2] ?? match[4] ?? match[6] ?? match[8]) as Address['kind'];
  return { repository: match[1] ?? '', kind, reference: match[3] ?? match[5] ?? match[7] ?? '' };
}

function permit(deps: FrontDeps, grant: Grant, action: string, name: string): void {
  const refusal = refusalFor(deps, grant, action, name);
  if (refusal === undefined) return;
  const resource = `arn:aws:ecr:${deps.region}:${deps.account}:repository/${name}`;
  const message = `User: ${grant.key.identity.arn} is not authorized to perform: ${action} on resource: ${resource} because no ${refusal} policy allows the ${action} action`;
  throw new RegistryError(403, 'DENIED', message);
}

/** The kind of policy that does not allow it: the caller's own, or the repository's where the caller is of another account. */
function refusalFor(deps: FrontDeps, { key }: Grant, action: string, name: string): string | undefined {
  if (key.deny.some((pattern) => matchesPattern(pattern, action))) return 'identity-based';
  const { account } = key.identity;
  if (account === deps.account) return undefined;
  return deps.repositories.get(name)?.sharedWith.includes(account) ? undefined : 'resource-based';
}

/** Source: ECR user guide, "Blob mounting in Amazon ECR": an account setting, one registry, one encryption, and the right to read the source. */
function mayMount(deps: FrontDeps, grant: Grant, target: Repository, from: string): boolean {
  const source = deps.repositories.get(from);
  if (!deps.settings.blobMounting || source === undefined || !sameEncryption(source, target)) return false;
  return refusalFor(deps, grant, 'ecr:GetDownloadUrlForLayer', from) === undefined;
}

/** Writes down a request once it is answered. */
function keepBooks(deps: FrontDeps, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const address = addressOf(new URL(incoming.url ?? '/', 'http://registry').pathname);
  if (address === undefined) return;
  const counted = { received: 0, sent: 0 };
  COUNTS.set(incoming, counted);
  outgoing.on('close', () => {
    deps.record({
      method: incoming.method ?? '',
      kind: address.kind,
      repository: address.repository,
      reference: address.reference,
      status: outgoing.statusCode,
      ...counted,
    });
  });
}

/** Bytes of the bodies that were handed through. */
const COUNTS = new WeakMap<IncomingMessage, { received: number; sent: number }>();

/** Source: OCI distribution specification, "Listing Referrers"; an image that is not there has none. */
async function referrers(
  deps: FrontDeps,
  repository: Repository,
  digest: string,
  outgoing: ServerResponse,
): Promise<void> {
  const manifests = [];
  for (const image of referrersOf(repository, digest)) {
    const reply = await deps.backend.ask('GET', `/v2/${repository.name}/manifests/${image.digest}`, {
      headers: { accept: image.mediaType },
    });
    const { artifactType, annotations } = parseManifest(reply.body);
    manifests.push({
      mediaType: image.mediaType,
      digest: image.digest,
      size: reply.body.length,
      artifactType: artifactType ?? image.artifactMediaType,
      ...(annotations && { annotations }),
    });
  }
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  answer(outgoing, 200, { 'content-type': index.mediaType }, index);
}

/** Faults for service `registry`: operations "GET manifests", "PUT manifests", "POST uploads", …; match on { repository }. @returns whether to cut the connection */
async function strike(deps: FrontDeps, method: string, address: Address): Promise<boolean> {
  for (const effect of deps.faults.strike('registry', `${method} ${address.kind}`, address)) {
    if ('delayMs' in effect) await deps.clock.sleep(effect.delayMs);
    else if ('throttle' in effect) throw new RegistryError(429, 'TOOMANYREQUESTS', 'Rate exceeded');
    else if ('status' in effect) throw new RegistryError(effect.status, 'UNKNOWN', effect.message ?? 'Internal error');
    else if ('denied' in effect) throw new RegistryError(403, 'DENIED', 'User is not authorized');
    else if ('error' in effect) throw new RegistryError(effect.httpStatus ?? 400, effect.error, effect.message);
    else if ('cut' in effect) return true;
  }
  return false;
}

async function manifests(
  deps: FrontDeps,
  repository: Repository,
  address: Address,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { reference } = address;
  if (incoming.method === 'PUT') return putManifest(deps, repository, reference, incoming, outgoing);
  if (incoming.method !== 'GET' && incoming.method !== 'HEAD') {
    throw new RegistryError(405, 'UNSUPPORTED', 'The operation is unsupported.');
  }
  const digest = resolveReference(repository, reference);
  const image = digest === undefined ? undefined : repository.images.get(digest);
  if (digest === undefined || image === undefined) {
    const id = reference.startsWith('sha256:')
      ? `imageDigest:'${reference}', imageTag:'null'`
      : `imageDigest:'null', imageTag:'${reference}'`;
    throw new RegistryError(
      404,
      'MANIFEST_UNKNOWN',
      `The image with imageId {${id}} does not exist within the repository with name '${repository.name}' in the registry with id '${deps.account}'`,
    );
  }
  image.pulledAt = deps.clock.now();
  // Asked for by the very type it was stored with, so that nothing is converted on the way.
  incoming.headers.accept = image.mediaType;
  return forward(deps.backend, incoming, outgoing, `/v2/${repository.name}/manifests/${digest}`);
}

async function putManifest(
  deps: FrontDeps,
  repository: Repository,
  reference: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length;
    if (size > MAX_MANIFEST)
      throw new RegistryError(413, 'MANIFEST_INVALID', 'The image manifest is larger than 4 MiB');
    chunks.push(chunk as Buffer);
  }
  const bytes = Buffer.concat(chunks);
  const byDigest = reference.startsWith('sha256:');
  const result = await deps.put({
    repository,
    bytes,
    mediaType: incoming.headers['content-type'],
    tag: byDigest ? undefined : reference,
  });
  const digest = digestOf(bytes);
  if ('kind' in result) {
    // Pushing what is there already is fine over this protocol, unless the tag cannot move.
    const harmless = result.kind === 'already-exists' && (byDigest || !isFixed(repository, reference));
    if (!harmless) throw refusalOf(result, repository, reference);
  }
  const subject = repository.images.get(digest)?.subject;
  answer(outgoing, 201, {
    location: `/v2/${repository.name}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(subject === undefined ? {} : { 'oci-subject': subject }),
  });
}

function isFixed(repository: Repository, tag: string): boolean {
  return repository.tags.has(tag) && !mayMove(repository, tag);
}

function refusalOf(refusal: PutRefusal, repository: Repository, tag: string): RegistryError {
  switch (refusal.kind) {
    case 'tag-exists':
    case 'already-exists': {
      const message = `The image tag '${tag}' already exists in the '${repository.name}' repository and cannot be overwritten because the tag is immutable.`;
      return new RegistryError(400, 'TAG_INVALID', message);
    }
    case 'missing-layers':
      return new RegistryError(400, 'BLOB_UNKNOWN', `Blobs unknown to the registry: ${refusal.digests.join(', ')}`);
    case 'missing-images':
      return new RegistryError(
        404,
        'MANIFEST_UNKNOWN',
        `Images with digests '${refusal.digests.join(', ')}' required for pushing image into repository with name '${repository.name}' do not exist`,
      );
    default:
      return new RegistryError(400, 'MANIFEST_INVALID', refusal.message);
  }
}

/** Hands the request to the registry process and its answer back, both as streams: layers may be large. */
function forward(
  backend: RegistryBackend,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  path: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { authorization: _secret, connection: _hop, ...headers } = incoming.headers;
    const onward = request({ socketPath: backend.socketPath, method: incoming.method, path, headers }, (reply) => {
      outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
      const counted = COUNTS.get(incoming);
      if (counted) {
        reply.on('data', (chunk: Buffer) => {
          counted.sent += chunk.length;
        });
      }
      pipeline(reply, outgoing).then(resolve, reject);
    });
    onward.on('error', reject);
    const counted = COUNTS.get(incoming);
    if (counted) {
      incoming.on('data', (chunk: Buffer) => {
        counted.received += chunk.length;
      });
    }
    pipeline(incoming, onward).catch(reject);
  });
}

function answer(outgoing: ServerResponse, status: number, headers: Record<string, string>, body?: object): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  outgoing.writeHead(status, {
    'docker-distribution-api-version': 'registry/2.0',
    'content-length': String(Buffer.byteLength(text)),
    ...(body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...headers,
  });
  outgoing.end(text);
}

function refuse(outgoing: ServerResponse, error: unknown): void {
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy();
    return;
  }
  const known =
    error instanceof RegistryError
      ? error
      : new RegistryError(500, 'UNKNOWN', `the local registry failed: ${messageOf(error)}`);
  answer(outgoing, known.status, {}, { errors: [{ code: known.code, message: known.message }] });
}
