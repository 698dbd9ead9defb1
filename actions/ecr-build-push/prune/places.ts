import type { Config } from '../../../lib/config/load.ts';
import { Problem } from '../../../lib/errors.ts';

/** A region of an account in which ECS may run images of the repository. */
export interface EcsPlace {
  region: string;
  /** The role to read it by, where the credentials are of another account. */
  role?: string;
}

export interface PlacesRequest {
  /** Lines of the input `ecs-places`. */
  given: readonly string[];
  /** Region of the registry. */
  region: string;
  /** Account of the credentials; asked for when an environment has a role. */
  account(): Promise<string>;
  config: Config | undefined;
}

const PLACE = /^([a-z]{2,4}(?:-[a-z]+)+-\d{1,2})(?:\s+(arn:aws[a-z-]*:iam::\d{12}:role\/\S+))?$/;

/**
 * Where to ask what runs: the places that are given, else the registry's region and those of every environment of the config file.
 * `none` on purpose is [].
 * @throws Problem for an environment of another account that no line tells how to read: nothing may be deleted unseen
 */
export async function placesOf({ given, region, account, config }: PlacesRequest): Promise<EcsPlace[]> {
  if (given.length === 1 && given[0] === 'none') return [];
  if (given.length > 0) return given.map(parsePlace);
  const regions = new Set([region]);
  for (const [name, environment] of Object.entries(config?.environments ?? {})) {
    const owner = /^arn:[^:]+:iam::(\d{12}):/.exec(environment.role ?? '')?.[1];
    const where = environment.region ?? environment.registry?.region ?? config?.registry?.region ?? region;
    if (owner !== undefined && owner !== (await account())) throw otherAccount(name, owner, where);
    regions.add(where);
  }
  return [...regions].map((one) => ({ region: one }));
}

function parsePlace(line: string): EcsPlace {
  const [, region, role] = PLACE.exec(line) ?? [];
  if (region !== undefined) return { region, ...(role !== undefined && { role }) };
  throw new Problem({
    what: "input 'ecs-places'",
    seen: line,
    cause: 'it is neither a region nor a region and the ARN of a role',
    fix: 'Write for instance: eu-central-1 arn:aws:iam::123456789012:role/slipway-read; or none where ECS runs none of these images',
  });
}

function otherAccount(environment: string, account: string, region: string): Problem {
  return new Problem({
    what: `environment ${environment}`,
    seen: account,
    cause: 'it is in another account than the credentials, so that what runs there is not known; nothing is deleted',
    fix: `List every place in \`ecs-places\`, this one as: ${region} arn:aws:iam::${account}:role/NAME (a role that these credentials may assume and that may read ECS)`,
    kind: 'denied',
  });
}
