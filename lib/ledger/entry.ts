import * as v from 'valibot';
import { Problem } from '../errors.ts';
import type { LedgerEntry } from './ledger.ts';

const words = v.record(v.string(), v.string());

const entrySchema = v.object({
  slipway: v.literal(1),
  component: v.string(),
  environment: v.string(),
  commit: v.string(),
  state: v.picklist(['deployed', 'held', 'failed', 'destroyed']),
  buildFingerprint: v.exactOptional(v.string()),
  releaseFingerprint: v.exactOptional(v.string()),
  images: v.exactOptional(words),
  taskDefinition: v.exactOptional(v.string()),
  outputs: v.exactOptional(words),
  revision: v.exactOptional(v.string()),
  runUrl: v.string(),
  at: v.string(),
  cause: v.exactOptional(v.string()),
});

/** The stored form: the entry and the version of its format. */
export function encodeEntry(entry: LedgerEntry): Record<string, unknown> {
  return { slipway: 1, ...entry };
}

/** Reads a stored entry; undefined for what is not one (a deployment that somebody else made). */
export function decodeEntry(stored: unknown): LedgerEntry | undefined {
  const value = typeof stored === 'string' ? parse(stored) : stored;
  const result = v.safeParse(entrySchema, value);
  if (!result.success) return undefined;
  const { slipway: _, ...entry } = result.output;
  return entry;
}

/** @throws Problem for an entry that is there and cannot be understood, where a guess is not good enough */
export function unreadable(where: string): never {
  throw new Problem({
    what: `ledger entry ${where}`,
    cause: 'it cannot be understood: a newer version of slipway wrote it, or something else did',
    fix: 'Use the newest version of this action, or remove the entry if it is none of slipway',
    kind: 'service',
  });
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // GraphQL hands a payload object out as a string, and a payload that was sent as a string twice encoded.
    return typeof value === 'string' ? parse(value) : value;
  } catch {
    return undefined;
  }
}
