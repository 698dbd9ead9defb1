import { createHash } from 'node:crypto';
import type { Clock } from '../../../lib/clock.ts';
import { cancelled, messageOf, Problem, type ProblemKind } from '../../../lib/errors.ts';
import { registryOrigin } from '../../../lib/registry-origin.ts';
import type { RegistryAccess } from '../registry.ts';
import { MANIFEST_TYPES } from '../repository.ts';
import type { Blob } from './manifest.ts';

export interface Manifest {
  digest: string;
  mediaType: string;
  /** Its bytes, which decide the digest. */
  body: string;
}

export interface ClientOptions {
  /** Host and password; asked for again when the registry says that the password has expired. */
  access(fresh: boolean): Promise<RegistryAccess>;
  repository: string;
  clock: Clock;
  signal: AbortSignal;
}

const ATTEMPTS = 4;
const TIMEOUT_MS = 30_000;
/** A layer may take its time, but something has to move. */
const IDLE_MS = 60_000;

interface Ask {
  method: string;
  /** From /v2/NAME on, or a whole URL that the registry gave. */
  path: string;
  headers?: Record<string, string>;
  body?: string | ReadableStream<Uint8Array>;
  /** Permission by IAM's name, for errors. */
  permission: string;
  /** Statuses that are an answer. */
  good: readonly number[];
  signal?: AbortSignal;
}

