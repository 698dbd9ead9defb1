import { chance } from './random.ts';

export type FaultEffect =
  /** HTTP 400 ThrottlingException (503 Throttling/RequestLimitExceeded for the query protocols). */
  | { throttle: true }
  /** A failure of the service: 500, 502, 503, 504. */
  | { status: number; code?: string; message?: string }
  /** AWS's usual AccessDenied for the operation; `resource` is the ARN it names. */
  | { denied: true; resource?: string }
  /** Carried out, but answered this many milliseconds later. */
  | { delayMs: number }
  /** The connection is cut: before the operation, or after it was carried out (the client cannot know). */
  | { cut: 'before' | 'after' }
  /** Any exception of the service. */
  | { error: string; message: string; httpStatus?: number }
  /** What goes wrong inside ECS: read by the scheduler through `named`. */
  | { ecs: EcsFault };

export type EcsFault = 'image-missing' | 'crash-loop' | 'never-healthy' | 'alarm';

export interface FaultSpec {
  /** 'ecs', 'ecr', 'registry', 'github', 'discord', …; '*' for all. */
  service: string;
  /** 'UpdateService'; '*' for all (the default). */
  operation?: string;
  /** Only when these members of the input have these values: { service: 'web' }. Compared as text. */
  match?: Record<string, string>;
  /** How many times it strikes; without it, until it is removed. */
  times?: number;
  /** How many matching requests it lets through first. */
  after?: number;
  /** 0..1, drawn from the seed; 1 unless told. */
  probability?: number;
  effect: FaultEffect;
}

export interface Fault extends FaultSpec {
  id: string;
  struck: number;
}

export interface Faults {
  /** @returns the fault's id, for `remove` @throws TypeError that names what is wrong with the specification */
  add(spec: FaultSpec): string;
  remove(id: string): void;
  clear(): void;
  list(): readonly Fault[];
  /** The effects that strike this request; each call counts. */
  strike(service: string, operation: string, input?: unknown): FaultEffect[];
  /** Whether a named fault strikes inside ECS; each call counts. @param about such as { cluster, service, image } */
  named(name: EcsFault, about: Record<string, string>): boolean;
}

export function createFaults(seed: number): Faults {
  const faults = new Map<string, { fault: Fault; seen: number }>();
  let ids = 0;

  function strikes(entry: { fault: Fault; seen: number }): boolean {
    const { fault } = entry;
    if (fault.times !== undefined && fault.struck >= fault.times) return false;
    const count = entry.seen++;
    if (count < (fault.after ?? 0)) return false;
    if (chance(seed, `fault:${fault.id}`, count) >= (fault.probability ?? 1)) return false;
    fault.struck++;
    return true;
  }

  return {
    add(spec) {
      checkSpec(spec);
      const id = `fault-${++ids}`;
      faults.set(id, { fault: { ...spec, id, struck: 0 }, seen: 0 });
      return id;
    },
    remove: (id) => void faults.delete(id),
    clear: () => faults.clear(),
    list: () => [...faults.values()].map((e) => e.fault),
    strike(service, operation, input) {
      const effects: FaultEffect[] = [];
      for (const entry of faults.values()) {
        const { fault } = entry;
        if ('ecs' in fault.effect) continue;
        if (fault.service !== '*' && fault.service !== service) continue;
        if ((fault.operation ?? '*') !== '*' && fault.operation !== operation) continue;
        if (!matches(fault.match, input)) continue;
        if (strikes(entry)) effects.push(fault.effect);
      }
      return effects;
    },
    named(name, about) {
      for (const entry of faults.values()) {
        const { effect, match } = entry.fault;
        if ('ecs' in effect && effect.ecs === name && matches(match, about) && strikes(entry)) return true;
      }
      return false;
    },
  };
}

function matches(match: Record<string, string> | undefined, input: unknown): boolean {
  if (match === undefined) return true;
  const members = (typeof input === 'object' && input !== null ? input : {}) as Record<string, unknown>;
  return Object.entries(match).every(([key, value]) => String(members[key]) === value);
}

const EFFECTS = ['throttle', 'status', 'denied', 'delayMs', 'cut', 'error', 'ecs'];

function checkSpec(spec: FaultSpec): void {
  const wrong = (what: string) => new TypeError(`fault ${JSON.stringify(spec)}: ${what}`);
  if (typeof spec?.service !== 'string' || spec.service === '') throw wrong("'service' must name a service or be '*'");
  if (typeof spec.effect !== 'object' || spec.effect === null || !EFFECTS.some((e) => e in spec.effect)) {
    throw wrong(`'effect' must have one of ${EFFECTS.join(', ')}`);
  }
  const p = spec.probability;
  if (p !== undefined && !(p >= 0 && p <= 1)) throw wrong("'probability' must be from 0 to 1");
  for (const key of ['times', 'after'] as const) {
    const n = spec[key];
    if (n !== undefined && !(Number.isInteger(n) && n >= 0)) throw wrong(`'${key}' must be a whole number`);
  }
}
