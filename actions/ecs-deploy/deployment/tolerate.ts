import { Problem } from '../../../lib/errors.ts';

const PASSING: ReadonlySet<string> = new Set(['throttled', 'network', 'service']);

/** What the next try may mend: throttling, a lost connection, a failure inside AWS. @throws the error itself when it cannot. */
export function tolerable(error: unknown): Problem {
  if (error instanceof Problem && PASSING.has(error.kind)) return error;
  throw error;
}
