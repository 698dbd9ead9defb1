import { messageOf, Problem } from '../../../lib/errors.ts';
import { call, type Line } from './call.ts';
import { refused } from './refusal.ts';

/** What Discord says of a webhook that is fine. */
export interface Checked {
  name: string;
  channelId: string;
  guildId: string;
}

/** Asks Discord about the webhook, without posting. @throws Problem when it cannot be used */
export async function check(line: Line): Promise<Checked> {
  const answer = await call(line, { method: 'GET', path: '', query: {}, headers: {} });
  if (answer === 'stale') throw new Error('a question is never stale');
  if ('refusal' in answer) throw refused(answer.refusal);
  const { name, channel_id: channel, guild_id: guild } = answer.body;
  return { name: String(name ?? ''), channelId: String(channel ?? ''), guildId: String(guild ?? '') };
}

/** Anything thrown while a webhook was written to, as a Problem that does not repeat its secret. */
export function asProblem(error: unknown, token: string): Problem {
  if (error instanceof Problem) return error;
  return new Problem({
    what: 'Discord webhook',
    cause: messageOf(error).replaceAll(token, '***'),
    fix: 'The deployment is not affected',
    kind: 'service',
    underlying: error,
  });
}
