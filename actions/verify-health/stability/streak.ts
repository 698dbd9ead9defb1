import { type Failure, failureText } from '../failure.ts';

/** One attempt, judged. */
export interface Look {
  failure?: Failure | undefined;
  identity: Readonly<Record<string, unknown>>;
  /** Values that have to stay the same in a row. */
  stable: Readonly<Record<string, unknown>>;
  /** Which instance answered, where that is told. */
  instance?: string | undefined;
}

export interface Rules {
  /** Good answers in a row. */
  successes: number;
  /** Distinct instances among them; undefined where instances are not told apart. */
  instances?: number | undefined;
  /** How they are told apart, for people. */
  by?: string | undefined;
}

interface Tally {
  passed: number;
  failed: number;
  last?: Failure | undefined;
}

/** What was learned of one address so far. */
export interface Streak {
  inARow: number;
  /** Instances that answered in the row. */
  seen: ReadonlySet<string>;
  stable: Readonly<Record<string, unknown>>;
  /** How often a row was broken off. */
  drops: number;
  passed: number;
  last?: Failure | undefined;
  byInstance: ReadonlyMap<string, Tally>;
}

export const NEW_STREAK: Streak = {
  inARow: 0,
  seen: new Set(),
  stable: {},
  drops: 0,
  passed: 0,
  byInstance: new Map(),
};

/** Counts one attempt in: a failure, and a value that was to stay and did not, begin the row anew. Pure. */
export function count(streak: Streak, look: Look): Streak {
  const moved = look.failure ? undefined : changed(streak, look);
  const failure = look.failure ?? moved;
  const byInstance = tallied(streak.byInstance, look.instance, failure);
  if (failure && !moved)
    return {
      ...streak,
      inARow: 0,
      seen: new Set(),
      stable: {},
      drops: streak.drops + (streak.inARow > 0 ? 1 : 0),
      last: failure,
      byInstance,
    };
  // An answer that shows another version than the one before is the first of its own row.
  const before = moved ? { ...streak, inARow: 0, seen: new Set<string>(), drops: streak.drops + 1 } : streak;
  const seen = new Set([...before.seen, ...(look.instance === undefined ? [] : [look.instance])]);
  return {
    ...before,
    inARow: before.inARow + 1,
    seen,
    stable: look.stable,
    passed: before.passed + 1,
    ...(moved && { last: moved }),
    byInstance,
  };
}

function changed(streak: Streak, { stable }: Look): Failure | undefined {
  if (streak.inARow === 0) return undefined;
  const place = Object.keys(stable).find((key) => JSON.stringify(stable[key]) !== JSON.stringify(streak.stable[key]));
  if (place === undefined) return undefined;
  const values = [streak.stable[place], stable[place]].map((value) => JSON.stringify(value) ?? 'missing');
  return { reason: 'flapping', cause: `${place} changed from ${values[0]} to ${values[1]}`, final: false };
}

function tallied(
  all: Streak['byInstance'],
  instance: string | undefined,
  failure: Failure | undefined,
): Streak['byInstance'] {
  if (instance === undefined) return all;
  const { passed = 0, failed = 0, last } = all.get(instance) ?? {};
  return new Map([
    ...all,
    [instance, { passed: passed + (failure ? 0 : 1), failed: failed + (failure ? 1 : 0), last: failure ?? last }],
  ]);
}

export function isStable(streak: Streak, { successes, instances = 0 }: Rules): boolean {
  return streak.inARow >= successes && streak.seen.size >= instances;
}

/** Why the time was over before it was stable, as a person would say it. */
export function explain(streak: Streak, rules: Rules): Failure {
  // Only instances are wanting, and each that is known had its turn in this row: what failed before it (an earlier version's) is gone.
  if (streak.inARow >= rules.successes && streak.inARow > streak.byInstance.size) return tooFew(streak, rules);
  const bad = culprits(streak);
  if (bad) return bad;
  const { last, drops } = streak;
  if (last && drops > 1) {
    const said = last.reason === 'flapping' ? last.cause : failureText(last);
    return { reason: 'flapping', cause: `it passed and failed again ${drops} times; last ${said}`, final: false };
  }
  if (streak.inARow > 0) return tooFew(streak, rules);
  if (last) return drops === 1 ? { ...last, cause: `${last.cause}, after it had passed before` } : last;
  return { reason: 'timeout', cause: 'no attempt was over in time', final: false };
}

/** Instances that only ever fail beside others that only ever pass: that is no flapping. */
function culprits({ byInstance }: Streak): Failure | undefined {
  const all = [...byInstance];
  const failing = all.filter(([, { failed }]) => failed > 0);
  const [first] = failing;
  if (!first?.[1].last || failing.length === all.length || failing.some(([, { passed }]) => passed > 0))
    return undefined;
  const names = failing.map(([name]) => name).join(', ');
  const { reason, cause, final } = first[1].last;
  return { reason, cause: `${failing.length} of ${all.length} instances (${names}): ${cause}`, final };
}

function tooFew({ inARow, seen }: Streak, { successes, instances = 0, by }: Rules): Failure {
  if (seen.size === 0 && instances > 0 && by !== undefined)
    return { reason: 'version-mismatch', cause: `no answer says which instance it is from (${by})`, final: false };
  if (inARow >= successes || seen.size < instances) {
    const names = seen.size === 0 ? '' : ` (${[...seen].join(', ')})`;
    return {
      reason: 'version-mismatch',
      cause: `only ${seen.size} of ${instances} instances have reported it${names}`,
      final: false,
    };
  }
  return { reason: 'timeout', cause: `only ${inARow} of ${successes} answers in a row came in time`, final: false };
}
