import type { Expectation } from '../../../lib/config/verify.ts';
import { parseDuration } from '../../../lib/inputs.ts';
import { parseJsonPath, valuesAt } from '../../../lib/json-path.ts';
import type { Answer, CertificateFacts } from '../answer.ts';
import type { Failure } from '../failure.ts';
import { shownLocation, shownUrl } from '../secrets.ts';
import { find } from './expression.ts';
import type { Wanted } from './fill-in.ts';
import { excerpt, MISSING, show, wrongBy } from './operators.ts';
import { FINAL_STATUS, statusFits } from './status.ts';

/** How an answer compares with what was expected. */
export interface Judgement {
  failure?: Failure;
  /** What the answer says of itself: the values at the JSON paths asked for, and identities elsewhere. */
  identity: Record<string, unknown>;
  /** Values that have to stay the same from answer to answer, by place. */
  stable: Record<string, unknown>;
}

const DAY_MS = 86_400_000;
/** Characters of a value that are shown whole. */
const MOST_SHOWN = 500;
const MOST_SEARCHED = 65_536;

/** Judges one answer. Pure. @param now milliseconds since the epoch, for the certificate's end */
export function judge(answer: Answer, wanted: Wanted, now: number): Judgement {
  const { expect } = wanted;
  const parsed = expect.json && parseJson(answer.body);
  const { identity, stable } = selfDescription(answer, wanted, parsed?.value);
  const failed = (failure: Failure | undefined) => failure && { failure, identity, stable };
  return (
    failed(statusFailure(answer, expect)) ??
    failed(urlFailure(answer, wanted)) ??
    failed(tlsFailure(answer.certificate, expect, now)) ??
    failed(headersFailure(answer, wanted)) ??
    failed(jsonFailure(answer, wanted, parsed)) ??
    failed(bodyFailure(answer, wanted)) ??
    failed(latencyFailure(answer, expect)) ?? { identity, stable }
  );
}

/** A TCP answer has no status. */
function statusFailure(answer: Answer, { status }: Expectation): Failure | undefined {
  if (answer.status === 0 || statusFits(answer.status, status)) return undefined;
  const wanted = [status ?? '2xx'].flat().join(' or ');
  const moved = answer.headers.location ? ` to ${excerpt(shownLocation(answer.headers.location))}` : '';
  const said = answer.body.trim() === '' ? '' : ` (${excerpt(shownLocation(answer.body))})`;
  return {
    reason: 'status',
    cause: `it answered ${answer.status}${moved}, expected ${wanted}${said}`,
    final: FINAL_STATUS.has(answer.status),
  };
}

function urlFailure(answer: Answer, { expect: { url }, identityPaths }: Wanted): Failure | undefined {
  const wrong = url === undefined ? undefined : wrongBy(answer.url, url);
  if (wrong === undefined) return undefined;
  const said = wrong.replaceAll(answer.url, shownUrl(new URL(answer.url)));
  return identityPaths.includes('url') ? mismatch('url', said, identityPaths) : assertion(`the final address ${said}`);
}

function tlsFailure(certificate: CertificateFacts | undefined, { tls }: Expectation, now: number): Failure | undefined {
  if (!tls) return undefined;
  if (!certificate) return { reason: 'tls', cause: 'there is no certificate: the connection is not TLS', final: true };
  const wanted = tls['valid-for'];
  const left = certificate.validTo - now;
  if (wanted !== undefined && left < ageMs(wanted))
    return tlsFault(
      `the certificate ends in ${daysText(left)} (${new Date(certificate.validTo).toISOString()}), expected ${wanted} or more`,
    );
  const issuer = tls.issuer === undefined ? undefined : wrongBy(certificate.issuer, tls.issuer);
  if (issuer !== undefined) return tlsFault(`the issuer of the certificate ${issuer}`);
  const missing = tls.names?.filter((name) => !certificate.names.some((own) => covers(own, name))) ?? [];
  if (missing.length > 0)
    return tlsFault(`the certificate is not for ${missing.join(', ')}, only for ${certificate.names.join(', ')}`);
  return undefined;
}

function tlsFault(cause: string): Failure {
  return { reason: 'tls', cause, final: true };
}

/** A wildcard stands for one label. Source: RFC 9525, section 6.3. */
function covers(own: string, name: string): boolean {
  const [a, b] = [own.toLowerCase(), name.toLowerCase()];
  return a === b || (a.startsWith('*.') && b.includes('.') && a.slice(1) === b.slice(b.indexOf('.')));
}

function ageMs(age: string): number {
  return age.endsWith('d') ? Number(age.slice(0, -1)) * DAY_MS : (parseDuration(age) ?? 0);
}

