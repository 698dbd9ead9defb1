export type ProblemKind =
  | 'input'
  | 'config'
  | 'credentials'
  | 'denied'
  | 'throttled'
  | 'not-found'
  | 'network'
  | 'conflict'
  | 'service'
  | 'environment'
  | 'cancelled';

export interface ProblemParts {
  /** The input, file or resource that is at fault, as the user names it: "input 'timeout'", "service sample/web". */
  what: string;
  /** The value seen, where showing it helps and it is no secret. */
  seen?: string | undefined;
  /** Why this is an error. */
  cause: string;
  /** What the reader can do next. */
  fix: string;
  kind?: ProblemKind;
  /** Where an editor can jump to. */
  file?: string | undefined;
  line?: number | undefined;
  column?: number | undefined;
  /** The error underneath, for the debug log. */
  underlying?: unknown;
}

const SEEN_LIMIT = 200;

/** An error that a user can act on. Its message says what, the value seen, the cause and the next step; it is printed without a stack. */
export class Problem extends Error {
  readonly parts: Readonly<ProblemParts>;
  readonly kind: ProblemKind;

  constructor(parts: ProblemParts) {
    super(sentence(parts), parts.underlying === undefined ? undefined : { cause: parts.underlying });
    this.name = 'Problem';
    this.parts = parts;
    this.kind = parts.kind ?? 'input';
  }

  /** What, value and cause without the fix, for places that tell the next step apart. */
  get finding(): string {
    return finding(this.parts);
  }
}

function sentence(parts: ProblemParts): string {
  return `${finding(parts)}. ${trimDot(parts.fix)}.`;
}

function finding({ what, seen, cause }: ProblemParts): string {
  const value = seen === undefined ? '' : ` is ${quote(seen)}`;
  return `${what}${value}: ${trimDot(cause)}`;
}

function quote(value: string): string {
  const shown = value.length > SEEN_LIMIT ? `${value.slice(0, SEEN_LIMIT)}…` : value;
  return JSON.stringify(shown);
}

function trimDot(text: string): string {
  return text.trim().replace(/\.$/, '');
}

/** Turns anything that was thrown into text fit for a user: no stack, no "[object Object]". */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(messageOf).join('; ');
  if (error instanceof Error) return error.message || error.name;
  return typeof error === 'string' ? error : (JSON.stringify(error) ?? String(error));
}

/** A cancellation, told apart from failures so that it is never retried or explained away. */
export function cancelled(what: string): Problem {
  return new Problem({
    what,
    cause: 'the run was cancelled',
    fix: 'Run it again to converge; nothing has to be cleaned up by hand',
    kind: 'cancelled',
  });
}
