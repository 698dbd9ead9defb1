import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../../lib/errors.ts';
import { matchesPattern } from '../aws/pattern.ts';
import type { LocalContext } from '../context.ts';
import type { RegistryBackend } from './backend.ts';
import { digestOf } from './manifest.ts';
import type { PutRefusal, PutRequest } from './manifest-store.ts';
import type { Grant } from './registry.ts';
import { mayMove, type Repositories, type Repository, resolveReference, type StoredImage } from './repositories.ts';

export interface FrontDeps extends Pick<LocalContext, 'account' | 'region' | 'clock' | 'bus' | 'faults'> {
  backend: RegistryBackend;
  repositories: Repositories;
  grantOf(password: string): Grant | undefined;
  put(request: PutRequest): Promise<StoredImage | PutRefusal>;
  /** What a presigned URL of this path carries. */
  signatureOf(path: string): string;
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
function actionOf(method: string, { kind }: Address): string {
  const reads = method === 'GET' || method === 'HEAD';
  if (kind === 'manifests') return reads ? 'ecr:BatchGetImage' : 'ecr:PutImage';
  if (kind === 'blobs') return method === 'HEAD' ? 'ecr:BatchCheckLayerAvailability' : 'ecr:GetDownloadUrlForLayer';
  if (kind === 'tags' || kind === 'referrers') return 'ecr:ListImages';
  return { POST: 'ecr:InitiateLayerUpload', PUT: 'ecr:CompleteLayerUpload' }[method] ?? 'ecr:UploadLayerPart';
}

/** Serves the registry protocol on loopback with ECR's authentication, repositories, tags and refusals. */
export async function createFront(deps: FrontDeps): Promise<{ host: string; url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
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
  permit(deps, grant, method, address);
  const repository = deps.repositories.get(address.repository);
  if (repository === undefined) {
    const message = `The repository with name '${address.repository}' does not exist in the registry with id '${deps.account}'`;
    throw new RegistryError(404, 'NAME_UNKNOWN', message);
  }
  if (address.kind === 'manifests') return manifests(deps, repository, address, incoming, outgoing);
  if (address.kind === 'tags')
    return answer(outgoing, 200, {}, { name: repository.name, tags: [...repository.tags.keys()].sort() });
  if (address.kind === 'referrers') throw new RegistryError(404, 'UNSUPPORTED', 'This registry keeps no referrers');
  if (method === 'DELETE' && address.kind === 'blobs')
    throw new RegistryError(405, 'UNSUPPORTED', 'The operation is unsupported.');
  // Mounting a blob of another repository is off unless the account turned it on; the client then uploads it.
  if (address.kind === 'uploads') for (const key of ['mount', 'from']) url.searchParams.delete(key);
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

function permit(deps: FrontDeps, grant: Grant, method: string, address: Address): void {
  const action = actionOf(method, address);
  if (!grant.key.deny.some((pattern) => matchesPattern(pattern, action))) return;
  const resource = `arn:aws:ecr:${deps.region}:${deps.account}:repository/${address.repository}`;
  const message = `User: ${grant.key.identity.arn} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
  throw new RegistryError(403, 'DENIED', message);
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
  answer(outgoing, 201, { location: `/v2/${repository.name}/manifests/${digest}`, 'docker-content-digest': digest });
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
      pipeline(reply, outgoing).then(resolve, reject);
    });
    onward.on('error', reject);
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
