import { describe, expect, test } from '@jest/globals';
import type { LedgerEntry } from '../../../lib/ledger/ledger.ts';
import { recordingLog } from '../../../lib/log.ts';
import { newest } from './ecs-usage.ts';
import { placesOf } from './places.ts';
import { planOf, type Rules, type StoredManifest } from './plan.ts';
import { type PrunePorts, prune } from './run.ts';
import { Usage } from './usage.ts';

const DAY = 24 * 3600 * 1000;
const NOW = 1000 * DAY;
const hex = (name: string) => Buffer.from(name).toString('hex').padEnd(64, '0');
const digest = (name: string) => `sha256:${hex(name)}`;

/** @param days its age */
const image = (
  name: string,
  days: number,
  tags: string[] = [],
  over: Partial<StoredManifest> = {},
): StoredManifest => ({
  digest: digest(name),
  tags,
  pushedAt: NOW - days * DAY,
  sizeInBytes: 1,
  children: [],
  ...over,
});

function decide(images: StoredManifest[], over: Partial<Rules> & { used?: string[] } = {}) {
  const used = new Set((over.used ?? []).map(digest));
  const rules: Rules = {
    keepNewest: 1,
    keepTags: ['lambda-*'],
    minAgeMs: DAY,
    now: NOW,
    usersOf: (d) => (used.has(d) ? ['service a/b'] : []),
    ...over,
  };
  const plan = planOf(images, rules);
  const name = (d: string) => Buffer.from(d.slice(7), 'hex').toString().replaceAll('\0', '');
  return {
    deleted: plan.decisions.filter((d) => d.action === 'delete').map((d) => name(d.image.digest)),
    why: Object.fromEntries(plan.decisions.map((d) => [name(d.image.digest), d.why])),
    batches: plan.batches.map((b) => b.map(name)),
  };
}

describe('which images go', () => {
  const young = image('young', 2, ['fp-9-r1']);
  test.each<[string, StoredManifest, { used?: string[] }, string | undefined]>([
    ['an old one that nobody uses', image('x', 9, ['fp-1-r1']), {}, 'not among the newest 1, and nobody uses it'],
    ['an old one that is used', image('x', 9, ['fp-1-r1']), { used: ['x'] }, undefined],
    ['one without a tag', image('x', 9), {}, 'no tag, and nobody uses it'],
    ['one without a tag that is used', image('x', 9), { used: ['x'] }, undefined],
    ['one that was pushed just now', image('x', 0.5), {}, undefined],
    ['latest, however old', image('x', 99, ['latest']), {}, undefined],
    ['one with a tag that is to be kept', image('x', 99, ['lambda-7', 'sha-1']), {}, undefined],
    ['the cache', image('x', 99, ['cache']), {}, undefined],
    ['a pull request’s', image('x', 99, ['pr-7']), {}, undefined],
    ['a branch’s', image('x', 99, ['branch-x', 'pr-7']), {}, undefined],
    [
      'a branch’s that has another tag',
      image('x', 99, ['branch-x', 'sha-1']),
      {},
      'not among the newest 1, and nobody uses it',
    ],
    ['a version', image('x', 99, ['1.2.3']), {}, 'not among the newest 1, and nobody uses it'],
    [
      'a signature whose image is gone',
      image('x', 9, [], { subject: digest('gone') }),
      {},
      'the image that it is about is gone',
    ],
  ])('%s', (_, one, over, why) => {
    const { deleted, why: reasons } = decide([young, one], over);
    expect([deleted, why && reasons.x]).toEqual([why === undefined ? [] : ['x'], why]);
  });

  test('the newest stay, by the time of their push; pull requests, caches and untagged images take no place', () => {
    const images = [
      image('a', 3, ['sha-1']),
      image('b', 2, ['fp-2']),
      image('c', 5, ['fp-3']),
      ...Array.from({ length: 40 }, (_, i) => image(`pr${i}`, 1.5, [`pr-${i}`])),
      image('cache', 1.2, ['cache']),
      image('untagged', 1.1),
    ];
    const { deleted, why } = decide(images, { keepNewest: 2 });
    expect(deleted).toEqual(['c', 'untagged']);
    expect([why.b, why.a]).toEqual(['number 1 of the newest 2', 'number 2 of the newest 2']);
  });
});

