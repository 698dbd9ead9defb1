import type { InstancesConfig } from '../../lib/config/verify.ts';
import type { Wanted } from './expect/fill-in.ts';
import type { Family, Override } from './net/addresses.ts';
import type { Deadlines } from './net/dial.ts';

export type RedirectPolicy = 'none' | 'same-origin' | 'follow';

/** One address with everything that an attempt at it needs. */
export interface Target {
  /** Name in log, summary and outputs; no two targets share one. */
  name: string;
  url: string;
  method: string;
  /** Of the request, as given. */
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  wanted: Wanted;
  redirects: RedirectPolicy;
  family: Family;
  overrides: readonly Override[];
  ca?: readonly string[] | undefined;
  deadlines: Deadlines;
  /** Longest time of a whole attempt, in milliseconds. */
  attemptMs: number;
  instances?: InstancesConfig | undefined;
  /** Values that must not be shown. */
  secrets: readonly string[];
}
