import { humanDuration } from '../../lib/clock.ts';
import type { Context } from './context.ts';
import { parameterValue, type Version } from './desired.ts';
import type { HostResult } from './host-result.ts';
import type { Note } from './note.ts';
import type { SsmPorts } from './ports.ts';
import { specOf } from './spec/from-inputs.ts';
import { refuseSecrets } from './spec/guard.ts';
import { releaseFingerprint, type Spec } from './spec/spec.ts';

/** A release on its way to the hosts. */
export interface Wanted {
  spec: Spec;
  /** Whole release fingerprint. */
  fingerprint: string;
  /** What the parameter is to hold. */
  value: string;
}

/** @throws Problem for options that no host could carry out, that no parameter could hold, or that carry a secret. */
export function wantedOf({ inputs }: Context, { known }: Pick<SsmPorts, 'known'>): Wanted {
  const spec = specOf(inputs);
  refuseSecrets(spec, known, inputs['not-secret']);
  return { spec, fingerprint: releaseFingerprint(spec), value: parameterValue(spec) };
}

/** What to say of times by which a host is cut before it can tell that its container is not healthy, and its last lines; '' for others. */
export function hasty({ inputs }: Pick<Context, 'inputs'>): string {
  if (inputs['healthy-within'] < inputs.timeout) return '';
  const [whole, healthy] = [inputs.timeout, inputs['healthy-within']].map(humanDuration);
  return `One container may take ${healthy} to become healthy (healthy-within), and all hosts have ${whole} (timeout): of one that is not healthy you would learn no more than that the time was over`;
}

/** What the post step has to know of a run that is about to change hosts. */
export function noteOf(
  operation: Note['operation'],
  { place, inputs }: Context,
  { region }: Pick<SsmPorts, 'region'>,
  wanted: Wanted | undefined,
  base: Version | undefined,
  hosts: readonly string[],
): Note {
  return {
    region,
    operation,
    place,
    release: wanted?.spec.release ?? '',
    fingerprint: wanted?.fingerprint ?? '',
    value: wanted?.value ?? '',
    base: base?.version ?? 0,
    allOrNothing: operation === 'deploy' && inputs['all-or-nothing'],
    hosts: [...hosts],
    ended: {},
    command: undefined,
    stage: 'sending',
  };
}

/** For carryOut(): keeps the note up to date with what is under way and what has ended. */
export function remembering(note: Note, { remember }: Pick<SsmPorts, 'remember'>) {
  return (command: Note['command'], results: readonly HostResult[]) =>
    remember({ ...note, command, ended: endsOf(results) });
}

export function endsOf(results: readonly HostResult[]): Record<string, string> {
  return Object.fromEntries(results.map((r) => [r.instance, r.status]));
}
