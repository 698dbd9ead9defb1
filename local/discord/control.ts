import { messageOf } from '../../lib/errors.ts';
import { fromThisMachine } from '../http/guard.ts';
import type { HttpReply, HttpRequest } from '../http/server.ts';
import type { Interaction, SlashCommand } from './slash.ts';

type Run = (slash: SlashCommand, waitMs?: number) => Promise<Interaction>;

/**
 * POST /_control/interactions: types a slash command as a member of the guild would.
 * Body: { command, options?, subcommand?, user?, channel?, waitMs? }; answers what the bot did.
 * @returns a function that answers such a request and leaves others alone
 */
export function controlRoute(run: Run): (request: HttpRequest) => Promise<HttpReply> | undefined {
  return (request) => {
    if (request.path !== '/_control/interactions') return undefined;
    return type(run, request);
  };
}

async function type(run: Run, request: HttpRequest): Promise<HttpReply> {
  if (request.method !== 'POST') return { status: 405, headers: { allow: 'POST' }, body: { message: 'Use POST' } };
  if (!fromThisMachine(request)) return { status: 403, body: { message: 'Only pages of this machine may control it' } };
  try {
    const { waitMs, ...slash } = JSON.parse(request.body.toString('utf8')) as SlashCommand & { waitMs?: number };
    const done = await run(slash, waitMs);
    const messages = done.messages.map(({ content, embeds, components }) => ({ content, embeds, components }));
    return { status: 200, body: { id: done.id, state: done.state, ephemeral: done.ephemeral, messages } };
  } catch (error) {
    return { status: 400, body: { message: messageOf(error) } };
  }
}
