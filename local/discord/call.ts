import type { HttpReply, HttpRequest } from '../http/server.ts';
import { DiscordFault } from './errors.ts';
import type { Application, DiscordState, Message } from './state.ts';

/** What a handler works on. */
export interface DiscordCall {
  request: HttpRequest;
  params: Record<string, string>;
  /** Of the API in the path; 6 when it names none. */
  version: number;
  state: DiscordState;
  baseUrl: string;
  /** Tells the page that a message was posted, edited or deleted. */
  changed(action: 'posted' | 'edited' | 'deleted', message: Message): void;
}

export interface DiscordRoute {
  /** The bucket a request counts in, or undefined for routes without one. */
  bucket?(params: Record<string, string>): string;
  handle(call: DiscordCall): Promise<HttpReply> | HttpReply;
}

export type DiscordRoutes = Record<string, DiscordRoute>;

/** @throws DiscordFault 401 unless the request carries the token of a bot */
export function botOf(call: Pick<DiscordCall, 'request' | 'state'>): Application {
  const [, token] = /^Bot (\S+)$/.exec(call.request.headers.authorization ?? '') ?? [];
  const found = [...call.state.applications.values()].find((one) => one.token === token);
  if (!found) throw new DiscordFault(401, 0, '401: Unauthorized');
  return found;
}

/** A boolean of the query as Discord reads it. Source: reference.mdx, Boolean Query Strings. */
export function asked(call: DiscordCall, name: string): boolean {
  return ['true', 'True', '1'].includes(call.request.query.get(name) ?? '');
}
