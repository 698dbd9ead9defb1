import { createContext, Script } from 'node:vm';

/** An expression did not come to an end in time. */
export class TooLong extends Error {}

/** Longest time for one expression on one answer, in milliseconds. */
const MOST_MS = 1000;

const script = new Script('new RegExp(source, "u").exec(text)');
const context = createContext({ source: '', text: '' });

/**
 * Finds an expression in a text that a stranger wrote. Some expressions take for ever on some texts, and nothing else would run meanwhile:
 * no deadline, no cancellation. Only a script of its own can be interrupted; that is all this one is for.
 * @throws TooLong
 */
export function find(source: string, text: string): RegExpExecArray | null {
  Object.assign(context, { source, text });
  try {
    return script.runInContext(context, { timeout: MOST_MS }) as RegExpExecArray | null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new TooLong(source);
    throw error;
  } finally {
    Object.assign(context, { source: '', text: '' });
  }
}

export function matches(source: string, text: string): boolean {
  return find(source, text) !== null;
}
