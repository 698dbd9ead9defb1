import { createHmac, randomBytes } from 'node:crypto';
import type { KnownKey } from '../aws/credentials.ts';
import type { LocalContext } from '../context.ts';
import type { RepositorySpec } from '../world.ts';
import { type BackendOptions, type RegistryBackend, startRegistryBackend } from './backend.ts';
import { createFront } from './front.ts';
import { ManifestStore, type PutRefusal, type PutRequest } from './manifest-store.ts';
import { Repositories, type Repository, type StoredImage, tagsOf } from './repositories.ts';

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
  /** Oldest first. */
  requests(): readonly RegistryRecord[];
  /** Whether layers can be mounted across repositories; an account setting. */
  settings: { blobMounting: boolean };
  snapshot(): RegistrySnapshot;
  close(): Promise<void>;
}

/** What the registry was asked over its own protocol: the proof of what moved, and what did not. */
export interface RegistryRecord {
  method: string;
  kind: 'manifests' | 'blobs' | 'uploads' | 'tags' | 'referrers';
  repository: string;
  reference: string;
  status: number;
  /** Bytes of the bodies, without headers. */
  received: number;
  sent: number;
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
  blobMounting?: boolean;
  /** Passwords given out: one opens every registry of its region, as far as policies allow. */
  grants?: Map<string, Grant>;
  backend?: BackendOptions;
  /** 0 (the default) takes a free port. */
  port?: number;
}

const KEPT = 5000;
const TOKEN_LIFE_MS = 12 * 3600 * 1000;

/** A registry that behaves as ECR's does, over a real one that keeps the bytes. */
export async function createRegistry(deps: RegistryDeps): Promise<Registry> {
  const backend = await startRegistryBackend(deps.backend);
  const repositories = new Repositories();
  for (const spec of deps.repositories) repositories.create(spec, deps.clock.now());
  const grants = deps.grants ?? new Map<string, Grant>();
  const settings = { blobMounting: deps.blobMounting ?? false };
  const records: RegistryRecord[] = [];
  const authorize = (key: KnownKey) => {
    const password = randomBytes(96).toString('base64url');
    const expiresAt = deps.clock.now() + TOKEN_LIFE_MS;
    grants.set(password, { key, expiresAt });
    return { password, expiresAt };
  };
  const rootPassword = authorize(deps.root).password;
  const secret = randomBytes(32);
  const signatureOf = (path: string) => createHmac('sha256', secret).update(path).digest('hex');
  const manifests = new ManifestStore(deps, backend);
  const front = await createFront({
    ...deps,
    backend,
    repositories,
    grantOf: (p) => grants.get(p),
    put: (request) => manifests.put(request),
    settings,
    record: (entry) => {
      records.push(entry);
      if (records.length > KEPT) records.splice(0, records.length - KEPT);
    },
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
    put: (request) => manifests.put(request),
    manifest: (repository, digest) => manifests.read(repository, digest),
    remove: (repository, digest) => manifests.remove(repository, digest),
    hasBlob: (repository, digest) => manifests.blobSize(repository, digest),
    presign: (repository, digest) => {
      const path = `/v2/${repository.name}/blobs/${digest}`;
      return `${front.url}${path}?signature=${signatureOf(path)}`;
    },
    requests: () => records,
    settings,
    snapshot: () => ({ host: front.host, repositories: repositories.all().map(shown) }),
    async close() {
      await front.close();
      await backend.stop();
    },
  };
}

function shown(repository: Repository): RegistrySnapshot['repositories'][number] {
  const images = [...repository.images.values()].map(({ digest, pushedAt, sizeInBytes }) => ({
    digest,
    pushedAt,
    sizeInBytes,
    tags: tagsOf(repository, digest),
  }));
  return { name: repository.name, images };
}
