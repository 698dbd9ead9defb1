import { Problem } from '../../../lib/errors.ts';
import type { AllowedMentions } from '../payload.ts';

/** Somebody who is woken up on purpose. */
export interface Mention {
  kind: 'user' | 'role';
  id: string;
}

/** Nobody wants more, and so many still fit into the 2,000 characters beside what else is said. */
const MOST = 20;

/** @throws Problem for what is not user:ID or role:ID, and for too many */
export function parseMentions(texts: readonly string[]): Mention[] {
  if (texts.length > MOST) {
    throw new Problem({
      what: "input 'mention'",
      cause: `it names ${texts.length}, and at most ${MOST} are mentioned`,
      fix: 'Mention a role that they all have',
    });
  }
  return texts.map((text) => {
    const match = /^(user|role):(\d{5,20})$/.exec(text);
    if (match) return { kind: match[1] as Mention['kind'], id: match[2] ?? '' };
    throw new Problem({
      what: "input 'mention'",
      seen: text,
      cause: 'it is not user:ID or role:ID',
      fix: 'Copy the id in Discord (developer mode, Copy ID) and write for instance role:123456789012345678',
    });
  });
}

export function mentionsText(mentions: readonly Mention[]): string {
  return mentions.map(({ kind, id }) => (kind === 'user' ? `<@${id}>` : `<@&${id}>`)).join(' ');
}

/** Closed but for those named: without the empty `parse` Discord would look for mentions itself. */
export function allowOnly(mentions: readonly Mention[]): AllowedMentions {
  const ids = (kind: Mention['kind']) => [...new Set(mentions.filter((m) => m.kind === kind).map((m) => m.id))];
  const users = ids('user');
  const roles = ids('role');
  return { parse: [], ...(users.length > 0 && { users }), ...(roles.length > 0 && { roles }) };
}
