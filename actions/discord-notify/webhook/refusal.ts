import { Problem, type ProblemKind } from '../../../lib/errors.ts';

/** What Discord says when it says no. Source: Discord developer documentation, "Error Messages" and "JSON Error Codes". */
export interface Refusal {
  status: number;
  code: number | undefined;
  message: string;
  /** Where the form is wrong, as "embeds[0].title: Must be …". */
  mistakes: string[];
}

export const CODE = {
  unknownChannel: 10_003,
  unknownMessage: 10_008,
  tooOldToEdit: 30_046,
  tooLarge: 40_005,
  archivedThread: 50_083,
  forumNeedsThread: 220_001,
  noForum: 220_003,
} as const;

/** A message cannot be turned back from components; the code of the mistake is the form's own. */
const COMPONENTS_ONLY = 'MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2';

export function refusalOf(status: number, body: unknown): Refusal {
  const { code, message, errors } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  return {
    status,
    code: typeof code === 'number' && code !== 0 ? code : undefined,
    message: typeof message === 'string' ? message : '',
    mistakes: mistakesOf(errors, ''),
  };
}

function mistakesOf(tree: unknown, path: string): string[] {
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.entries(tree).flatMap(([key, value]) => {
    if (key === '_errors' && Array.isArray(value))
      return value.map(({ code = '', message = '' }) => `${path || 'message'}: ${message} (${code})`);
    return mistakesOf(value, /^\d+$/.test(key) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`);
  });
}

/** Whether the message that was to be edited is out of reach, so that only a new one can tell the story. */
export function isOutOfReach({ code, mistakes }: Refusal): boolean {
  return (code !== undefined && LOST.has(code)) || mistakes.some((one) => one.includes(COMPONENTS_ONLY));
}

const LOST: ReadonlySet<number> = new Set([
  CODE.unknownMessage,
  CODE.tooOldToEdit,
  CODE.archivedThread,
  CODE.unknownChannel,
]);

const FIXES: Readonly<Record<number, string>> = {
  10003: 'The channel or thread is gone: check `thread-id`',
  10015: 'The webhook was deleted: make a new one and store its address in the secret',
  40005: 'Attach less',
  40067: 'The forum wants a tag on each thread: name one in `thread-tags`',
  50013: 'The webhook may not write there: check the channel’s permissions',
  50027: 'The token is wrong or was reset: store the address again in the secret',
  160005: 'The thread is locked: unlock it, or name another in `thread-id`',
  220001: 'The channel is a forum: name a thread in `thread-id`, or what a new one is called in `thread-name`',
  220002: 'Give `thread-id` or `thread-name`, not both',
  220004: 'Webhooks of this kind cannot write to forums: make one of your own',
};

export function refused(refusal: Refusal): Problem {
  const { status, code, message, mistakes } = refusal;
  const what = [`status ${status}`, code && `code ${code}`].filter(Boolean).join(', ');
  const detail = mistakes.length > 0 ? ` (${mistakes.slice(0, 5).join('; ')})` : '';
  const gone = status === 404 && code === undefined ? FIXES[10_015] : undefined;
  return problem(
    status === 401 || status === 403 ? 'denied' : status === 404 ? 'not-found' : 'service',
    `Discord refused the message with ${what}${message === '' ? '' : `: ${message}`}${detail}`,
    FIXES[code ?? 0] ?? gone ?? 'Look the code up in the Discord developer documentation',
  );
}

const UNAFFECTED = 'The deployment is not affected';

export function gaveUp(waitMs: number): Problem {
  return problem(
    'throttled',
    waitMs > 0
      ? `Discord asks to wait ${(waitMs / 1000).toFixed(1)} s, longer than the time that is left`
      : 'the time for sending is over',
    `${UNAFFECTED}; raise \`time-limit\` if the message matters more than the time`,
  );
}

/** Each further request would count against everybody who uses the address of this runner. */
export function crowdedOut(times: number): Problem {
  return problem(
    'throttled',
    `others use up Discord's limit for this webhook (refused ${times} times in a row)`,
    `${UNAFFECTED}; let fewer jobs write, or give them webhooks of their own`,
  );
}

/** A 429 that is not Discord's own: the address of the runner is blocked, and each further request prolongs that. */
export function blockedByCloudflare(): Problem {
  return problem(
    'throttled',
    'Cloudflare, in front of Discord, blocks the address of this runner (429 without a time to wait)',
    `${UNAFFECTED}; runners share addresses, so another one may get through later`,
  );
}

export function unavailable(status: number): Problem {
  return problem('service', `Discord answers with status ${status}`, `${UNAFFECTED}; look at discordstatus.com`);
}

export function unreachable(why: string): Problem {
  return problem(
    'network',
    `Discord could not be reached (${why})`,
    `${UNAFFECTED}; check the runner’s network and its proxy`,
  );
}

export function notUnderstood(status: number): Problem {
  return problem(
    'service',
    `the answer with status ${status} is not one of Discord`,
    `${UNAFFECTED}; check what stands between the runner and Discord`,
  );
}

function problem(kind: ProblemKind, cause: string, fix: string): Problem {
  return new Problem({ what: 'Discord webhook', cause, fix, kind });
}
