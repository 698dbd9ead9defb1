import type { InstancesConfig } from '../../../lib/config/verify.ts';
import { parseJsonPath, valuesAt } from '../../../lib/json-path.ts';
import { excerpt } from '../expect/operators.ts';
import type { Seen } from '../probe.ts';

/** The instance that an attempt reached; undefined where it does not say, as when nothing answered. */
export function instanceOf({ answer, address }: Seen, { by }: InstancesConfig): string | undefined {
  if (by === 'address') return address;
  if (!answer) return undefined;
  const [, kind, place = ''] = /^(header|json):(.+)$/.exec(by) ?? [];
  if (kind === 'header') return named(answer.headers[place.toLowerCase()]);
  try {
    const [value] = valuesAt(JSON.parse(answer.body), parseJsonPath(place) ?? []);
    return named(value);
  } catch {
    return undefined;
  }
}

/** A name that is shown; a whole document is told apart by its beginning. Nothing is no name. */
function named(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return excerpt(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** Takes addresses in turns: the one that was asked longest ago, or never. */
export class Rota {
  readonly #asked = new Map<string, number>();
  #turn = 0;
  /** How many addresses there were at the last turn. */
  size = 0;

  readonly choose = (addresses: readonly string[]): string => {
    this.size = new Set(addresses).size;
    const when = (address: string) => this.#asked.get(address) ?? -1;
    const next = addresses.reduce((a, b) => (when(b) < when(a) ? b : a));
    this.#asked.set(next, this.#turn++);
    return next;
  };
}
