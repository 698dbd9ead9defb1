/** An image that a scanner can look at: of one platform. */
export interface Scanned {
  digest: string;
  /** linux/arm64; '' for an image that is no index. */
  platform: string;
}

interface Descriptor {
  digest: string;
  platform?: { os?: string; architecture?: string; variant?: string };
  annotations?: Record<string, string>;
}

/**
 * The images to scan: an index has no findings of its own, its platforms have. What BuildKit attests is listed among them and is
 * no image.
 */
export function scannedImages(digest: string, manifest: string): Scanned[] {
  const { manifests } = JSON.parse(manifest) as { manifests?: Descriptor[] };
  if (manifests === undefined) return [{ digest, platform: '' }];
  return manifests
    .filter((m) => m.annotations?.['vnd.docker.reference.type'] === undefined && m.platform?.os !== 'unknown')
    .map((m) => ({ digest: m.digest, platform: platformOf(m) }));
}

function platformOf({ platform }: Descriptor): string {
  return [platform?.os, platform?.architecture, platform?.variant].filter(Boolean).join('/');
}
