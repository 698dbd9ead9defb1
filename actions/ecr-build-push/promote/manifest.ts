/** What one manifest is made of. Source: OCI image specification, manifest and index; Docker's schema 2 has the same members. */
export interface Parts {
  /** Manifests of an index. */
  children: string[];
  /** Config and layers that the registry holds, each once. */
  blobs: Blob[];
}

export interface Blob {
  digest: string;
  size: number;
}

interface Descriptor extends Blob {
  mediaType?: string;
}

interface Manifest {
  config?: Descriptor;
  layers?: Descriptor[];
  manifests?: Descriptor[];
}

/** @throws SyntaxError for what is no JSON */
export function partsOf(manifest: string): Parts {
  const { config, layers = [], manifests = [] } = JSON.parse(manifest) as Manifest;
  const blobs = [...(config ? [config] : []), ...layers].filter(({ mediaType }) => !isForeign(mediaType));
  return {
    children: manifests.map(({ digest }) => digest),
    blobs: [...new Map(blobs.map(({ digest, size }) => [digest, { digest, size }])).values()],
  };
}

/** Layers that may not be distributed are not in the registry: whoever needs them has their URL. */
function isForeign(mediaType = ''): boolean {
  return /foreign|nondistributable/.test(mediaType);
}
