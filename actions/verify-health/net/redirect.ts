import type { Answer } from '../answer.ts';
import { ProbeFailure } from '../failure.ts';
import type { Target } from '../target.ts';

/** A request as it goes out. */
export interface Asked {
  url: URL;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Headers that mean the body that went with them. */
const OF_BODY = /^content-/i;

/**
 * The request that an answer sends on to; undefined where the answer is the end. Nothing that was given as a header goes to another
 * origin: whatever it is called, it may be a credential.
 * @throws ProbeFailure for a redirect that must not be followed
 */
export function redirected(
  asked: Asked,
  answer: Pick<Answer, 'status' | 'headers'>,
  { redirects }: Pick<Target, 'redirects'>,
): Asked | undefined {
  const { location } = answer.headers;
  if (redirects === 'none' || !REDIRECTS.has(answer.status) || location === undefined) return undefined;
  if (!URL.canParse(location, asked.url.href))
    throw new ProbeFailure('status', `it redirects to ${JSON.stringify(location)}, which is no address`);
  const url = new URL(location, asked.url);
  url.hash = '';
  const away = url.origin !== asked.url.origin;
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new ProbeFailure('status', `it redirects to ${url.protocol}, which is not followed`);
  if (asked.url.protocol === 'https:' && url.protocol === 'http:')
    throw new ProbeFailure('status', `it redirects from https to http (${url.host}), which is not followed`);
  if (away && redirects === 'same-origin') return undefined;
  const asGet = answer.status === 303 ? asked.method !== 'HEAD' : answer.status < 303 && asked.method === 'POST';
  if (away && !asGet && asked.body !== undefined)
    throw new ProbeFailure(
      'status',
      `it redirects a request with a body to another origin (${url.host}), which is not followed`,
    );
  const headers = away ? {} : asGet ? without(asked.headers, OF_BODY) : asked.headers;
  return { url, method: asGet ? 'GET' : asked.method, headers, body: asGet ? undefined : asked.body };
}

function without(headers: Asked['headers'], names: RegExp): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.test(name)));
}
