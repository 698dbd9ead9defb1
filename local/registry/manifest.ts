import { createHash } from 'node:crypto';

export const INDEX_TYPES: readonly string[] = [
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.index.v1+json',
];

export const MANIFEST_TYPES: readonly string[] = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
];

interface Descriptor {
  mediaType?: string;
  digest: string;
  size: number;
}

/** An image manifest or an index, as far as the registry looks into it. */
export interface Manifest {
  mediaType?: string;
  config?: Descriptor;
  layers?: Descriptor[];
  manifests?: Descriptor[];
  artifactType?: string;
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** @throws SyntaxError when it is no JSON object */
export function parseManifest(bytes: Buffer): Manifest {
  const value: unknown = JSON.parse(bytes.toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new SyntaxError('a manifest must be a JSON object');
  return value as Manifest;
}

/** What a manifest is, by its own word or by what it holds. Source: OCI image specification, "mediaType" of manifest and index. */
export function mediaTypeOf(manifest: Manifest, stated?: string): string {
  if (stated) return stated.split(';')[0]?.trim() ?? stated;
  if (manifest.mediaType) return manifest.mediaType;
  return manifest.manifests ? 'application/vnd.oci.image.index.v1+json' : 'application/vnd.oci.image.manifest.v1+json';
}
