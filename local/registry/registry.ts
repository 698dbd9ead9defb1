import { createHmac, randomBytes } from 'node:crypto';
import type { KnownKey } from '../aws/credentials.ts';
import type { LocalContext } from '../context.ts';
import type { RepositorySpec } from '../world.ts';
import { type BackendOptions, type RegistryBackend, startRegistryBackend } from './backend.ts';
import { createFront } from './front.ts';
import { digestOf, INDEX_TYPES, type Manifest, mediaTypeOf, parseManifest } from './manifest.ts';
import { mayMove, Repositories, type Repository, type StoredImage } from './repositories.ts';

/** Why a manifest was not taken. */
export type PutRefusal =
  | { kind: 'tag-exists'; tag: string }
  | { kind: 'already-exists' }
  | { kind: 'missing-layers'; digests: string[] }
  | { kind: 'missing-images'; digests: string[] }
  | { kind: 'invalid'; message: string };

export interface PutRequest {
  repository: Repository;
  bytes: Buffer;
  mediaType: string | undefined;
  tag: string | undefined;
}

export interface Registry {
  /** 127.0.0.1:PORT, the first part of image names. */
  host: string;
  url: string;
  repositories: Repositories;
  backend: RegistryBackend;
  /** A password for user AWS, good for 12 hours, with the rights of the one who asked. */
  authorize(key: KnownKey): { password: string; expiresAt: number };
  /** For the engine's own pulls. */
  pullCredentials(): { username: string; password: string; serveraddress: string };
  put(request: PutRequest): Promise<StoredImage | PutRefusal>;
  manifest(repository: Repository, digest: string): Promise<Buffer | undefined>;
  remove(repository: Repository, digest: string): Promise<void>;
  hasBlob(repository: Repository, digest: string): Promise<number | undefined>;
  /** A URL that gives one blob to whoever has it. */
  presign(repository: Repository, digest: string): string;
  snapshot(): RegistrySnapshot;
  close(): Promise<void>;
}

export interface RegistrySnapshot {
  host: string;
  repositories: { name: string; images: { digest: string; tags: string[]; pushedAt: number; sizeInBytes: number }[] }[];
}

export interface Grant {
  key: KnownKey;
  expiresAt: number;
}

export interface RegistryDeps extends Pick<LocalContext, 'account' | 'region' | 'clock' | 'bus' | 'faults' | 'lag'> {
  repositories: readonly RepositorySpec[];
  /** In whose name the engine pulls. */
  root: KnownKey;
  backend?: BackendOptions;
  /** 0 (the default) takes a free port. */
  port?: number;
}

const TOKEN_LIFE_MS = 12 * 3600 * 1000;

/** A registry that behaves as ECR's does, over a real one that keeps the bytes. */
export async function createRegistry(deps: RegistryDeps): Promise<Registry> {
  const backend = await startRegistryBackend(deps.backend);
  const repositories = new Repositories();
  for (const spec of deps.repositories) repositories.create(spec, deps.clock.now());
  const grants = new Map<string, Grant>();
  const authorize = (key: KnownKey) => {
    const password = randomBytes(96).toString('base64url');
    const expiresAt = deps.clock.now() + TOKEN_LIFE_MS;
    grants.set(password, { key, expiresAt });
    return { password, expiresAt };
  };
  const rootPassword = authorize(deps.root).password;
  const secret = randomBytes(32);
  const signatureOf = (path: string) => createHmac('sha256', secret).update(path).digest('hex');
  const core = manifestStore(deps, backend);
  const front = await createFront({
    ...deps,
    backend,
    repositories,
    grantOf: (p) => grants.get(p),
    put: core.put,
    signatureOf,
  }).catch(async (error: unknown) => {
    await backend.stop();
    throw error;
  });
  return {
    host: front.host,
    url: front.url,
    repositories,
    backend,
    authorize,
    pullCredentials: () => ({ username: 'AWS', password: rootPassword, serveraddress: front.host }),
    ...core,
    presign: (repository, digest) => {
      const path = `/v2/${repository.name}/blobs/${digest}`;
      return `${front.url}${path}?signature=${signatureOf(path)}`;
    },
    snapshot: () => ({
      host: front.host,
      repositories: repositories.all().map((repository) => ({
        name: repository.name,
        images: [...repository.images.values()].map(({ digest, pushedAt, sizeInBytes }) => ({
          digest,
          pushedAt,
          sizeInBytes,
          tags: [...repository.tags].filter(([, d]) => d === digest).map(([tag]) => tag),
        })),
      })),
    }),
    async close() {
      await front.close();
      await backend.stop();
    },
  };
}

