import { Problem } from '../../lib/errors.ts';

/** The private registry of an account in a region. */
export interface RegistryRef {
  account: string;
  region: string;
}

const SHORT = /^(\d{12})(?:\/([a-z0-9-]+))?$/;
// Source: ECR user guide, "Amazon ECR registries".
const HOST = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$/;

/** Reads ACCOUNT, ACCOUNT/REGION or a registry's host. @throws Problem for anything else, such as an account whose leading zero YAML dropped */
export function parseRegistries(entries: readonly string[], region: string): RegistryRef[] {
  const found = entries.map((entry) => {
    const [, account, where = region] = SHORT.exec(entry) ?? HOST.exec(entry) ?? [];
    if (account === undefined) throw noRegistry(entry);
    return { account, region: where };
  });
  return [...new Map(found.map((one) => [`${one.account}/${one.region}`, one])).values()];
}

function noRegistry(entry: string): Problem {
  return new Problem({
    what: "input 'registries'",
    seen: entry,
    cause: /^\d{1,11}$/.test(entry)
      ? 'an account has twelve digits; YAML drops the zeros at the start of a number without quotes'
      : 'it names no registry',
    fix: "Write '123456789012', '123456789012/us-east-1', or 123456789012.dkr.ecr.us-east-1.amazonaws.com",
  });
}
