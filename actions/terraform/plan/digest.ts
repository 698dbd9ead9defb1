import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type Action, compareText, type PlanSummary } from './plan.ts';

/** One thing that a plan does, without any value: what two plans are compared by. */
export interface Deed {
  action: Action | 'output';
  /** Address of a resource, or name of an output. */
  address: string;
  /** Top-level attributes that change. */
  attributes: readonly string[];
}

/** What a plan does, in an order of its own. */
export function deedsOf({ changes, outputs }: Pick<PlanSummary, 'changes' | 'outputs'>): Deed[] {
  return [
    ...changes.map(({ action, address, attributes }) => ({ action, address, attributes })),
    ...outputs.map((address) => ({ action: 'output' as const, address, attributes: [] })),
  ].sort((a, b) => compareText(keyOf(a), keyOf(b)));
}

export interface Comparison {
  /** Done by this plan and not, or differently, by the other. */
  added: Deed[];
  /** Done by the other alone. */
  gone: Deed[];
}

export function compareDeeds(now: readonly Deed[], before: readonly Deed[]): Comparison {
  const [nowKeys, beforeKeys] = [new Set(now.map(keyOf)), new Set(before.map(keyOf))];
  return {
    added: now.filter((deed) => !beforeKeys.has(keyOf(deed))),
    gone: before.filter((deed) => !nowKeys.has(keyOf(deed))),
  };
}

const keyOf = ({ action, address, attributes }: Deed) => [address, action, ...attributes].join('\0');

/** Characters that the record may take of a comment. */
const LONGEST_RECORD = 20_000;
const LONGEST_INFLATED = 4 * 1024 * 1024;
const RECORD = /<!-- slipway-deeds:1:([A-Za-z0-9+/=]+) -->/;

/** Deeds as a hidden line of a comment; '' when they are too many for one. */
export function encodeDeeds(deeds: readonly Deed[]): string {
  const lines = deeds.map(({ action, address, attributes }) => JSON.stringify([action, address, ...attributes]));
  const packed = deflateRawSync(lines.join('\n'), { level: 9 }).toString('base64');
  return packed.length > LONGEST_RECORD ? '' : `<!-- slipway-deeds:1:${packed} -->\n`;
}

const ACTIONS: ReadonlySet<string> = new Set([
  'replace',
  'destroy',
  'create',
  'update',
  'import',
  'move',
  'forget',
  'output',
]);

/**
 * Reads the record in a comment; undefined when there is none that can be understood. A comment is no trusted source (people can
 * edit it), so nothing but texts comes out of it, and not more than a bounded amount.
 */
export function decodeDeeds(comment: string): Deed[] | undefined {
  const packed = RECORD.exec(comment)?.[1];
  if (packed === undefined) return undefined;
  try {
    const text = inflateRawSync(Buffer.from(packed, 'base64'), { maxOutputLength: LONGEST_INFLATED }).toString('utf8');
    return text.split('\n').filter(Boolean).map(readDeed);
  } catch {
    return undefined;
  }
}

function readDeed(line: string): Deed {
  const value: unknown = JSON.parse(line);
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) throw new Error('no deed');
  const [action = '', address = '', ...attributes] = value as string[];
  if (!ACTIONS.has(action)) throw new Error('no action');
  return { action: action as Deed['action'], address, attributes };
}
