import { createHash, randomBytes } from 'node:crypto';
import type { Registry } from '../../local/registry/registry.ts';

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

/** Writes images into a local registry over its own protocol: indexes, attestations and signatures that no docker here could build. */
export function registryWriter(registry: Registry, repository: string) {
  const { username, password } = registry.pullCredentials();
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const ask = async (method: string, path: string, body: Buffer | undefined, type: string) => {
    const response = await fetch(new URL(path, registry.url), {
      method,
      headers: { authorization, 'content-type': type },
      ...(body && { body: new Uint8Array(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  };

  const blob = async (bytes: Buffer, mediaType: string): Promise<Descriptor> => {
    const digest = digestOf(bytes);
    const started = await ask('POST', `/v2/${repository}/blobs/uploads/`, undefined, 'text/plain');
    const location = new URL(started.headers.get('location') ?? '', registry.url);
    location.searchParams.set('digest', digest);
    await ask('PUT', location.href, bytes, 'application/octet-stream');
    return { mediaType, digest, size: bytes.length };
  };

  const put = async (manifest: { mediaType: string }, tag?: string): Promise<Descriptor> => {
    const bytes = Buffer.from(JSON.stringify(manifest));
    const digest = digestOf(bytes);
    await ask('PUT', `/v2/${repository}/manifests/${tag ?? digest}`, bytes, manifest.mediaType);
    return { mediaType: manifest.mediaType, digest, size: bytes.length };
  };

  return {
    blob,
    put,

    /** An image of one layer of random bytes. */
    async image(
      options: { tag?: string; layer?: Buffer; architecture?: string; labels?: Record<string, string> } = {},
    ) {
      const { layer = randomBytes(1000), architecture = 'amd64', labels = {} } = options;
      const config = {
        architecture,
        os: 'linux',
        config: { Labels: labels },
        rootfs: { type: 'layers', diff_ids: [] },
      };
      const manifest = {
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: await blob(Buffer.from(JSON.stringify(config)), 'application/vnd.oci.image.config.v1+json'),
        layers: [await blob(layer, 'application/vnd.oci.image.layer.v1.tar')],
      };
      return put(manifest, options.tag);
    },

    index: (manifests: object[], tag?: string) =>
      put({ schemaVersion: 2, mediaType: OCI_INDEX, manifests } as { mediaType: string }, tag),

    /** Something about an image: a signature, an SBOM. */
    async about(subject: Descriptor | undefined, content: string, tag?: string) {
      const empty = await blob(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
      const manifest = {
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType: 'application/vnd.test.signature',
        config: empty,
        layers: [await blob(Buffer.from(content), 'text/plain')],
        ...(subject && { subject }),
      };
      return put(manifest, tag);
    },
  };
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
