import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { messageOf } from '../../lib/errors.ts';
import type { Answer, Failure } from './expect.ts';

/** One probe: an answer, or why there is none. */
export type Probe = (url: string, timeoutMs: number, signal: AbortSignal) => Promise<Answer | Failure>;

export function isFailure(result: Answer | Failure): result is Failure {
  return 'reason' in result;
}

/** Bytes of a body that are read; a health answer is small, and an endless one must not fill memory. */
const BODY_LIMIT = 256 * 1024;

/**
 * GET over a connection of its own each time, as a new client would come: a kept connection could stay with an old instance.
 * Why not fetch: its connections are kept in a pool that only undici's own package can turn off, 0.4 MB in the bundle.
 */
export const httpProbe: Probe = async (url, timeoutMs, signal) => {
  const started = performance.now();
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await get(url, AbortSignal.any([signal, deadline]));
    const body = await readBounded(response);
    const headers = Object.fromEntries(Object.entries(response.headers).map(([k, value]) => [k, String(value)]));
    return { status: response.statusCode ?? 0, headers, body, ms: performance.now() - started };
  } catch (error) {
    return deadline.aborted && !signal.aborted ? tooSlow(timeoutMs) : classify(error);
  }
};

function get(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  const headers = { 'user-agent': 'slipway-verify-health', accept: '*/*', 'cache-control': 'no-cache' };
  return new Promise((resolve, reject) => {
    request(url, { agent: false, signal, headers }, resolve).on('error', reject).end();
  });
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= BODY_LIMIT) break;
  }
  return Buffer.concat(chunks).subarray(0, BODY_LIMIT).toString('utf8');
}

function tooSlow(timeoutMs: number): Failure {
  return { reason: 'timeout', cause: `no whole answer within ${timeoutMs / 1000} s`, final: false };
}

const TLS = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|SSL|EPROTO|DEPTH_ZERO/;

/** Sorts a failed request into the taxonomy. */
export function classify(error: unknown): Failure {
  const code = codeOf(error);
  const cause = messageOf(error);
  if (code === 'ENOTFOUND') return { reason: 'dns', cause: `the name cannot be resolved (${cause})`, final: true };
  if (code === 'EAI_AGAIN') return { reason: 'dns', cause: `the name look-up failed (${cause})`, final: false };
  if (code === 'ETIMEDOUT') return { reason: 'timeout', cause, final: false };
  if (TLS.test(code)) return { reason: 'tls', cause: `the TLS connection is not trustworthy (${cause})`, final: true };
  if (code === 'ECONNREFUSED')
    return { reason: 'refused', cause: 'nothing listens there (connection refused)', final: false };
  return { reason: 'refused', cause: `the connection broke (${cause || code})`, final: false };
}

function codeOf(error: unknown): string {
  const e = error as { code?: string; cause?: unknown; errors?: unknown[] };
  if (e.code) return e.code;
  if (e.errors?.[0]) return codeOf(e.errors[0]);
  return e.cause ? codeOf(e.cause) : '';
}