describe('an image is more than its manifest', () => {
  const parts = [image('amd', 9), image('arm', 9), image('attested', 9)];
  const index = (name: string, days: number, tags: string[]) =>
    image(name, days, tags, { children: parts.map((p) => p.digest) });
  const signature = image('sig', 9, [], { subject: digest('index') });
  const sbom = image('sbom', 9, [], { subject: digest('sig') });
  const cosign = image('cosign', 9, [`sha256-${hex('index')}.sig`]);

  test('an index stays with its platforms, attestations, signatures and what is about those', () => {
    const { deleted, why } = decide([index('index', 9, ['v1']), ...parts, signature, sbom, cosign]);
    expect(deleted).toEqual([]);
    expect(why.arm).toBe(`part of ${digest('index').slice(0, 19)}`);
    expect(why.sbom).toBe(`about ${digest('sig').slice(0, 19)}`);
  });

  test('and goes with them: the index before its platforms, since ECR does not let go of its parts before', () => {
    const images = [...parts, signature, sbom, cosign, index('index', 9, ['v1']), image('new', 2, ['v2'])];
    expect(decide(images).batches).toEqual([
      ['sig', 'sbom', 'cosign', 'index'],
      ['amd', 'arm', 'attested'],
    ]);
  });

  test('a platform’s own tag does not save it from its index’s fate, except where that tag would by itself', () => {
    const tagged = [image('amd', 9, ['v1-amd64']), image('arm', 9, ['lambda-1'])];
    const both = image('index', 9, ['v1'], { children: tagged.map((p) => p.digest) });
    expect(decide([both, ...tagged, image('new', 2, ['v2'])]).deleted).toEqual(['index', 'amd']);
  });

  test('what two indexes share stays with the one that stays', () => {
    const images = [index('kept', 2, ['v2']), index('gone', 9, ['v1']), ...parts];
    expect(decide(images).deleted).toEqual(['gone']);
  });

  test('a running task that names one platform keeps the whole index, and not another index that shares it', () => {
    const alone = image('alone', 9, ['v1'], { children: [digest('amd'), digest('arm')] });
    const images = [alone, ...parts, image('new', 2, ['v2'])];
    expect(decide(images, { used: ['arm'] }).deleted).toEqual(['attested']);
  });

  test('an index of indexes keeps all levels', () => {
    const outer = image('outer', 9, ['v1'], { children: [digest('index')] });
    const images = [outer, index('index', 9, []), ...parts, image('new', 2, ['v2'])];
    expect(decide(images, { used: ['amd'] }).deleted).toEqual([]);
    expect(decide(images).batches).toEqual([['outer'], ['index'], ['amd', 'arm', 'attested']]);
  });
});

describe('what is used', () => {
  const d = digest('x');
  const entry = (over: Partial<LedgerEntry>): LedgerEntry => ({
    component: 'web',
    environment: 'prod',
    commit: 'c',
    state: 'deployed',
    runUrl: '',
    at: '2026-11-21T00:00:00Z',
    ...over,
  });
  test.each<[string, string, string[], boolean]>([
    ['by digest', `host.test/web@${d}`, [], true],
    ['by digest in another repository: the content is the same', `host.test/other@${d}`, [], true],
    ['by tag and digest', `host.test/web:v1@${d}`, [], true],
    ['by tag', 'host.test/web:v1', ['v1'], true],
    ['by a tag that the image does not have', 'host.test/web:v2', ['v1'], false],
    ['by tag in another repository', 'host.test/other:v1', ['v1'], false],
    ['by no tag, which is latest', 'host.test/web', ['latest'], true],
    ['by a name with a port and a path', '127.0.0.1:5000/team/web:v1', ['v1'], false],
    ['the image of something else', 'public.ecr.aws/nginx:1', ['1'], false],
  ])('%s', (_, reference, tags, used) => {
    const usage = new Usage('web');
    usage.addReference(reference, 'task');
    expect(usage.of(d, tags)).toEqual(used ? ['task'] : []);
  });

  test('every image of a ledger entry, also of one that was rolled back or failed', () => {
    const usage = new Usage('web');
    usage.addLedger([
      entry({ images: { web: `web@${d}`, sidecar: `proxy@${digest('y')}` } }),
      entry({ state: 'held', images: { web: `web@${digest('z')}` } }),
      entry({ state: 'destroyed' }),
    ]);
    expect(usage.of(digest('y'), [])).toEqual(['ledger: web in prod, deployed 2026-11-21']);
    expect([usage.of(digest('z'), []).length, usage.looked]).toEqual([1, 3]);
  });

  test.each([
    ['all', ['a:1', 'a:10', 'a:9', 'b:1']],
    [1, ['a:10', 'b:1']],
    [2, ['a:10', 'a:9', 'b:1']],
  ] as const)('task definitions to keep: %s', (keep, wanted) => {
    expect(newest(['a:1', 'a:10', 'a:9', 'b:1'], keep)).toEqual(wanted);
  });
});

