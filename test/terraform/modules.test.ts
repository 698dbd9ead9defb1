import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { documentedFolders, filled } from '../../scripts/terraform-docs.ts';
import { byTwos, folders, TERRAFORM, tested } from './folders.ts';
import { SCHEMAS, type StandIn, startProviders } from './provider/server.ts';
import { missingFrom, typesNeeded, unusedIn } from './provider/used-types.ts';
import { type TerraformResult, terraformIn, type WorkingCopy, workingCopy } from './terraform.ts';

// The real terraform over every folder, against the schemas of the providers.
let providers: StandIn;
let copy: WorkingCopy;
const validated = new Map<string, TerraformResult>();
const testRuns = new Map<string, TerraformResult>();

beforeAll(async () => {
  providers = await startProviders();
  copy = workingCopy(TERRAFORM);
  await byTwos(folders(), async (folder) => {
    const run = terraformIn(join(copy.folder, folder), providers.env);
    const init = await run(['init', '-backend=false', '-input=false']);
    validated.set(folder, init.status === 0 ? await run(['validate']) : init);
    if (tested().includes(folder)) testRuns.set(folder, await run(['test']));
  });
}, 600_000);
afterAll(() => {
  providers?.stop();
  copy?.remove();
});

test('the extract of the schemas holds the types in use, and no others', () => {
  const used = typesNeeded(TERRAFORM);
  expect([...missingFrom(SCHEMAS, used), ...unusedIn(SCHEMAS, used)]).toEqual([]);
});

test('all is as terraform fmt lays it out', async () => {
  const { status, output } = await terraformIn(TERRAFORM)(['fmt', '-check', '-recursive', '-diff']);
  expect([status, output]).toEqual([0, '']);
});

describe('terraform validate', () => {
  test.each(folders())('%s', (folder) => {
    const { status, output } = validated.get(folder) ?? { status: -1, output: 'not run' };
    expect([status, output]).toEqual([0, expect.stringContaining('The configuration is valid')]);
    expect(output).not.toContain('Warning');
  });
});

describe('terraform test', () => {
  test.each(tested())('%s', (folder) => {
    const { status, output } = testRuns.get(folder) ?? { status: -1, output: 'not run' };
    expect([status, output]).toEqual([0, expect.stringMatching(/Success! [1-9]\d* passed, 0 failed/)]);
  });

  test('every module has one', () => {
    const modules = folders().filter((folder) => /^(modules\/[^/]+|bootstrap)$/.test(folder));
    expect(modules.filter((folder) => !tested().includes(folder))).toEqual([]);
  });
});

describe('the tables of the README are those of the code', () => {
  test.each(documentedFolders(TERRAFORM))('%s', (folder) => {
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(readme).toBe(filled(readme, folder) ?? 'a README with <!-- terraform-docs --> and <!-- /terraform-docs -->');
  });
});