/** One repository of a registry, over the OCI distribution API. Every method throws Problem. */
export class RegistryClient {
  readonly #options: ClientOptions;
  #access: Promise<RegistryAccess> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get repository(): string {
    return this.#options.repository;
  }

  async host(): Promise<string> {
    return (await this.#login()).host;
  }

  /** A manifest with its own bytes; undefined when it is not there. @throws Problem when its bytes are not those of its digest */
  async manifest(reference: string): Promise<Manifest | undefined> {
    const response = await this.#ask({
      method: 'GET',
      path: `/manifests/${reference}`,
      headers: { accept: MANIFEST_TYPES.join(', ') },
      permission: 'ecr:BatchGetImage',
      good: [200, 404],
    });
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    const body = await response.text();
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    if (reference.startsWith('sha256:') && reference !== digest) throw this.#corrupt(reference, digest);
    const mediaType = response.headers.get('content-type')?.split(';')[0]?.trim() ?? '';
    return { digest, mediaType, body };
  }

  async hasManifest(digest: string): Promise<boolean> {
    const response = await this.#ask({
      method: 'HEAD',
      path: `/manifests/${digest}`,
      headers: { accept: MANIFEST_TYPES.join(', ') },
      permission: 'ecr:BatchGetImage',
      good: [200, 404],
    });
    return response.status === 200;
  }

  /** Stores a manifest under its digest; again is as good as once. */
  async putManifest({ digest, mediaType, body }: Manifest): Promise<void> {
    const response = await this.#ask({
      method: 'PUT',
      path: `/manifests/${digest}`,
      headers: { 'content-type': mediaType },
      body,
      permission: 'ecr:PutImage',
      good: [201],
    });
    await response.body?.cancel();
  }

  async hasBlob(digest: string): Promise<boolean> {
    const response = await this.#ask({
      method: 'HEAD',
      path: `/blobs/${digest}`,
      permission: 'ecr:BatchCheckLayerAvailability',
      good: [200, 404],
    });
    return response.status === 200;
  }

  /** Asks the registry to take the blob from another of its repositories. @returns whether it did; no byte moves either way */
  async mount(digest: string, from: string): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from });
    const response = await this.#ask({
      method: 'POST',
      path: `/blobs/uploads/?${query}`,
      permission: 'ecr:InitiateLayerUpload',
      good: [201, 202],
    });
    await response.body?.cancel();
    return response.status === 201;
  }

  /**
   * Copies one blob from another registry as a stream; nothing of it is kept here. A copy that breaks begins anew.
   * @throws Problem kind `service` when the bytes are not those of the digest
   */
  async copyBlob(blob: Blob, source: RegistryClient): Promise<void> {
    const { clock, signal } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#copyOnce(blob, source);
      } catch (error) {
        if (signal.aborted) throw cancelled(`copying ${blob.digest}`);
        if (!(error instanceof Problem) || error.kind !== 'network' || attempt === ATTEMPTS) throw error;
        await clock.sleep(backOff(attempt), signal);
      }
    }
  }

  async #copyOnce(blob: Blob, source: RegistryClient): Promise<void> {
    const idle = new IdleLimit(this.#options.signal);
    try {
      const bytes = await source.#download(blob.digest, idle.signal);
      const location = await this.#startUpload();
      const checked = bytes.pipeThrough(
        checking(
          blob,
          (seen) => this.#corrupt(blob.digest, seen),
          () => idle.moved(),
        ),
      );
      const sent = await this.#ask({
        method: 'PATCH',
        path: location,
        headers: { 'content-type': 'application/octet-stream' },
        body: checked,
        permission: 'ecr:UploadLayerPart',
        good: [202],
        signal: idle.signal,
      });
      await sent.body?.cancel();
      const end = new URL(sent.headers.get('location') ?? location, await this.#origin());
      end.searchParams.set('digest', blob.digest);
      const done = await this.#ask({
        method: 'PUT',
        path: end.href,
        permission: 'ecr:CompleteLayerUpload',
        good: [201],
      });
      await done.body?.cancel();
    } finally {
      idle.end();
    }
  }

  async #download(digest: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    // ECR sends the reader on to S3; fetch leaves the password behind when it follows.
    const response = await this.#ask({
      method: 'GET',
      path: `/blobs/${digest}`,
      permission: 'ecr:GetDownloadUrlForLayer',
      good: [200],
      signal,
    });
    if (response.body) return response.body;
    throw this.#refused('GET', `/blobs/${digest}`, 'it answered without a body', 'network');
  }

  async #startUpload(): Promise<string> {
    const response = await this.#ask({
      method: 'POST',
      path: '/blobs/uploads/',
      permission: 'ecr:InitiateLayerUpload',
      good: [202],
    });
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (location) return new URL(location, await this.#origin()).href;
    throw this.#refused('POST', '/blobs/uploads/', 'it did not say where to upload to', 'service');
  }

  #login(fresh = false): Promise<RegistryAccess> {
    if (fresh || this.#access === undefined) this.#access = this.#options.access(fresh);
    return this.#access;
  }

  async #origin(): Promise<string> {
    const { host } = await this.#login();
    return registryOrigin(host);
  }

  /** One request with its retries. A body that is a stream is sent once: whoever made it begins anew. */
  async #ask(ask: Ask): Promise<Response> {
    const { clock, signal } = this.#options;
    const once = ask.body instanceof ReadableStream;
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const last = once || attempt === ATTEMPTS;
      const answer = await this.#send(ask).catch((error: unknown) => {
        if (signal.aborted) throw cancelled(`${ask.method} ${this.repository}`);
        if (error instanceof Problem || last) throw this.#unreachable(ask, error);
        return undefined;
      });
      if (answer && ask.good.includes(answer.status)) return answer;
      const text = answer ? await answer.text().catch(() => '') : '';
      if (answer && !renewed && isExpired(answer.status, text) && !once) {
        renewed = true;
        await this.#login(true);
        continue;
      }
      if (answer && (last || !passes(answer.status))) throw this.#explain(ask, answer.status, text);
      await clock.sleep(backOff(attempt), signal);
    }
  }

  async #send({ method, path, headers, body, signal }: Ask): Promise<Response> {
    const { user, password } = await this.#login();
    const origin = await this.#origin();
    const url = path.startsWith('/') ? `${origin}/v2/${this.repository}${path}` : path;
    const ours = new URL(url).origin === new URL(origin).origin;
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    return fetch(url, {
      method,
      headers: { ...headers, ...(ours && { authorization }) },
      ...(body !== undefined && { body, ...(body instanceof ReadableStream && { duplex: 'half' as const }) }),
      signal: signal ?? AbortSignal.any([this.#options.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
  }

  #explain({ method, path, permission }: Ask, status: number, text: string): Problem {
    const said = errorText(text);
    const cause = `it answered ${status}${said ? `: ${said}` : ''}`;
    if (isExpired(status, text)) return this.#refused(method, path, cause, 'credentials');
    if (status === 401 || status === 403) return this.#refused(method, path, cause, 'denied', permission);
    if (status === 404) return this.#refused(method, path, cause, 'not-found');
    if (status === 429) return this.#refused(method, path, cause, 'throttled');
    return this.#refused(method, path, cause, status >= 500 ? 'network' : 'service');
  }

  #unreachable({ method, path }: Ask, error: unknown): Problem {
    if (error instanceof Problem) return error;
    const inner = error instanceof Error && error.cause instanceof Problem ? error.cause : undefined;
    return inner ?? this.#refused(method, path, messageOf((error as Error).cause ?? error), 'network');
  }

  #refused(method: string, path: string, cause: string, kind: ProblemKind, permission = ''): Problem {
    // The query of an upload's URL is the registry's own secret.
    const shown = path.startsWith('/') ? path.split('?')[0] : '/blobs/uploads';
    const fixes: Partial<Record<ProblemKind, string>> = {
      credentials: 'Run it again with fresh credentials',
      denied: `Allow ${permission} on repository ${this.repository} in the role’s policy, and in the repository’s own policy where it belongs to another account`,
      'not-found': 'Check the name, the region and the account of the repository',
      throttled: 'Run it again later: what was copied stays',
      network: 'Run it again: what was copied stays',
    };
    return new Problem({
      what: `registry, ${method} ${this.repository}${shown}`,
      cause,
      fix: fixes[kind] ?? 'Correct what the message names',
      kind,
    });
  }

  #corrupt(wanted: string, seen: string): Problem {
    return new Problem({
      what: `${this.repository}@${wanted}`,
      seen,
      cause: 'the bytes that came are not those of the digest',
      fix: 'Do not deploy this image: something between the registry and the runner changes what it serves',
      kind: 'service',
    });
  }
}

