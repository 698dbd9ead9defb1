import { withFaults } from '../http/faults.ts';
import { type Match, Routes } from '../http/routes.ts';
import type { HttpReply, HttpRequest } from '../http/server.ts';
import { applicationRoutes } from './applications.ts';
import type { Buckets } from './buckets.ts';
import type { DiscordCall, DiscordRoute } from './call.ts';
import { DiscordFault } from './errors.ts';
import { faultWords } from './fault-words.ts';
import type { Interactions } from './interactions.ts';
import type { DiscordDeps } from './server.ts';
import type { DiscordState, Message } from './state.ts';
import { webhookRoutes } from './webhooks.ts';

export interface ApiParts {
  deps: Pick<DiscordDeps, 'bus' | 'faults' | 'onUnknown'>;
  state: DiscordState;
  buckets: Buckets;
  interactions: Interactions;
  changed: DiscordCall['changed'];
  baseUrl(): string;
}

/** The HTTP side: versions, bans, limits, faults, then the route. Discord's order: an exhausted limit answers before the body is read. */
export function createApi(parts: ApiParts): (request: HttpRequest) => Promise<HttpReply> {
  const { deps, state, buckets, interactions, changed, baseUrl } = parts;
  const routes = new Routes<DiscordRoute>();
  const followUps = new Routes<DiscordRoute>();
  for (const table of [webhookRoutes, applicationRoutes, interactions.routes]) {
    for (const [pattern, route] of Object.entries(table)) routes.add(pattern, route);
  }
  for (const [pattern, route] of Object.entries(interactions.followUps)) followUps.add(pattern, route);

  async function handle(request: HttpRequest): Promise<HttpReply> {
    const attachment = /^\/attachments\/\d+\/(\d+)\//.exec(request.path);
    if (attachment) return attachmentReply(state.messages, attachment[1] ?? '');
    const found = /^\/api(?:\/v(\d+))?(\/.*)$/.exec(request.path);
    const version = Number(found?.[1] ?? 6);
    const reply = await serve(request, found?.[2] ?? request.path, version, found !== null);
    const shared = reply.headers?.['x-ratelimit-scope'] === 'shared';
    if ([401, 403, 429].includes(reply.status) && !shared) buckets.invalid(request.remoteAddress);
    return reply;
  }

  async function serve(request: HttpRequest, path: string, version: number, api: boolean): Promise<HttpReply> {
    const banned = buckets.banned(request.remoteAddress);
    if (banned) return banned;
    if (version < 6 || version > 10) return new DiscordFault(400, 50_041, 'Invalid API version').reply(10);
    const match = api ? findRoute(request.method, path) : undefined;
    if (!match) return unknownRoute(request);
    const limited = match.pattern.includes('/callback')
      ? undefined
      : buckets.global(request.headers.authorization ?? request.remoteAddress, version);
    if (limited) return limited;
    const rate = take(match, version);
    if (rate.refused) return { ...rate.refused, headers: { ...rate.headers, ...rate.refused.headers } };
    const call: DiscordCall = { request, params: match.params, version, state, baseUrl: baseUrl(), changed };
    const about = { service: 'discord', operation: match.pattern, input: match.params };
    const carryOut = async (): Promise<HttpReply> => match.target.handle(call);
    const reply = await withFaults(deps.faults, about, faultWords(buckets, version), () =>
      carryOut().catch((error: unknown) => {
        if (error instanceof DiscordFault) return error.reply(version);
        throw error;
      }),
    );
    return { ...reply, headers: { ...rate.headers, ...reply.headers } };
  }

  function findRoute(method: string, path: string): Match<DiscordRoute> | undefined {
    const match = routes.find(method, path);
    const ofInteraction = match?.params.webhook_id !== undefined && state.applications.has(match.params.webhook_id);
    return ofInteraction ? followUps.find(method, path) : match;
  }

  function take({ target, params }: Match<DiscordRoute>, version: number) {
    if (!target.bucket) return { headers: {}, refused: undefined };
    const channelId = state.webhooks.get(params.webhook_id ?? '')?.channelId;
    return { refused: undefined, ...buckets.take(target.bucket(params), channelId, version) };
  }

  function unknownRoute(request: HttpRequest): HttpReply {
    const route = `${request.method} ${request.path.replace(/(\/webhooks\/\d+\/)[^/]+/, '$1…')}`;
    deps.onUnknown?.(route);
    deps.bus?.emit({ kind: 'discord.unknown-route', text: `unknown route ${route}`, data: { route } });
    const headers = { 'x-slipway-unknown-route': encodeURI(route) };
    return { status: 404, headers, body: { message: '404: Not Found', code: 0 } };
  }

  return handle;
}

function attachmentReply(messages: readonly Message[], id: string): HttpReply {
  const found = messages
    .filter((one) => !one.deleted)
    .flatMap((one) => one.attachments)
    .find((one) => one.id === id);
  if (!found) return { status: 404, body: 'This content is no longer available.' };
  // Shown as text or saved, never run: the page links here.
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
  };
  return { status: 200, headers, body: found.content };
}