function manifestStore(deps: RegistryDeps, backend: RegistryBackend) {
  const path = (repository: Repository, digest: string) => `/v2/${repository.name}/manifests/${digest}`;

  async function hasBlob(repository: Repository, digest: string): Promise<number | undefined> {
    const reply = await backend.ask('HEAD', `/v2/${repository.name}/blobs/${digest}`);
    return reply.status === 200 ? Number(reply.headers['content-length'] ?? 0) : undefined;
  }

  async function missingFrom(repository: Repository, manifest: Manifest): Promise<PutRefusal | undefined> {
    const images = (manifest.manifests ?? []).map((m) => m.digest).filter((d) => !repository.images.has(d));
    if (images.length > 0) return { kind: 'missing-images', digests: images };
    const blobs = [manifest.config, ...(manifest.layers ?? [])].flatMap((d) => (d ? [d.digest] : []));
    const found = await Promise.all(blobs.map((digest) => hasBlob(repository, digest)));
    const layers = blobs.filter((_, i) => found[i] === undefined);
    return layers.length > 0 ? { kind: 'missing-layers', digests: layers } : undefined;
  }

  return {
    hasBlob,

    async put({ repository, bytes, mediaType, tag }: PutRequest): Promise<StoredImage | PutRefusal> {
      let manifest: Manifest;
      try {
        manifest = parseManifest(bytes);
      } catch {
        return { kind: 'invalid', message: 'Invalid image manifest' };
      }
      const type = mediaTypeOf(manifest, mediaType);
      const digest = digestOf(bytes);
      const missing = await missingFrom(repository, manifest);
      if (missing) return missing;
      const reply = await backend.ask('PUT', path(repository, digest), {
        headers: { 'content-type': type },
        body: bytes,
      });
      if (reply.status !== 201)
        return { kind: 'invalid', message: `Invalid image manifest: ${reply.body.toString('utf8')}` };
      // From here to the end nothing waits: the check and the move of the tag are one step.
      const refusal = tag === undefined ? undefined : refuseTag(repository, tag, digest);
      if (refusal) return refusal;
      const known = repository.images.get(digest);
      if (known !== undefined && (tag === undefined || repository.tags.get(tag) === digest))
        return { kind: 'already-exists' };
      const now = deps.clock.now();
      const image =
        known ?? describe(repository, manifest, { digest, type, now, lag: deps.lag.of('ecr.images', repository.name) });
      repository.images.set(digest, image);
      if (tag !== undefined) repository.tags.set(tag, digest);
      deps.bus.emit({
        kind: 'ecr.push',
        text: `${repository.name}${tag ? `:${tag}` : ''} is ${digest.slice(0, 19)}`,
        data: { repository: repository.name, digest, ...(tag ? { tag } : {}) },
      });
      return image;
    },

    async manifest(repository: Repository, digest: string): Promise<Buffer | undefined> {
      const image = repository.images.get(digest);
      if (image === undefined) return undefined;
      const reply = await backend.ask('GET', path(repository, digest), { headers: { accept: image.mediaType } });
      return reply.status === 200 ? reply.body : undefined;
    },

    async remove(repository: Repository, digest: string): Promise<void> {
      repository.images.delete(digest);
      for (const [tag, of] of repository.tags) if (of === digest) repository.tags.delete(tag);
      await backend.ask('DELETE', path(repository, digest));
    },
  };
}

function refuseTag(repository: Repository, tag: string, digest: string): PutRefusal | undefined {
  const current = repository.tags.get(tag);
  if (current === undefined || mayMove(repository, tag)) return undefined;
  return current === digest ? { kind: 'already-exists' } : { kind: 'tag-exists', tag };
}

function describe(
  repository: Repository,
  manifest: Manifest,
  { digest, type, now, lag }: { digest: string; type: string; now: number; lag: number },
): StoredImage {
  const children = (manifest.manifests ?? []).map((m) => m.digest);
  const sizeInBytes = INDEX_TYPES.includes(type)
    ? Math.max(0, ...children.map((d) => repository.images.get(d)?.sizeInBytes ?? 0))
    : (manifest.layers ?? []).reduce((sum, layer) => sum + layer.size, 0);
  const artifactMediaType = manifest.artifactType ?? manifest.config?.mediaType;
  return {
    digest,
    mediaType: type,
    ...(artifactMediaType === undefined ? {} : { artifactMediaType }),
    sizeInBytes,
    children,
    pushedAt: now,
    visibleAt: now + lag,
  };
}