/** Lets the bytes through and fails at their end when they are others than the digest's. */
function checking(
  { digest, size }: Blob,
  corrupt: (seen: string) => Problem,
  onBytes: () => void,
): TransformStream<Uint8Array, Uint8Array> {
  const hash = createHash('sha256');
  let count = 0;
  return new TransformStream({
    transform(chunk, controller) {
      count += chunk.length;
      hash.update(chunk);
      onBytes();
      controller.enqueue(chunk);
    },
    flush(controller) {
      const seen = `sha256:${hash.digest('hex')}`;
      if (seen !== digest || count !== size) controller.error(corrupt(`${seen} (${count} bytes)`));
    },
  });
}

/** Aborts when nothing has moved for a while, or with the run. */
class IdleLimit {
  readonly signal: AbortSignal;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout;

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.#stop.signal]);
    this.#timer = this.#start();
  }

  moved(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => this.#stop.abort(new Error(`nothing moved for ${IDLE_MS / 1000} s`)), IDLE_MS);
  }
}

/** Statuses that may be another one next time. */
function passes(status: number): boolean {
  return status === 429 || status >= 500;
}

function isExpired(status: number, text: string): boolean {
  return status === 401 || (status === 403 && /authorization token has expired/i.test(text));
}

/** The message in a registry's error document. Source: OCI distribution specification, "Error codes". */
function errorText(text: string): string {
  try {
    const { errors } = JSON.parse(text) as { errors?: { message?: string; code?: string }[] };
    return (errors ?? []).map((e) => e.message ?? e.code ?? '').join('; ');
  } catch {
    return text.trim().slice(0, 300);
  }
}

/** 0.5 s, 1 s, 2 s, give or take half. */
function backOff(attempt: number): number {
  return 500 * 2 ** (attempt - 1) * (0.5 + Math.random());
}
