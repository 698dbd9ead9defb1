import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ProbeFailure } from '../failure.ts';
import { limit, unlessAborted } from './within.ts';

export type Family = 'any' | '4' | '6';

/** Where a host is to be found in place of what its name says. */
export interface Override {
  /** Lower case. */
  host: string;
  /** Any where undefined. */
  port?: number | undefined;
  addresses: readonly string[];
  toPort?: number | undefined;
}

export interface Place {
  addresses: LookupAddress[];
  port: number;
}

/** Asks for the addresses of a name, of one family (4, 6) or any (0). Rejects with an error that has a code, as Node's own look-up does. */
export type Lookup = (name: string, family: number) => Promise<LookupAddress[]>;

/** As this machine looks names up, hosts file and all, in the order in which they are given. */
export const machineLookup: Lookup = (name, family) => systemLookup(name, { all: true, family, order: 'verbatim' });

/** Whether an override leads a host and port to another place. */
export function leads(override: Override, host: string, port: number): boolean {
  return override.host === host.toLowerCase() && (override.port ?? port) === port;
}

/** Addresses of a host as this machine sees them (hosts file and all), or as an override says. @throws ProbeFailure kinds dns and timeout */
export async function findPlace(
  host: string,
  port: number,
  options: { family: Family; overrides: readonly Override[]; dnsMs: number; signal: AbortSignal; lookup: Lookup },
): Promise<Place> {
  const override = options.overrides.find((o) => leads(o, host, port));
  const name = host.replace(/^\[|\]$/g, '');
  const family = Number(options.family === 'any' ? 0 : options.family);
  const literal = override?.addresses ?? (isIP(name) === 0 ? [] : [name]);
  if (literal.length > 0) {
    const addresses = literal.map((address) => ({ address, family: isIP(address) }));
    const fitting = addresses.filter((a) => family === 0 || a.family === family);
    if (fitting.length === 0)
      throw new ProbeFailure(
        'dns',
        `${literal.join(', ')} is no IPv${family} address, and \`ip-version\` asks for one`,
        true,
      );
    return { addresses: fitting, port: override?.toPort ?? port };
  }
  const { signal, end } = limit(options.signal, options.dnsMs, 'answer to the name look-up');
  try {
    const addresses = await unlessAborted(options.lookup(name, family), signal);
    return { addresses, port };
  } catch (error) {
    if (family !== 0 && (error as NodeJS.ErrnoException).code === 'ENOTFOUND')
      throw new ProbeFailure('dns', `${name} has no IPv${family} address`, true);
    throw error;
  } finally {
    end();
  }
}