function daysText(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  return days >= 2 ? `${days} days` : `${Math.max(0, Math.floor(ms / 3_600_000))} hours`;
}

function headersFailure(answer: Answer, { expect, identityPaths }: Wanted): Failure | undefined {
  for (const [name, wanted] of Object.entries(expect.headers ?? {})) {
    const wrong = wrongBy(answer.headers[name.toLowerCase()] ?? MISSING, wanted);
    if (wrong !== undefined) return mismatch(`headers.${name}`, wrong, identityPaths);
  }
  return undefined;
}

function jsonFailure(
  answer: Answer,
  { expect, identityPaths }: Wanted,
  parsed: { value?: unknown } | undefined,
): Failure | undefined {
  if (!expect.json) return undefined;
  if (!parsed || !('value' in parsed))
    return assertion(`the body is not JSON: ${bodyNote(answer)}${show(answer.body)}`);
  for (const [path, wanted] of Object.entries(expect.json)) {
    const values = valuesAt(parsed.value, parseJsonPath(path) ?? [], MISSING);
    for (const value of values.length === 0 ? [MISSING] : values) {
      const wrong = wrongBy(value, wanted);
      if (wrong !== undefined) return mismatch(`json.${path}`, wrong, identityPaths);
    }
  }
  return undefined;
}

function bodyFailure(answer: Answer, { expect, identityPaths }: Wanted): Failure | undefined {
  const { body } = expect;
  if (body === undefined) return undefined;
  const wrong = wrongBy(answer.body, typeof body === 'string' ? { matches: body } : body);
  return wrong === undefined ? undefined : mismatch('body', `${bodyNote(answer)}${wrong}`, identityPaths);
}

function latencyFailure(answer: Answer, { latency }: Expectation): Failure | undefined {
  const most = latency === undefined ? undefined : parseDuration(latency);
  if (most === undefined || answer.ms <= most) return undefined;
  return assertion(`it took ${answer.ms.toFixed(0)} ms, expected ${latency} or less`);
}

/** Why a body may look strange. */
function bodyNote({ headers, truncated }: Answer): string {
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') return `(${encoding}-encoded, though that was not asked for) `;
  return truncated ? '(only its beginning was read) ' : '';
}

function selfDescription(answer: Answer, { expect, identityPaths, bodyIdentity }: Wanted, json: unknown) {
  const identity: Record<string, unknown> = {};
  const stable: Record<string, unknown> = {};
  const keepsStill = (wanted: unknown) => typeof wanted === 'object' && wanted !== null && 'stable' in wanted;
  for (const [path, wanted] of Object.entries(expect.json ?? {})) {
    const values = json === undefined ? [] : valuesAt(json, parseJsonPath(path) ?? []);
    const value = values.length > 1 ? values : values[0];
    if (value !== undefined) identity[path] = bounded(value);
    if (keepsStill(wanted)) stable[`json.${path}`] = value;
  }
  for (const [name, wanted] of Object.entries(expect.headers ?? {})) {
    const value = answer.headers[name.toLowerCase()];
    if (value !== undefined && (identityPaths.includes(`headers.${name}`) || keepsStill(wanted)))
      identity[name] = bounded(value);
    if (keepsStill(wanted)) stable[`headers.${name}`] = value;
  }
  if (bodyIdentity !== undefined) {
    const found = answer.body.length > MOST_SEARCHED ? undefined : identityIn(answer.body, bodyIdentity);
    if (found !== undefined) identity.body = found;
  }
  return { identity, stable };
}

function mismatch(path: string, wrong: string, identityPaths: readonly string[]): Failure {
  if (!identityPaths.includes(path)) return assertion(`${path} ${wrong}`);
  return { reason: 'version-mismatch', cause: `another version answers: ${path} ${wrong}`, final: false };
}

function assertion(cause: string): Failure {
  return { reason: 'assert', cause, final: false };
}

function parseJson(text: string): { value?: unknown } {
  try {
    // A byte order mark, which some servers put before it, is no part of JSON (RFC 8259, section 8.1).
    return { value: JSON.parse(text.replace(/^\uFEFF/, '')) };
  } catch {
    return {};
  }
}

/** What it says of itself is shown in many places, and may be a whole document. */
function bounded(value: unknown): unknown {
  return (JSON.stringify(value) ?? '').length > MOST_SHOWN ? show(value) : value;
}

/** Only to say which version answers: that it cannot be found in time is no fault. */
function identityIn(body: string, source: string): string | undefined {
  try {
    return find(source, body)?.[1];
  } catch {
    return undefined;
  }
}
