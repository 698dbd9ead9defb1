import { SHAPES } from '../../lib/container-shapes.ts';
import { Problem } from '../../lib/errors.ts';
import type { SsmInputs } from './inputs.ts';
import { readSpec, type Spec, specText } from './spec/spec.ts';
import type { Target } from './targets.ts';

/** Largest value of a parameter: 8 KB in the advanced tier, which Intelligent-Tiering takes by itself above 4 KB. */
const LARGEST = 8192;
/** Tag of the parameter with the whole release fingerprint. */
export const RELEASE_TAG = 'slipway:release';

/** A version of a host group's parameter. */
export interface Version {
  version: number;
  value: string;
}

/** Where the desired state of a component on a host group is kept, and what names it. */
export interface Place {
  environment: string;
  group: string;
  component: string;
  /** /slipway/ENVIRONMENT/GROUP/COMPONENT */
  parameter: string;
}

/** @throws Problem when a part of the name could be no part of one. */
export function placeOf(inputs: SsmInputs, component: string, targets: readonly Target[]): Place {
  const environment = part("input 'environment'", inputs.environment || 'default', 'Use letters, digits, dashes');
  const tag = targets.length === 1 && targets[0]?.key !== 'InstanceIds' ? targets[0]?.values : undefined;
  const group = part('host group', inputs.group || (tag?.length === 1 ? (tag[0] ?? '') : component), SHAPES.group.fix);
  return { environment, group, component, parameter: `/slipway/${environment}/${group}/${component}` };
}

function part(what: string, seen: string, fix: string): string {
  if (SHAPES.group.pattern.test(seen)) return seen;
  throw new Problem({ what, seen, cause: SHAPES.group.cause, fix });
}

/** The parameter's value for a spec. @throws Problem when no parameter could hold it. */
export function parameterValue(spec: Spec): string {
  const value = specText(spec);
  const size = Buffer.byteLength(value);
  if (size <= LARGEST) return value;
  const [largest] = Object.entries(spec).toSorted(([, a], [, b]) => lengthOf(b) - lengthOf(a));
  throw new Problem({
    what: `desired state of ${spec.component}`,
    seen: `${size} bytes`,
    cause: `a parameter holds ${LARGEST} at most, and \`${largest?.[0]}\` alone takes ${lengthOf(largest?.[1])}`,
    fix: 'Move large values into files of the image, or into secrets by reference',
  });
}

const lengthOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/** What is to become of the parameter after every host has done well. Pure. */
export function decideWrite(
  base: Pick<Version, 'version'> | undefined,
  now: Version | undefined,
  wanted: { value: string; release: string },
): { do: 'write' | 'leave' } | { do: 'yield'; release: string } {
  if (now?.value === wanted.value) return { do: 'leave' };
  const moved = (now?.version ?? 0) !== (base?.version ?? 0);
  const theirs = readSpec(now?.value ?? '')?.release;
  if (moved && theirs !== wanted.release) return { do: 'yield', release: theirs ?? 'something that is no release' };
  return { do: 'write' };
}

/** The spec to go back to: the release that is named, or the newest one that is not the current. Pure. */
export function goalOf(
  history: readonly Version[],
  current: string | undefined,
  wanted: string,
): { spec: Spec; value: string } | undefined {
  for (const { value } of history) {
    const spec = readSpec(value);
    if (!spec) continue;
    if (wanted === '' ? spec.release !== current : wanted.startsWith(spec.release)) return { spec, value };
  }
  return undefined;
}

/**
 * Whether a deployment has reached some hosts and not all: one of them serves what never was the desired state, since that is written
 * when every host has done well. Pure.
 * @param served releases that the hosts serve; '' for one that does not tell
 */
export function isUnfinished(history: readonly Version[], served: readonly string[]): boolean {
  const known = new Set(history.map(({ value }) => readSpec(value)?.release));
  return served.some((release) => release !== '' && !known.has(release));
}
