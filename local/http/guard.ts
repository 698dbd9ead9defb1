import type { HttpRequest } from './server.ts';

const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/**
 * Whether a request that changes something comes from this machine's own pages or tools: its Host is loopback (a page elsewhere
 * whose name was pointed here would send its own), and its Origin, if it has one, is too.
 */
export function fromThisMachine(request: Pick<HttpRequest, 'headers'>): boolean {
  const { host = '', origin } = request.headers;
  if (!LOOPBACK.test(host)) return false;
  return origin === undefined || LOOPBACK.test(origin.replace(/^https?:\/\//, ''));
}
