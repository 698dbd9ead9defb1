import type { HttpReply } from '../http/server.ts';

/** Codes of discord-api-docs developers/topics/opcodes-and-status-codes.mdx, JSON Error Codes. */
export const CODES = {
  unknownChannel: [404, 10_003, 'Unknown Channel'],
  unknownMessage: [404, 10_008, 'Unknown Message'],
  unknownWebhook: [404, 10_015, 'Unknown Webhook'],
  unknownGuild: [404, 10_004, 'Unknown Guild'],
  unknownInteraction: [404, 10_062, 'Unknown interaction'],
  tooLarge: [413, 40_005, 'Request entity too large'],
  acknowledged: [400, 40_060, 'Interaction has already been acknowledged.'],
  missingAccess: [403, 50_001, 'Missing Access'],
  emptyMessage: [400, 50_006, 'Cannot send an empty message'],
  invalidToken: [401, 50_027, 'Invalid Webhook Token'],
  invalidForm: [400, 50_035, 'Invalid Form Body'],
  archivedThread: [400, 50_083, 'Thread is archived'],
  invalidJson: [400, 50_109, 'The request body contains invalid JSON.'],
  lockedThread: [400, 160_005, 'Thread is locked'],
  forumNeedsThread: [400, 220_001, 'Webhooks posted to forum channels must have a thread_name or thread_id'],
  forumBothGiven: [400, 220_002, 'Webhooks posted to forum channels cannot have both a thread_name and thread_id'],
  threadNameNotForum: [400, 220_003, 'Webhooks can only create threads in forum channels'],
} as const satisfies Record<string, readonly [number, number, string]>;

export interface FormError {
  code: string;
  message: string;
}

interface ErrorTree {
  [key: string]: ErrorTree | FormError[];
}

/** An answer of Discord that is no success. */
export class DiscordFault extends Error {
  readonly status: number;
  readonly code: number;
  readonly form: FormErrors | undefined;

  constructor(status: number, code: number, message: string, form?: FormErrors) {
    super(message);
    this.status = status;
    this.code = code;
    this.form = form;
  }

  /**
   * @param version of the API in the path. Since v8 form errors are a tree; before, and so at the unversioned webhook URL that
   * people copy from Discord (default v6), they are `{ field: [texts] }`. Source: reference.mdx, Error Messages and API Versioning.
   */
  reply(version: number): HttpReply {
    if (this.form && version < 8) return { status: this.status, body: this.form.legacy() };
    const body: Record<string, unknown> = { message: this.message, code: this.code };
    if (this.form) body.errors = this.form.tree();
    return { status: this.status, body };
  }
}

export function fault(name: keyof typeof CODES): DiscordFault {
  const [status, code, message] = CODES[name];
  return new DiscordFault(status, code, message);
}

/** Collects what is wrong with a form, each with its path, and answers once with all of it. */
export class FormErrors {
  readonly #found: { path: readonly (string | number)[]; error: FormError }[] = [];

  add(path: readonly (string | number)[], code: string, message: string): void {
    this.#found.push({ path, error: { code, message } });
  }

  get any(): boolean {
    return this.#found.length > 0;
  }

  /** @throws DiscordFault 50035 when anything was added */
  check(): void {
    if (this.any) throw this.fault();
  }

  fault(): DiscordFault {
    return new DiscordFault(...CODES.invalidForm, this);
  }

  tree(): ErrorTree {
    const root: ErrorTree = {};
    for (const { path, error } of this.#found) {
      let node = root;
      for (const key of path) {
        node[key] ??= {};
        node = node[key] as ErrorTree;
      }
      node._errors = [...((node._errors as FormError[] | undefined) ?? []), error];
    }
    return root;
  }

  /** The form before v8: a list of texts per field, or the indexes of the entries at fault. */
  legacy(): Record<string, string[]> {
    const fields: Record<string, string[]> = {};
    for (const { path, error } of this.#found) {
      const [field = '_misc', index] = path.map(String);
      const text = index === undefined ? error.message : index;
      const list = fields[field] ?? [];
      if (!list.includes(text)) list.push(text);
      fields[field] = list;
    }
    return fields;
  }
}
