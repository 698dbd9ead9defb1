import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from '../http/server.ts';
import { type CredentialStore, hmac, type KnownKey } from './credentials.ts';

export interface Scope {
  accessKeyId: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
}

export type Refusal =
  | 'missing'
  | 'incomplete'
  | 'unknown-key'
  | 'expired'
  | 'bad-signature'
  | 'wrong-region'
  | 'skewed';

/** The parts of a SigV4 Authorization header; undefined when there is none, 'incomplete' when it cannot be read. */
export function readScope(request: HttpRequest): Scope | 'incomplete' | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  const match = /^AWS4-HMAC-SHA256\s+(.*)$/.exec(header);
  const fields = new Map(
    (match?.[1] ?? '').split(/,\s*/).map((f) => f.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const [accessKeyId, date, region, service, end] = (fields.get('Credential') ?? '').split('/');
  const signedHeaders = fields.get('SignedHeaders')?.split(';');
  const signature = fields.get('Signature');
  if (!accessKeyId || !date || !region || !service || end !== 'aws4_request' || !signedHeaders || !signature)
    return 'incomplete';
  return { accessKeyId, date, region, service, signedHeaders, signature };
}

const MAX_SKEW_MS = 15 * 60_000;

/**
 * Who signed, or why the signature is refused. Session expiry is judged by our clock, the signature's own age allows 15 minutes.
 * Source: "Signature Version 4 signing process", AWS General Reference.
 */
export function authenticate(
  request: HttpRequest,
  scope: Scope,
  store: CredentialStore,
  options: {
    now: number;
    regions: readonly string[];
    /** What is signed for the body; its SHA-256 unless told. S3 signs what the header x-amz-content-sha256 says. */
    payload?: string;
  },
): KnownKey | Refusal {
  const key = store.find(scope.accessKeyId);
  if (key === undefined) return 'unknown-key';
  const { credentials } = key;
  const token = request.headers['x-amz-security-token'];
  if ((credentials.sessionToken ?? undefined) !== token) return 'unknown-key';
  if (credentials.expiresAt !== undefined && credentials.expiresAt <= options.now) return 'expired';
  const at = String(request.headers['x-amz-date'] ?? '');
  const signedAt = Date.parse(at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (Number.isNaN(signedAt)) return 'incomplete';
  if (Math.abs(options.now - signedAt) > MAX_SKEW_MS) return 'skewed';
  if (!signatureMatches(request, scope, at, credentials.secretAccessKey, options.payload)) return 'bad-signature';
  return options.regions.includes(scope.region) ? key : 'wrong-region';
}

function signatureMatches(
  request: HttpRequest,
  scope: Scope,
  at: string,
  secret: string,
  payload = sha256(request.body),
): boolean {
  const scopeText = `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', at, scopeText, sha256(canonical(request, scope, payload))].join('\n');
  let key = hmac(`AWS4${secret}`, scope.date);
  for (const part of [scope.region, scope.service, 'aws4_request']) key = hmac(key, part);
  const expected = hmac(key, toSign);
  const given = Buffer.from(scope.signature, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function canonical(request: HttpRequest, scope: Scope, payload: string): string {
  const headers = scope.signedHeaders.map((name) => {
    const value = request.headers[name];
    const text = Array.isArray(value) ? value.join(',') : (value ?? '');
    return `${name}:${text.trim().replace(/ +/g, ' ')}\n`;
  });
  const query = [...request.query]
    .map(([k, v]) => `${encode(k)}=${encode(v)}`)
    .sort()
    .join('&');
  return [request.method, request.path, query, headers.join(''), scope.signedHeaders.join(';'), payload].join('\n');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
