import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { rooms } from '../../scripts/action-docs.ts';

// The runner only warns of an input that an action does not have, so a misspelt one would be lost in silence.
const root = join(import.meta.dirname, '../..');
const known = new Map(rooms().map(({ name, action }) => [name, new Set(Object.keys(action.inputs ?? {}))]));

interface Step {
  uses?: string;
  with?: Record<string, unknown>;
}

const files = ['.github/workflows', 'workflows', 'sample-app/.github/workflows'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.yml'))
    .map((file) => join(folder, file)),
);

test.each(files)('%s gives our actions only inputs that they have', (file) => {
  const { jobs } = parse(readFileSync(join(root, file), 'utf8')) as { jobs: Record<string, { steps?: Step[] }> };
  const steps = Object.values(jobs).flatMap((job) => job.steps ?? []);
  const strange = steps.flatMap(({ uses = '', with: given = {} }) => {
    const name =
      /^(?:\$|slipway\/slipway)\/actions\/([a-z-]+)/.exec(uses)?.[1] ??
      (/^slipway\/slipway@/.test(uses) ? 'ship' : undefined);
    if (name === undefined) return [];
    return Object.keys(given)
      .filter((input) => !known.get(name)?.has(input))
      .map((input) => `${name}: ${input}`);
  });
  expect(strange).toEqual([]);
});
