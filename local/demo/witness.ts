import { messageOf } from '../../lib/errors.ts';
import type { Discord } from '../discord/server.ts';
import type { LogStore } from '../logs/store.ts';
import type { Identity } from './checks.ts';
import type { Travelled } from './travel.ts';

const TIMEOUT_MS = 5_000;

/** What answers for the web service says of itself. */
export async function identityOf(webUrl: string): Promise<Identity> {
  try {
    const response = await fetch(`${webUrl}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { revision = '', digest = '' } = (await response.json()) as Partial<Identity>;
    return { revision, digest };
  } catch (error) {
    return { revision: `no answer: ${messageOf(error)}`, digest: '' };
  }
}

/** All text of the messages that were posted since the run began. */
export function messageOfRun(discord: Pick<Discord, 'messages'>, { startedAt }: Pick<Travelled, 'startedAt'>): string {
  const posted = discord
    .messages()
    .filter((message) => Date.parse(message.createdAt) >= startedAt - 1000 && message.webhookId);
  return posted
    .map(({ content, embeds, components }) =>
      [content, ...textsOf(embeds), ...textsOf(components)].filter(Boolean).join('\n'),
    )
    .join('\n');
}

const SHOWN = new Set(['title', 'description', 'content', 'name', 'value', 'text']);

function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'string' ? (SHOWN.has(key) ? [inner] : []) : textsOf(inner),
  );
}

const WEB_LOG = '/ecs/sample-web';

/** The revisions whose migration said that it is done, in the order in which they ran. */
export function migratedRevisions(logs: Pick<LogStore, 'group'>): string[] {
  const streams = [...(logs.group(WEB_LOG)?.streams.values() ?? [])];
  return streams.flatMap(({ events }) => {
    const lines = events.map(({ message }) => parsed(message));
    if (!lines.some((line) => line.message === 'migration done')) return [];
    return lines.flatMap((line) => (line.message === 'migration begins' ? [String(line.revision)] : []));
  });
}

function parsed(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
