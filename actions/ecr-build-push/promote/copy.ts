import { Problem } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import { type Blob, partsOf } from './manifest.ts';
import type { Manifest, RegistryClient } from './registry-client.ts';

/** A manifest that is about another one, with the tag that finds it where it has no subject. */
export interface Referrer {
  digest: string;
  tag?: string;
}

export interface CopyPorts {
  source: RegistryClient;
  target: RegistryClient;
  /** What is about an image of the source. */
  referrers(digest: string): Promise<Referrer[]>;
  log: Log;
}

/** What moved, and how. */
export interface Copied {
  manifests: number;
  /** Blobs that were at the target already. */
  present: number;
  /** Blobs that the registry took from its other repository. */
  mounted: number;
  /** Blobs that went through the runner. */
  copied: number;
  copiedBytes: number;
  /** Tags that belong to what is about the image, with its digest. */
  tags: { tag: string; manifest: Manifest }[];
}

const PARALLEL = 4;
/** An image with its platforms, attestations and signatures has a dozen manifests; more than this is a loop or no image. */
const MOST_MANIFESTS = 500;

/**
 * Copies an image with everything that it is made of and that is about it. What is at the target already is left alone, so that
 * a copy that was cut short goes on where it was; a manifest comes after all that it names.
 */
export async function copyImage(root: Manifest, ports: CopyPorts): Promise<Copied> {
  const result: Copied = { manifests: 0, present: 0, mounted: 0, copied: 0, copiedBytes: 0, tags: [] };
  await new Copy(ports, result).image(root);
  return result;
}

class Copy {
  readonly #ports: CopyPorts;
  readonly #result: Copied;
  readonly #seen = new Set<string>();
  readonly #blobs = new Set<string>();
  /** Whether both are repositories of one registry; found out once. */
  #mountable: boolean | undefined;

  constructor(ports: CopyPorts, result: Copied) {
    this.#ports = ports;
    this.#result = result;
  }

  async image(manifest: Manifest): Promise<void> {
    if (this.#seen.has(manifest.digest)) return;
    this.#seen.add(manifest.digest);
    if (this.#seen.size > MOST_MANIFESTS) throw tooMany(manifest.digest);
    const { source, target, log } = this.#ports;
    const { children, blobs } = partsOf(manifest.body);
    for (const digest of children) await this.image(await this.#read(digest));
    if (await target.hasManifest(manifest.digest)) {
      // A registry takes a manifest only when all that it names is there.
      this.#result.present += blobs.length;
    } else {
      await this.#copyBlobs(blobs);
      await target.putManifest(manifest);
      this.#result.manifests++;
      log.info(`${source.repository}@${manifest.digest} is in ${target.repository}`);
    }
    for (const { digest, tag } of await this.#ports.referrers(manifest.digest)) {
      const about = await this.#read(digest);
      await this.image(about);
      if (tag !== undefined) this.#result.tags.push({ tag, manifest: about });
    }
  }

  async #read(digest: string): Promise<Manifest> {
    const { source } = this.#ports;
    const manifest = await source.manifest(digest);
    if (manifest) return manifest;
    throw new Problem({
      what: `${source.repository}@${digest}`,
      cause: 'the image names it, and the source does not have it',
      fix: 'Build and push the image again: it is not whole',
      kind: 'not-found',
    });
  }

  async #copyBlobs(blobs: readonly Blob[]): Promise<void> {
    const queue = blobs.filter(({ digest }) => !this.#blobs.has(digest));
    for (const { digest } of queue) this.#blobs.add(digest);
    const worker = async () => {
      for (let blob = queue.shift(); blob !== undefined; blob = queue.shift()) await this.#copyBlob(blob);
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, queue.length) }, worker));
  }

  async #copyBlob(blob: Blob): Promise<void> {
    const { source, target, log } = this.#ports;
    const { digest, size } = blob;
    if (await target.hasBlob(digest)) {
      this.#result.present++;
      return;
    }
    if ((await this.#oneRegistry()) && (await target.mount(digest, source.repository))) {
      this.#result.mounted++;
      return;
    }
    log.info(`Copying ${digest} (${size} bytes)`);
    await target.copyBlob(blob, source);
    this.#result.copied++;
    this.#result.copiedBytes += size;
  }

  async #oneRegistry(): Promise<boolean> {
    const { source, target } = this.#ports;
    this.#mountable ??= (await source.host()) === (await target.host());
    return this.#mountable;
  }
}

function tooMany(digest: string): Problem {
  return new Problem({
    what: `image ${digest}`,
    cause: `more than ${MOST_MANIFESTS} manifests belong to it`,
    fix: 'Set `referrers: false` to leave out what is about it',
    kind: 'service',
  });
}
