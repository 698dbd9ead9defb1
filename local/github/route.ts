import type { HttpReply, HttpRequest } from '../http/server.ts';
import { GithubFault, notFound } from './errors.ts';
import type { Dispatch, GithubState, Repository } from './state.ts';
import type { Needs } from './tokens.ts';

/** What a handler works on. */
export interface Call {
  request: HttpRequest;
  params: Record<string, string>;
  /** The JSON body, `{}` when there is none. */
  body: Record<string, unknown>;
  repository: Repository;
  state: GithubState;
  actor: string;
  baseUrl: string;
  /** Tells the page and whoever listens that something changed. */
  changed(kind: string, detail: Record<string, unknown>): void;
  dispatched(dispatch: Dispatch): void;
}

export interface GithubRoute {
  needs: Needs;
  handle(call: Call): Promise<HttpReply> | HttpReply;
}

export type RouteTable = Record<string, GithubRoute>;

export const ok = (body: unknown, headers?: Record<string, string>): HttpReply => ({
  status: 200,
  body,
  ...(headers ? { headers } : {}),
});
export const created = (body: Record<string, unknown>): HttpReply => ({
  status: 201,
  body,
  ...(typeof body.url === 'string' ? { headers: { location: body.url } } : {}),
});
export const noContent = (): HttpReply => ({ status: 204 });

/** The numeric path parameter, or 404 as GitHub answers for an id that is no number. */
export function idOf(call: Call, name: string): number {
  const value = Number(call.params[name]);
  if (!Number.isSafeInteger(value) || value <= 0) throw notFound();
  return value;
}

/** An optional string of the body. @throws GithubFault 422 when it is something else. */
export function text(call: Call, name: string): string | undefined {
  const value = call.body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongType(call, name, 'a string');
  return value;
}

/** An optional boolean of the body. @throws GithubFault 422 when it is something else. */
export function flag(call: Call, name: string): boolean | undefined {
  const value = call.body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw wrongType(call, name, 'a boolean');
  return value;
}

function wrongType(call: Call, name: string, expected: string): GithubFault {
  const seen = JSON.stringify(call.body[name]);
  return new GithubFault(422, `Invalid request.\n\nFor 'properties/${name}', ${seen} is not ${expected}.`);
}

/** One page of a list with GitHub's Link header; per_page is 30 unless asked, 100 at most. */
export function page<T>(call: Call, items: readonly T[], render: (item: T) => unknown): HttpReply {
  const { url, query } = call.request;
  const size = Math.min(positive(query.get('per_page')) ?? 30, 100);
  const current = positive(query.get('page')) ?? 1;
  const last = Math.max(1, Math.ceil(items.length / size));
  const links: string[] = [];
  const link = (to: number, rel: string): void => {
    const target = new URL(`${call.baseUrl}${url.pathname}${url.search}`);
    target.searchParams.set('page', String(to));
    links.push(`<${target.href}>; rel="${rel}"`);
  };
  if (current > 1) link(current - 1, 'prev');
  if (current < last) {
    link(current + 1, 'next');
    link(last, 'last');
  }
  if (current > 1) link(1, 'first');
  const slice = items.slice((current - 1) * size, current * size);
  return ok(slice.map(render), links.length > 0 ? { link: links.join(', ') } : undefined);
}

function positive(value: string | null): number | undefined {
  const number = Number(value);
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}
