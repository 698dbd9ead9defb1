import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { judge } from './conftest.ts';
import { byTwos, TERRAFORM } from './folders.ts';
import { type StandIn, startProviders } from './provider/server.ts';
import { terraformIn, workingCopy } from './terraform.ts';

// Each policy over plans that the real terraform makes of its two fixtures.
const FIXTURES = join(TERRAFORM, 'policy/fixtures');
const POLICIES = readdirSync(FIXTURES).sort();
const KINDS = ['pass', 'fail'] as const;
const plans = new Map<string, string>();
let providers: StandIn;

async function planOf(fixture: string): Promise<string> {
  const copy = workingCopy(join(FIXTURES, fixture));
  try {
    const terraform = terraformIn(copy.folder, providers.env);
    for (const argv of [
      ['init', '-input=false'],
      ['plan', '-input=false', '-out=plan'],
    ]) {
      const { status, output } = await terraform(argv);
      if (status !== 0) throw new Error(`${fixture}: ${output}`);
    }
    return (await terraform(['show', '-json', 'plan'])).stdout;
  } finally {
    copy.remove();
  }
}

beforeAll(async () => {
  providers = await startProviders();
  const fixtures = POLICIES.flatMap((policy) => KINDS.map((kind) => `${policy}/${kind}`));
  await byTwos(fixtures, async (fixture) => plans.set(fixture, await planOf(fixture)));
}, 120_000);
afterAll(() => providers?.stop());

/** What a fixture marks with `# denied`, by address. */
function marked(fixture: string): string[] {
  const folder = join(FIXTURES, fixture);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.tf'))
    .flatMap((name) => {
      const nested = relative(folder, join(folder, name, '..'));
      const module = nested === '' ? '' : `module.${nested}.`;
      const text = readFileSync(join(folder, name), 'utf8');
      return [...text.matchAll(/^(resource|variable) "(\w+)"(?: "(\w+)")? \{ # denied/gm)].map(
        ([, kind, first, second]) => (kind === 'variable' ? `var.${first}` : `${module}${first}.${second}`),
      );
    })
    .sort();
}

test('each policy has its fixtures, and each file of Rego its policy', () => {
  const files = readdirSync(join(TERRAFORM, 'policy')).filter((name) => name.endsWith('.rego') && name !== 'main.rego');
  expect(files.map((name) => name.replace('.rego', '').replaceAll('_', '-')).sort()).toEqual(POLICIES);
});

describe.each(POLICIES)('%s', (policy) => {
  const of = async (kind: string) => {
    const { failures } = await judge(plans.get(`${policy}/${kind}`) ?? '');
    return failures.filter((failure) => failure.policy === policy).map(({ address }) => address);
  };

  test('lets its good fixture pass', async () => {
    expect(await judge(plans.get(`${policy}/pass`) ?? '')).toEqual({ failures: [], warnings: [] });
  });

  test('denies all that its bad fixture marks, and nothing else', async () => {
    expect(marked(`${policy}/fail`).length).toBeGreaterThan(0);
    expect([...new Set(await of('fail'))].sort()).toEqual(marked(`${policy}/fail`));
  });
});

describe('exceptions', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-policy-data-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const SSH = 'aws_security_group.ssh';
  const verdict = (exceptions: object[], plan = 'open-ingress/fail') => {
    writeFileSync(join(folder, 'settings.json'), JSON.stringify({ slipway: { exceptions } }));
    return judge(plans.get(plan) ?? '', folder);
  };
  const denied = async (exceptions: object[]) => (await verdict(exceptions)).failures.map(({ address }) => address);

  test('let through what they name, and only that', async () => {
    const all = await denied([]);
    const left = await denied([{ policy: 'open-ingress', address: SSH, reason: 'a bastion' }]);
    expect(left.sort()).toEqual(all.filter((address) => address !== SSH).sort());
  });

  test.each([
    ['another policy’s', { policy: 'tags', address: SSH, reason: 'a bastion' }],
    ['one that has ended', { policy: 'open-ingress', address: SSH, reason: 'a bastion', until: '2020-01-01' }],
    ['one without a reason', { policy: 'open-ingress', address: SSH, reason: ' ' }],
  ])('%s lets nothing through', async (_, exception) => {
    expect(await denied([exception])).toContain(SSH);
  });

  test('that are not needed are pointed out', async () => {
    const { warnings } = await verdict([{ policy: 'open-ingress', address: 'aws_security_group.gone', reason: 'x' }]);
    expect(warnings).toEqual([expect.stringContaining('aws_security_group.gone is not needed')]);
  });
});

test('what is no plan is denied', async () => {
  const { failures } = await judge('{}');
  expect(failures.map(({ policy }) => policy)).toEqual(['input']);
});
