import { cancelled, messageOf, Problem } from '../../lib/errors.ts';
import { isLoopback, registryOrigin } from '../../lib/registry-origin.ts';
import { type Reference, referenceOf } from './base-images.ts';
import { MANIFEST_TYPES } from './repository.ts';

/** What a reference stands for now. */
export interface BaseDigest {
  /** sha256:…; of an image that only the engine has, its id there. */
  digest: string;
  from: 'registry' | 'engine';
}

export interface Login {
  user: string;
  password: string;
}

export interface BaseDigestPorts {
  /** The login for a registry's host; undefined asks as nobody. */
  login(host: string): Promise<Login | undefined>;
  /** Id of an image of the container engine; undefined when it has none of this name. */
  local(reference: string): Promise<string | undefined>;
  warn(message: string): void;
  signal: AbortSignal;
}

const TIMEOUT_MS = 10_000;
const ATTEMPTS = 3;
const PAUSE_MS = 500;

/**
 * The digest that each image stands for now, asked of its registry without pulling anything.
 *
 * Where the registry does not tell, the builder would take an image of this name that the engine has, so the fingerprint
 * takes that one's id. Without one it is an error: to reuse an image would be a guess about its base, and to build would
 * make an image that no later run could recognise, so that every run would build again.
 * @throws Problem that names the image and says what its registry answered.
 */
export async function baseDigests(
  references: readonly string[],
  ports: BaseDigestPorts,
): Promise<Record<string, BaseDigest>> {
  const found = references.map(async (text): Promise<[string, BaseDigest]> => [text, await baseDigest(text, ports)]);
  return Object.fromEntries(await Promise.all(found));
}

async function baseDigest(text: string, ports: BaseDigestPorts): Promise<BaseDigest> {
  const reference = referenceOf(text);
  if (reference.digest !== '') return { digest: reference.digest, from: 'registry' };
  const answer = await ask(reference, ports);
  if ('digest' in answer) return { digest: answer.digest, from: 'registry' };
  const local = await ports.local(text);
  if (local === undefined) throw unresolved(text, answer.why);
  ports.warn(
    `Base image ${text}: its registry does not tell what it stands for (${answer.why}); the engine's own image of this name is taken, as the builder does`,
  );
  return { digest: local, from: 'engine' };
}

type Answer = { digest: string } | { why: string };

async function ask(reference: Reference, ports: BaseDigestPorts): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await askOnce(reference, ports);
      if (!('again' in answer) || attempt === ATTEMPTS) return answer;
    } catch (error) {
      if (ports.signal.aborted) throw cancelled(`base image ${reference.name}`);
      if (error instanceof Problem) throw error;
      const cause = (error as Error).cause ?? error;
      // A name that does not exist stays so.
      if (attempt === ATTEMPTS || (cause as NodeJS.ErrnoException).code === 'ENOTFOUND')
        return { why: messageOf(cause) };
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
  }
}

async function askOnce(reference: Reference, ports: BaseDigestPorts): Promise<Answer | { why: string; again: true }> {
  const { host, name, tag } = reference;
  const url = `${originOf(host)}/v2/${name}/manifests/${tag}`;
  const login = await ports.login(host);
  const basic = login && `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
  let response = await request(url, 'HEAD', undefined, ports.signal);
  if (response.status === 401) {
    const authorization = await authorize(response.headers.get('www-authenticate') ?? '', basic, reference, ports);
    if (authorization === undefined) return { why: 'it asks for a login' };
    response = await request(url, 'HEAD', authorization, ports.signal);
  }
  if (!response.ok) {
    const why = `it answered ${response.status}`;
    return response.status >= 500 ? { why, again: true } : { why };
  }
  const digest = response.headers.get('docker-content-digest') ?? '';
  return /^sha256:[0-9a-f]{64}$/.test(digest) ? { digest } : { why: 'it gave no digest' };
}

/**
 * What a registry asks for: the login itself, or a token that its token service gives for it, or to anybody.
 * Source: CNCF Distribution, "Token Authentication Specification".
 */
async function authorize(
  challenge: string,
  basic: string | undefined,
  { host, name }: Reference,
  { signal }: BaseDigestPorts,
): Promise<string | undefined> {
  if (/^basic\b/i.test(challenge)) return basic;
  const parameters = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v ?? '']));
  if (!/^bearer\b/i.test(challenge) || !parameters.realm) return undefined;
  const realm = new URL(parameters.realm);
  // A password goes only where nobody can read it on the way.
  if (realm.protocol !== 'https:' && !isLoopback(realm.host)) return undefined;
  if (parameters.service) realm.searchParams.set('service', parameters.service);
  realm.searchParams.set('scope', parameters.scope || `repository:${name}:pull`);
  const response = await request(realm.href, 'GET', basic, signal);
  if (!response.ok) {
    if (response.status >= 500) throw new Error(`the token service of ${host} answered ${response.status}`);
    return undefined;
  }
  const { token, access_token: accessToken } = (await response.json()) as { token?: string; access_token?: string };
  const given = token ?? accessToken;
  return given === undefined ? undefined : `Bearer ${given}`;
}

async function request(
  url: string,
  method: 'HEAD' | 'GET',
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<Response> {
  return fetch(url, {
    method,
    headers: { accept: MANIFEST_TYPES.join(', '), ...(authorization !== undefined && { authorization }) },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
}

// Docker Hub's API is at a host of its own (CNCF Distribution, "registry-1").
function originOf(host: string): string {
  return registryOrigin(host === 'docker.io' ? 'registry-1.docker.io' : host);
}

function unresolved(reference: string, why: string): Problem {
  return new Problem({
    what: `base image ${reference}`,
    cause: `its registry does not tell which image it stands for (${why}), so it cannot be known whether this content was built before`,
    fix: 'Check the name in the Dockerfile and that the runner reaches that registry; log in to it before this step (docker/login-action) if it is private or limits you; or write it with its digest (NAME:TAG@sha256:…), which needs no question',
    kind: 'service',
  });
}
