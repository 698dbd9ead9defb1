import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const TERRAFORM = join(ROOT, 'terraform');

/** Every folder below terraform/ with configuration, as its path below it. Fixtures of policies are wrong on purpose. */
export function folders(): string[] {
  const found = readdirSync(TERRAFORM, { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isFile() && entry.name.endsWith('.tf') && !/\/(\.terraform|fixtures)(\/|$)/.test(entry.parentPath),
    )
    .map(({ parentPath }) => relative(TERRAFORM, parentPath));
  return [...new Set(found)].sort();
}

/** What somebody applies: environments, and the examples that show how a module is called. */
export const roots = (): string[] =>
  folders().filter((folder) => /(^|\/)(examples|environments|azure)(\/|$)/.test(folder));

/** With tests of Terraform's own (`terraform test`). */
export const tested = (): string[] =>
  folders().filter((folder) => {
    const tests = join(TERRAFORM, folder, 'tests');
    return existsSync(tests) && readdirSync(tests).some((name) => name.endsWith('.tftest.hcl'));
  });

/** Runs `work` over the items, two at a time: the machine of the tests has two cores. */
export async function byTwos<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all([lane(), lane()]);
  return results;
}
