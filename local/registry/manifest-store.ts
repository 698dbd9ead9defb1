import type { LocalContext } from '../context.ts';
import type { RegistryBackend } from './backend.ts';
import { digestOf, INDEX_TYPES, type Manifest, mediaTypeOf, parseManifest } from './manifest.ts';
import { mayMove, type Repository, type StoredImage } from './repositories.ts';

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

/** Puts manifests to the registry process and keeps the books on them: tags, times, sizes. */
export class ManifestStore {
  readonly #deps: Pick<LocalContext, 'clock' | 'bus' | 'lag'>;
  readonly #backend: RegistryBackend;

  constructor(deps: Pick<LocalContext, 'clock' | 'bus' | 'lag'>, backend: RegistryBackend) {
    this.#deps = deps;
    this.#backend = backend;
  }

  async put(request: PutRequest): Promise<StoredImage | PutRefusal> {
    const { repository, bytes, mediaType } = request;
    let manifest: Manifest;
    try {
      manifest = parseManifest(bytes);
    } catch {
      return { kind: 'invalid', message: 'Invalid image manifest' };
    }
    const type = mediaTypeOf(manifest, mediaType);
    const missing = await this.#missingFrom(repository, manifest);
    if (missing) return missing;
    const options = { headers: { 'content-type': type }, body: bytes };
    const reply = await this.#backend.ask('PUT', pathOf(repository, digestOf(bytes)), options);
    if (reply.status === 201) return this.#enter(request, manifest, type);
    return { kind: 'invalid', message: `Invalid image manifest: ${reply.body.toString('utf8')}` };
  }

  /** Waits for nothing: the check of the tag and its move are one step. */
  #enter({ repository, bytes, tag }: PutRequest, manifest: Manifest, type: string): StoredImage | PutRefusal {
    const { clock, lag, bus } = this.#deps;
    const digest = digestOf(bytes);
    const refusal = tag === undefined ? undefined : refuseTag(repository, tag, digest);
    if (refusal) return refusal;
    const known = repository.images.get(digest);
    if (known !== undefined && (tag === undefined || repository.tags.get(tag) === digest)) {
      return { kind: 'already-exists' };
    }
    const when = { now: clock.now(), lag: lag.of('ecr.images', repository.name) };
    const image = known ?? describe(repository, manifest, { digest, type, ...when });
    repository.images.set(digest, image);
    if (tag !== undefined) repository.tags.set(tag, digest);
    bus.emit({
      kind: 'ecr.push',
      text: `${repository.name}${tag ? `:${tag}` : ''} is ${digest.slice(0, 19)}`,
      data: { repository: repository.name, digest, ...(tag ? { tag } : {}) },
    });
    return image;
  }

  async read(repository: Repository, digest: string): Promise<Buffer | undefined> {
    const image = repository.images.get(digest);
    if (image === undefined) return undefined;
    const headers = { accept: image.mediaType };
    const reply = await this.#backend.ask('GET', pathOf(repository, digest), { headers });
    return reply.status === 200 ? reply.body : undefined;
  }

  async remove(repository: Repository, digest: string): Promise<void> {
    repository.images.delete(digest);
    for (const [tag, of] of repository.tags) if (of === digest) repository.tags.delete(tag);
    await this.#backend.ask('DELETE', pathOf(repository, digest));
  }

  /** Bytes of a layer or config; undefined when the repository does not have it. */
  async blobSize(repository: Repository, digest: string): Promise<number | undefined> {
    const reply = await this.#backend.ask('HEAD', `/v2/${repository.name}/blobs/${digest}`);
    return reply.status === 200 ? Number(reply.headers['content-length'] ?? 0) : undefined;
  }

  async #missingFrom(repository: Repository, manifest: Manifest): Promise<PutRefusal | undefined> {
    const images = (manifest.manifests ?? []).map((m) => m.digest).filter((d) => !repository.images.has(d));
    if (images.length > 0) return { kind: 'missing-images', digests: images };
    const blobs = [manifest.config, ...(manifest.layers ?? [])].flatMap((d) => (d ? [d.digest] : []));
    const found = await Promise.all(blobs.map((digest) => this.blobSize(repository, digest)));
    const layers = blobs.filter((_, i) => found[i] === undefined);
    return layers.length > 0 ? { kind: 'missing-layers', digests: layers } : undefined;
  }
}

function pathOf(repository: Repository, digest: string): string {
  return `/v2/${repository.name}/manifests/${digest}`;
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
    ...(manifest.subject === undefined ? {} : { subject: manifest.subject.digest }),
    sizeInBytes,
    children,
    pushedAt: now,
    visibleAt: now + lag,
  };
}
