import type { RepositorySpec } from '../world.ts';

export type Mutability = RepositorySpec['tagMutability'];

export interface StoredImage {
  digest: string;
  mediaType: string;
  /** The config's media type, or the artifact's own. */
  artifactMediaType?: string;
  /** Bytes of its layers as they are stored; of an index, the largest of its images. */
  sizeInBytes: number;
  /** Digests of the images in an index. */
  children: readonly string[];
  /** The image that it is about: of a signature, an SBOM, an attestation. */
  subject?: string;
  pushedAt: number;
  pulledAt?: number;
  /** From when on it is listed: the moment of the push plus a lag. */
  visibleAt: number;
}

export interface Repository {
  name: string;
  createdAt: number;
  mutability: Mutability;
  exclusions: readonly string[];
  resourceTags: Record<string, string>;
  scanOnPush: boolean;
  encryption: RepositorySpec['encryption'];
  kmsKey?: string;
  /** Accounts beside its own that may do everything with it. */
  sharedWith: readonly string[];
  images: Map<string, StoredImage>;
  /** tag → digest */
  tags: Map<string, string>;
  lifecyclePolicy?: string;
}

/** What exists in the registry. Tags live here alone: the registry process behind knows manifests by digest only, so that a check and a move are one step. */
export class Repositories {
  private readonly repositories = new Map<string, Repository>();

  get(name: string): Repository | undefined {
    return this.repositories.get(name);
  }

  all(): Repository[] {
    return [...this.repositories.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  create(spec: RepositorySpec, createdAt: number): Repository {
    const repository: Repository = {
      name: spec.name,
      createdAt,
      mutability: spec.tagMutability,
      exclusions: spec.exclusions,
      resourceTags: { ...spec.tags },
      scanOnPush: spec.scanOnPush,
      encryption: spec.encryption,
      ...(spec.kmsKey === undefined ? {} : { kmsKey: spec.kmsKey }),
      sharedWith: spec.sharedWith,
      images: new Map(),
      tags: new Map(),
    };
    this.repositories.set(spec.name, repository);
    return repository;
  }

  delete(name: string): void {
    this.repositories.delete(name);
  }
}

/** Whether a tag that exists may move to another image. Source: ECR user guide, "Preventing image tags from being overwritten". */
export function mayMove(repository: Repository, tag: string): boolean {
  const excluded = repository.exclusions.some((filter) => matchesFilter(filter, tag));
  switch (repository.mutability) {
    case 'IMMUTABLE':
      return false;
    case 'IMMUTABLE_WITH_EXCLUSION':
      return excluded;
    case 'MUTABLE_WITH_EXCLUSION':
      return !excluded;
    default:
      return true;
  }
}

/** Whether a layer of one repository can stand in another. Source: ECR user guide, "Blob mounting in Amazon ECR". */
export function sameEncryption(a: Repository, b: Repository): boolean {
  return a.encryption === b.encryption && a.kmsKey === b.kmsKey;
}

/** The images that are about this one, by their `subject`. */
export function referrersOf(repository: Repository, digest: string): StoredImage[] {
  return [...repository.images.values()].filter((image) => image.subject === digest);
}

function matchesFilter(filter: string, tag: string): boolean {
  const source = filter.replace(/[.+^${}()|[\]\\?]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${source}$`).test(tag);
}

export function tagsOf(repository: Repository, digest: string): string[] {
  return [...repository.tags].filter(([, d]) => d === digest).map(([tag]) => tag);
}

/** The digest that a reference (tag or digest) stands for; undefined when there is no such image. */
export function resolveReference(repository: Repository, reference: string): string | undefined {
  const digest = reference.startsWith('sha256:') ? reference : repository.tags.get(reference);
  return digest !== undefined && repository.images.has(digest) ? digest : undefined;
}
