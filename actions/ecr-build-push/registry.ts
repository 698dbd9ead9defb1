import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelled, messageOf, Problem, type ProblemKind } from '../../lib/errors.ts';
import { registryOrigin } from '../../lib/registry-origin.ts';
import { MANIFEST_TYPES } from './repository.ts';

/** What the registry itself says of an image, by the OCI distribution API. */
export interface ServedImage {
  digest: string;
  mediaType: string;
  manifest: string;
  isIndex: boolean;
}

export interface RegistryAccess {
  host: string;
  user: string;
  password: string;
}

interface Manifest {
  config?: { digest: string };
  manifests?: {
    digest: string;
    platform?: { os?: string; architecture?: string };
    annotations?: Record<string, string>;
  }[];
}

const TIMEOUT_MS = 20_000;
const ATTEMPTS = 3;
const PAUSE_MS = 500;

/** Reads from one repository of a registry; GET requests only. Every method throws Problem. */
export class RegistryReader {
  readonly #base: string;
  readonly #authorization: string;
  readonly #signal: AbortSignal;
  readonly #name: string;

  constructor(access: RegistryAccess, name: string, signal: AbortSignal) {
    this.#base = `${registryOrigin(access.host)}/v2/${name}`;
    this.#authorization = `Basic ${Buffer.from(`${access.user}:${access.password}`).toString('base64')}`;
    this.#signal = signal;
    this.#name = name;
  }

  /** The manifest of a tag or digest, as served. */
  async manifest(reference: string): Promise<ServedImage> {
    const response = await this.#get(`/manifests/${reference}`, MANIFEST_TYPES.join(', '));
    const mediaType = response.headers.get('content-type') ?? '';
    const bytes = Buffer.from(await response.arrayBuffer());
    // The digest is that of the bytes; what the registry says beside is only compared.
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    const told = response.headers.get('docker-content-digest') ?? digest;
    if (told !== digest) throw this.#refused(`/manifests/${reference}`, `it calls ${told} what is ${digest}`);
    return {
      digest,
      mediaType,
      manifest: bytes.toString('utf8'),
      isIndex: /index|manifest\.list/.test(mediaType),
    };
  }

  /** The labels of an image; of the first real platform where it is an index. */
  async labels(manifest: string): Promise<Record<string, string>> {
    const parsed = JSON.parse(manifest) as Manifest;
    if (parsed.config) return this.#configLabels(parsed.config.digest);
    // BuildKit's attestations are listed among the platforms as unknown/unknown.
    const platform = parsed.manifests?.find((m) => m.platform?.architecture !== 'unknown');
    if (!platform) return {};
    const inner = JSON.parse((await this.manifest(platform.digest)).manifest) as Manifest;
    return inner.config ? this.#configLabels(inner.config.digest) : {};
  }

  async #configLabels(digest: string): Promise<Record<string, string>> {
    const response = await this.#get(`/blobs/${digest}`, '*/*');
    const config = (await response.json()) as { config?: { Labels?: Record<string, string> | null } };
    return config.config?.Labels ?? {};
  }

  async #get(path: string, accept: string): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]);
        const response = await fetch(this.#base + path, {
          headers: { accept, authorization: this.#authorization },
          signal,
        });
        if (response.ok) return response;
        await response.body?.cancel();
        if (response.status === 404) throw this.#refused(path, 'it is not there', { kind: 'not-found' });
        const passing = response.status >= 500 || response.status === 429;
        if (!passing || attempt === ATTEMPTS) throw this.#refused(path, `it answered ${response.status}`);
      } catch (error) {
        if (error instanceof Problem) throw error;
        if (this.#signal.aborted) throw cancelled(`registry, ${this.#name}`);
        if (attempt === ATTEMPTS)
          throw this.#refused(path, messageOf((error as Error).cause ?? error), { underlying: error });
      }
      await sleep(PAUSE_MS * attempt, undefined, { signal: this.#signal }).catch(() => undefined);
    }
  }

  #refused(path: string, cause: string, more: { kind?: ProblemKind; underlying?: unknown } = {}): Problem {
    return new Problem({
      what: `registry, ${this.#name}${path}`,
      cause,
      fix: 'Check that the runner reaches the registry and that the role may ecr:BatchGetImage and ecr:GetDownloadUrlForLayer',
      kind: 'service',
      ...more,
    });
  }
}
