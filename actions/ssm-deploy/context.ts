import { type Place, placeOf } from './desired.ts';
import type { Pace } from './fleet/waves.ts';
import type { SsmInputs } from './inputs.ts';
import type { Payload } from './payload.ts';
import type { SsmPorts } from './ports.ts';
import { type Fleet, fleetOf } from './preflight.ts';
import { componentOf } from './spec/from-inputs.ts';
import type { OutputPlaces } from './ssm.ts';
import { parseTargets, type Target } from './targets.ts';

/** What every operation knows from its inputs alone. */
export interface Context {
  inputs: SsmInputs;
  targets: Target[];
  place: Place;
  /** When the time of the whole run is over, in milliseconds since the epoch. */
  deadline: number;
  output: OutputPlaces;
}

/** What a command needs of it; the post step has no more. */
export type Sending = Pick<Context, 'place' | 'deadline' | 'output'>;

/** @throws Problem for inputs that name no component, no hosts, or no place for their desired state. */
export function contextOf(inputs: SsmInputs, { clock }: SsmPorts): Context {
  const targets = parseTargets(inputs.targets);
  const place = placeOf(inputs, componentOf(inputs), targets);
  const output = {
    logGroup: inputs['log-group'],
    bucket: inputs['output-bucket'],
    prefix: inputs['output-prefix'],
  };
  return { inputs, targets, place, deadline: clock.now() + inputs.timeout, output };
}

/** In what order and how many at once. */
export function paceOf({ inputs }: Context): Pace {
  return { maxConcurrency: inputs['max-concurrency'], maxErrors: inputs['max-errors'], gate: inputs.gate };
}

/** What is the same in every payload of a run. */
export function payloadOf(
  operation: Payload['operation'],
  { place }: Pick<Context, 'place'>,
  { region }: Pick<SsmPorts, 'region'>,
  base: number,
): Payload {
  const { component, environment, group } = place;
  return { v: 1, operation, component, environment, group, region, base };
}

/**
 * The hosts that can be reached, and beside that whatever else is asked for at once. What the hosts have to say comes first: of
 * several calls that fail for one reason, such as credentials, always the same one is told.
 */
export async function reach<T>(
  { inputs, targets }: Context,
  { ssm, log }: SsmPorts,
  beside: () => Promise<T>,
): Promise<Fleet & { beside: T }> {
  const asked = ssm.agents(targets);
  const other = beside();
  other.catch(() => undefined);
  const fleet = fleetOf(await asked, targets, inputs.minimum);
  const found = await other;
  log.info(`Online: ${fleet.online.join(', ')}`);
  return { ...fleet, beside: found };
}

/** What to say of hosts that match and do not answer; '' when all do. */
export function absent({ offline }: Fleet): string {
  if (offline.length === 0) return '';
  return `${offline.length === 1 ? 'A host matches and is' : `${offline.length} hosts match and are`} offline: ${offline.join(', ')}; what the group serves reaches them when they are back`;
}
