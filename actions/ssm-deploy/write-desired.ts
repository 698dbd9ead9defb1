import { messageOf, Problem } from '../../lib/errors.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { decideWrite, type Place, RELEASE_TAG, type Version } from './desired.ts';
import type { SsmPorts } from './ports.ts';

export interface Writing {
  place: Place;
  release: string;
  fingerprint: string;
  value: string;
  /** What the operation was decided on. */
  base: Pick<Version, 'version'> | undefined;
}

/** Another one may be the first to write: then what it wrote decides. */
const TRIES = 3;

/**
 * Writes a release down as what the host group serves, unless that is what stands there, or somebody else has written another
 * one since. Never throws but for a cancellation: what fails becomes the outcome, since the hosts have changed by now.
 */
export async function writeDesired(
  outcome: Outcome,
  { place, release, fingerprint, value, base }: Writing,
  { ssm, log, signal }: Pick<SsmPorts, 'ssm' | 'log' | 'signal'>,
): Promise<{ outcome: Outcome; notes: string[] }> {
  const { parameter, component, environment } = place;
  try {
    const tags = { [RELEASE_TAG]: fingerprint, 'slipway:component': component, 'slipway:environment': environment };
    for (let tries = 1; ; tries++) {
      const now = await ssm.parameter(parameter);
      const decision = decideWrite(base, now, { value, release });
      if (decision.do === 'leave') return { outcome, notes: [] };
      if (decision.do === 'yield') return { outcome: yielded(parameter, decision.release), notes: [] };
      const version = await ssm.write(parameter, value, tags, now === undefined);
      if (version === undefined && tries < TRIES) continue;
      if (version === undefined) throw vanishing(parameter);
      if (now && version > now.version + 1) return { outcome: overwrote(parameter), notes: [] };
      break;
    }
    log.info(`Desired state ${parameter}: release ${release}`);
    const known: Outcome = outcome.status === 'unchanged' ? { status: 'succeeded', cause: '' } : outcome;
    return { outcome: known, notes: [`Release ${release} is now the desired state in ${parameter}`] };
  } catch (error) {
    if (signal.aborted) throw error;
    const denied = error instanceof Problem && error.kind === 'denied';
    const why = error instanceof Problem ? error.finding : messageOf(error);
    return {
      outcome: {
        status: denied ? 'denied' : 'failed',
        cause: `every host serves release ${release}, but their desired state could not be written: ${why}`,
        next: 'Until it is, a host that is replaced would serve what stood there before: correct the cause and run this again',
      },
      notes: [],
    };
  }
}

function yielded(parameter: string, release: string): Outcome {
  return {
    status: 'superseded',
    cause: `another run has written release ${release} as the desired state in ${parameter} meanwhile`,
    next: 'Hosts may serve either of the two: deploy the one that is wanted again, and let one run deploy at a time (`concurrency`)',
  };
}

/** SSM has no compare-and-write: what lies between the question and the write is seen by the version that the write got. */
function overwrote(parameter: string): Outcome {
  return {
    status: 'superseded',
    cause: `another run wrote ${parameter} in the same moment, and this one has written over it`,
    next: 'Hosts may serve either of the two: deploy the one that is wanted again, and let one run deploy at a time (`concurrency`)',
  };
}

function vanishing(parameter: string): Problem {
  return new Problem({
    what: `parameter ${parameter}`,
    cause: 'SSM says that it exists when it is to be made, and that it does not when it is read',
    fix: 'See who deletes it, and run this again',
    kind: 'conflict',
  });
}
