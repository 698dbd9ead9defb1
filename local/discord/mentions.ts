import type { Checks } from './checks.ts';
import type { FormErrors } from './errors.ts';
import { LIMITS } from './limits.ts';

type Kind = 'users' | 'roles' | 'everyone';
const KINDS: readonly Kind[] = ['users', 'roles', 'everyone'];

export interface AllowedMentions {
  parse: Kind[];
  users: string[];
  roles: string[];
}

/** Who a message notifies. */
export interface Pings {
  users: string[];
  roles: string[];
  everyone: boolean;
}

/** What holds where `allowed_mentions` is absent, on every request anew, edits included. Source: message.mdx, Default Settings. */
export const WEBHOOK_DEFAULT: AllowedMentions = { parse: ['users'], users: [], roles: [] };

/** The request's `allowed_mentions`, or the default of webhooks and interactions. */
export function readAllowed(value: unknown, check: Checks, errors: FormErrors): AllowedMentions {
  const given = check.object(value, ['allowed_mentions']);
  if (!given) return WEBHOOK_DEFAULT;
  const ids = (name: 'users' | 'roles', max: number): string[] =>
    (check.list(given[name], ['allowed_mentions', name], { max }) ?? [])
      .map((id, index) => check.snowflake(id, ['allowed_mentions', name, index]))
      .filter((id) => id !== undefined);
  const parse = (check.list(given.parse, ['allowed_mentions', 'parse'], { max: KINDS.length }) ?? []).map(String);
  for (const [index, kind] of parse.entries()) {
    if (KINDS.includes(kind as Kind)) continue;
    const message = `Value must be one of {${KINDS.map((one) => `'${one}'`).join(', ')}}.`;
    errors.add(['allowed_mentions', 'parse', index], 'BASE_TYPE_CHOICES', message);
  }
  const users = ids('users', LIMITS.mentionedUsers.value);
  const roles = ids('roles', LIMITS.mentionedRoles.value);
  for (const [kind, list] of [['users', users] as const, ['roles', roles] as const]) {
    if (!parse.includes(kind) || list.length === 0) continue;
    const message = `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`;
    errors.add(['allowed_mentions'], 'MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE', message);
  }
  return { parse: parse as Kind[], users, roles };
}

/**
 * Who would be notified by the text under the allowance: both the mention and the permission must be there. Code is not looked
 * at; embeds never notify, so their text is not passed here.
 */
export function pingsOf(text: string, allowed: AllowedMentions): Pings {
  const plain = text.replace(/```[\s\S]*?```|``[^\n]*?``|`[^`\n]*`/g, ' ');
  const named = (pattern: RegExp): string[] => [
    ...new Set([...plain.matchAll(pattern)].map((match) => match[1] ?? '')),
  ];
  const pick = (kind: 'users' | 'roles', found: string[]): string[] =>
    allowed.parse.includes(kind) ? found : found.filter((id) => allowed[kind].includes(id));
  return {
    users: pick('users', named(/<@!?(\d+)>/g)),
    roles: pick('roles', named(/<@&(\d+)>/g)),
    everyone: allowed.parse.includes('everyone') && /@(everyone|here)\b/.test(plain),
  };
}

export const pingsNobody = (pings: Pings): boolean => pings.users.length + pings.roles.length === 0 && !pings.everyone;
