import { AwsFault } from './service.ts';

/**
 * One page of a list, with an opaque token for the next.
 * @param most the page's size where the caller names none, and its limit
 * @throws AwsFault with `code` for a token that this list never gave
 */
export function pageOf<T>(
  items: readonly T[],
  {
    nextToken,
    maxResults,
    most,
    code = 'InvalidParameterException',
  }: { nextToken?: string | undefined; maxResults?: number | undefined; most: number; code?: string },
): { items: T[]; nextToken?: string } {
  const from = nextToken === undefined ? 0 : Number(Buffer.from(nextToken, 'base64url').toString().replace(/^at:/, ''));
  if (!Number.isInteger(from) || from < 0) throw new AwsFault(code, 'Invalid token');
  const to = from + Math.min(maxResults ?? most, most);
  const next = to < items.length ? { nextToken: Buffer.from(`at:${to}`).toString('base64url') } : {};
  return { items: items.slice(from, to), ...next };
}