describe('where ECS is asked', () => {
  const config = (environments: object) => ({ environments, registry: { region: 'eu-central-1' } }) as never;
  const role = (account: string) => `arn:aws:iam::${account}:role/x`;
  const places = (given: string[], environments: object = {}) =>
    placesOf({ given, region: 'eu-central-1', account: async () => '111111111111', config: config(environments) });

  test('in the registry’s region and every environment’s', async () => {
    const environments = {
      dev: { role: role('111111111111') },
      prod: { region: 'us-east-1' },
      far: { registry: { account: '111111111111', region: 'us-west-2' } },
    };
    const regions = ['eu-central-1', 'us-east-1', 'us-west-2'];
    expect(await places([], environments)).toEqual(regions.map((region) => ({ region })));
  });
  test('where the input says, and nowhere when it says so', async () => {
    expect(await places(['eu-west-1', `us-gov-west-1 ${role('2'.repeat(12))}`])).toEqual([
      { region: 'eu-west-1' },
      { region: 'us-gov-west-1', role: role('2'.repeat(12)) },
    ]);
    expect(await places(['none'])).toEqual([]);
  });
  test('an environment of another account that nobody can read stops everything', async () => {
    await expect(places([], { prod: { role: role('222222222222') } })).rejects.toThrow(
      /environment prod is "222222222222".*nothing is deleted.*eu-central-1 arn:aws:iam::222222222222:role\/NAME/,
    );
  });
  test.each(['frankfurt', 'eu-central-1 role', 'eu-central-1, us-east-1'])('line %p is refused', async (line) => {
    await expect(places([line])).rejects.toThrow(/neither a region nor a region and the ARN of a role/);
  });
});

describe('a run', () => {
  const settings = {
    repository: 'web',
    keepNewest: 1,
    keepTags: [],
    minAgeMs: DAY,
    rollbackDepth: 1,
    dryRun: false,
    ledger: 'git',
  };
  const told: LedgerEntry = {
    component: 'web',
    environment: 'prod',
    commit: 'c',
    state: 'deployed',
    runUrl: '',
    at: '2026-11-21T00:00:00Z',
  };
  function portsWith(over: Partial<PrunePorts> = {}) {
    const removed: string[][] = [];
    const ports: PrunePorts = {
      log: recordingLog(),
      now: () => NOW,
      places: async () => [{ region: 'eu-central-1' }],
      inventory: async () => [image('new', 2, ['v2']), image('old', 9, ['v1'])],
      ledger: async () => [told],
      addEcs: async () => undefined,
      remove: async (digests) => {
        removed.push([...digests]);
        return [];
      },
      ...over,
    };
    return { ports, removed };
  }

  test('where nothing was ever deployed, nothing is deleted: a wrong region looks the same', async () => {
    const { ports, removed } = portsWith({ ledger: async () => [] });
    await expect(prune(settings, ports)).rejects.toThrow(/what runs: no ledger has an entry.*in eu-central-1/);
    expect(removed).toEqual([]);
  });

  test('unless nobody was to be asked', async () => {
    const { ports, removed } = portsWith({ places: async () => [] });
    const report = await prune({ ...settings, ledger: 'none' }, ports);
    expect(removed).toEqual([[digest('old')]]);
    expect(report.annotations).toEqual([{ level: 'warning', message: expect.stringContaining('Nothing was asked') }]);
  });

  test('what is used is read after what is stored, so that what is deployed meanwhile is seen', async () => {
    const order: string[] = [];
    const { ports } = portsWith({
      inventory: async () => {
        order.push('stored');
        return [image('new', 2, ['v2']), image('old', 9, ['v1'])];
      },
      ledger: async () => {
        order.push('ledger');
        return [told];
      },
      addEcs: async (usage) => {
        order.push('ecs');
        usage.addDigest(digest('old'), 'task x');
      },
    });
    expect((await prune(settings, ports)).outcome.status).toBe('unchanged');
    expect(order).toEqual(['stored', 'ledger', 'ecs']);
  });

  test('what ECR refuses to delete fails the run, with its reason, and is not told as deleted', async () => {
    const failure = {
      imageId: { imageDigest: digest('old') },
      failureCode: 'ImageReferencedByManifestList' as const,
      failureReason: 'still listed',
    };
    const report = await prune(settings, portsWith({ remove: async () => [failure] }).ports);
    expect(report.outcome).toMatchObject({ status: 'failed', cause: expect.stringContaining('still listed') });
    expect([report.outputs.deleted, report.summary.includes('still listed')]).toEqual(['', true]);
  });
});
