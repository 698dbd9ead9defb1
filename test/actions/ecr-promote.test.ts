import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Registry, RegistryRecord } from '../../local/registry/registry.ts';
import { type Local, startLocal } from '../../local/start.ts';
import { runAction } from '../support/action.ts';
import { pushScript } from '../support/image.ts';
import { type Descriptor, registryWriter } from '../support/registry.ts';

const execFileAsync = promisify(execFile);
const OTHER = '210987654321';
const HOME = 'eu-central-1';
const LAYER = randomBytes(300_000);

// Promotions as the runner starts them: real registries of three accounts and regions, every request of theirs in a book.
let local: Local;
/** An index of two platforms with what BuildKit attests, a signature, an SBOM about that, and one by tag. */
let index: Descriptor;
let about: Descriptor[];
let byTag: Descriptor;

const site = (account: string, region: string): Registry => {
  const registry = local.registries.get(`${account}/${region}`);
  if (!registry) throw new Error(`no registry of ${account} in ${region}`);
  return registry;
};

const promote = (inputs: Record<string, string>) =>
  runAction('ecr-build-push', { operation: 'promote', from: `web@${index.digest}`, ...inputs }, { env: local.env() });

async function aws(
  region: string,
  ...args: string[]
): Promise<{ imageDetails: { imageDigest: string; imageTags?: string[] }[] }> {
  const env = { ...process.env, ...local.env(), AWS_REGION: region, AWS_DEFAULT_REGION: region };
  const { stdout } = await execFileAsync('aws', ['ecr', ...args, '--output', 'json'], { env, timeout: 30_000 });
  return JSON.parse(stdout);
}

/** Digests that the aws command line, which knows nothing of Slipway, finds in a repository. */
async function digests(region: string, name: string, ...more: string[]): Promise<string[]> {
  const { imageDetails } = await aws(region, 'describe-images', '--repository-name', name, ...more);
  return imageDetails.map((d) => d.imageDigest).sort();
}

/** What a registry was asked while f ran. */
async function bookOf(registry: Registry, f: () => Promise<unknown>): Promise<RegistryRecord[]> {
  const before = registry.requests().length;
  await f();
  return registry.requests().slice(before);
}

const uploads = (book: readonly RegistryRecord[]) => book.filter((r) => r.kind === 'uploads');

beforeAll(async () => {
  local = await startLocal({
    world: {
      blobMounting: true,
      repositories: [
        'web',
        'script',
        'mounted',
        'partial',
        'broken',
        { name: 'fixed', tagMutability: 'IMMUTABLE' },
        { name: 'secret', encryption: 'KMS', kmsKey: 'arn:aws:kms:eu-central-1:123456789012:key/1' },
      ],
      registries: [
        { account: '123456789012', region: 'us-east-1', repositories: ['web', 'cut', 'slow'] },
        {
          account: OTHER,
          region: HOME,
          repositories: [{ name: 'web', sharedWith: ['123456789012'] }, 'closed'],
        },
      ],
      roles: [{ name: 'reader', account: OTHER }],
    },
  });
  const web = registryWriter(local.registry, 'web');
  const labels = { 'org.opencontainers.image.revision': 'abc' };
  const amd64 = await web.image({ layer: LAYER, labels });
  const arm64 = await web.image({ architecture: 'arm64', labels });
  const attested = await web.about(undefined, 'provenance');
  index = await web.index(
    [
      { ...amd64, platform: { os: 'linux', architecture: 'amd64' } },
      { ...arm64, platform: { os: 'linux', architecture: 'arm64' } },
      {
        ...attested,
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
      },
    ],
    'fp-1-r1',
  );
  const signature = await web.about(index, 'signature');
  about = [signature, await web.about(signature, 'about the signature'), await web.about(arm64, 'sbom of arm64')];
  byTag = await web.about(undefined, 'cosign', `${index.digest.replace(':', '-')}.sig`);
  await web.image({ tag: 'other' });
}, 60_000);
beforeEach(() => local.faults.clear());
afterAll(() => local?.stop(), 30_000);

const whole = () => [index.digest, byTag.digest, ...about.map((a) => a.digest)];

describe('within one registry', () => {
  test('the same digest with everything about it, and no layer through the runner', async () => {
    let run: Awaited<ReturnType<typeof promote>> | undefined;
    const book = await bookOf(local.registry, async () => {
      run = await promote({ repository: 'mounted', tags: 'raw=1.2.3' });
    });
    expect([run?.code, run?.outputs]).toEqual([
      0,
      expect.objectContaining({
        outcome: 'succeeded',
        digest: index.digest,
        'index-digest': index.digest,
        image: `${local.registry.host}/mounted@${index.digest}`,
        revision: 'abc',
        tags: '1.2.3',
        built: 'false',
      }),
    ]);
    expect(uploads(book).length).toBeGreaterThan(5);
    expect([...new Set(uploads(book).map((r) => `${r.method} ${r.status} ${r.received}`))]).toEqual(['POST 201 0']);
    // The one blob that is read is a config, for its labels.
    expect(book.filter((r) => r.kind === 'blobs' && r.method === 'GET')).toHaveLength(1);
    expect(book.reduce((sum, r) => sum + r.received + r.sent, 0)).toBeLessThan(LAYER.length / 10);
    expect(await digests(HOME, 'mounted')).toEqual(expect.arrayContaining(whole()));
    expect(run?.summary).toMatch(/mounted, 0 copied \(0\.0 MB\)/);
  }, 60_000);

  test('again nothing moves, and nothing changes', async () => {
    const book = await bookOf(local.registry, async () => {
      const run = await promote({ repository: 'mounted', tags: 'raw=1.2.3' });
      expect(run.outputs).toMatchObject({ outcome: 'unchanged', digest: index.digest });
    });
    expect(book.filter((r) => r.method !== 'GET' && r.method !== 'HEAD')).toEqual([]);
  });

  test('another encryption keeps layers from being mounted: they are copied, and it is said why', async () => {
    const run = await promote({ repository: 'secret', referrers: 'false' });
    expect(run.outputs).toMatchObject({ outcome: 'succeeded', digest: index.digest });
    expect(run.log).toContain('ECR mounts them when they have the same encryption');
    expect(await digests(HOME, 'secret')).toHaveLength(4);
  }, 30_000);

  test('docker pulls by the digest what was promoted', async () => {
    const image = await pushScript(local, 'script:1', 'true');
    const digest = image.slice(image.indexOf('@') + 1);
    expect((await promote({ from: 'script:1', repository: 'partial' })).outputs).toMatchObject({ digest, tags: '1' });
    const { username, password, serveraddress } = local.registry.pullCredentials();
    const name = `${local.registry.host}/partial@${digest}`;
    await local.engine.pull(name, { username, password, serveraddress });
    await local.engine.removeImage(name);
  }, 60_000);
});

describe('to another registry', () => {
  test('of another region: each blob once, streamed, all platforms and signatures with it', async () => {
    const target = site('123456789012', 'us-east-1');
    let sent: RegistryRecord[] = [];
    const book = await bookOf(target, async () => {
      sent = await bookOf(local.registry, async () => {
        const run = await promote({ repository: 'web', region: 'us-east-1', 'from-region': HOME, tags: 'raw=v1' });
        expect([run.code, run.outputs.image]).toEqual([0, `${target.host}/web@${index.digest}`]);
      });
    });
    expect(await digests('us-east-1', 'web')).toEqual(expect.arrayContaining(whole()));
    const copied = uploads(book).filter((r) => r.method === 'PATCH');
    expect(copied.filter((r) => r.received === LAYER.length)).toHaveLength(1);
    const read = sent.filter((r) => r.kind === 'blobs').map((r) => r.reference);
    expect(new Set(read).size).toBe(read.length);
    const { imageDetails } = await aws('us-east-1', 'describe-images', '--repository-name', 'web');
    const tagOf = (digest: string) => imageDetails.find((d) => d.imageDigest === digest)?.imageTags;
    expect([tagOf(index.digest), tagOf(byTag.digest)]).toEqual([['v1'], [`${index.digest.replace(':', '-')}.sig`]]);
  }, 60_000);

  test('of another account that shares its repository', async () => {
    const run = await promote({ repository: 'web', 'registry-id': OTHER, 'from-registry-id': '123456789012' });
    expect(run.outputs).toMatchObject({ image: `${site(OTHER, HOME).host}/web@${index.digest}` });
    expect(await digests(HOME, 'web', '--registry-id', OTHER)).toEqual(expect.arrayContaining(whole()));
  }, 60_000);

  test('from another account, by a role of it', async () => {
    const closed = registryWriter(site(OTHER, HOME), 'closed');
    await expect(closed.image({ tag: 'x' })).rejects.toThrow(/no resource-based policy/);
    const image = await registryWriter(site(OTHER, HOME), 'web').image({ tag: 'theirs' });
    const role = `arn:aws:iam::${OTHER}:role/reader`;
    const run = await promote({ from: 'web:theirs', repository: 'mounted', 'from-role': role });
    expect([run.code, run.outputs.digest, run.outputs.tags]).toEqual([0, image.digest, 'theirs']);
  }, 60_000);

  test('cut short, it goes on where it was', async () => {
    local.faults.add({ service: 'registry', operation: 'PUT manifests', effect: { status: 500 } });
    const request = { repository: 'cut', region: 'us-east-1', 'from-region': HOME, referrers: 'false' };
    const failed = await promote(request);
    expect([failed.code, failed.outputs.cause]).toEqual([
      1,
      expect.stringMatching(/PUT cut\/manifests.* 500.*Run it again/s),
    ]);
    expect(await digests('us-east-1', 'cut')).toEqual([]);
    local.faults.clear();
    const book = await bookOf(site('123456789012', 'us-east-1'), async () => {
      expect((await promote(request)).outputs.outcome).toBe('succeeded');
    });
    // The first manifest's blobs are there already.
    expect(uploads(book).filter((r) => r.received === LAYER.length)).toEqual([]);
    expect(await digests('us-east-1', 'cut')).toContain(index.digest);
  }, 60_000);

  test.each([
    ['a cut connection while a layer moves', { operation: 'PATCH uploads', effect: { cut: 'before' as const } }],
    ['a failing registry', { operation: 'HEAD blobs', effect: { status: 503 } }],
    ['a throttled registry', { operation: 'POST uploads', effect: { throttle: true as const } }],
    [
      'a login that expires on the way',
      {
        operation: 'PUT manifests',
        effect: {
          error: 'DENIED',
          message: 'Your authorization token has expired. Reauthenticate and try again.',
          httpStatus: 403,
        },
      },
    ],
  ])(
    '%s is got over',
    async (name, fault) => {
      const from = registryWriter(local.registry, 'web');
      const { digest } = await from.image({});
      local.faults.add({ service: 'registry', times: 1, ...fault });
      const run = await promote({
        from: `web@${digest}`,
        repository: 'slow',
        region: 'us-east-1',
        'from-region': HOME,
        tags: `raw=${name.replaceAll(' ', '-')}`,
      });
      expect([run.code, run.outputs.digest]).toEqual([0, digest]);
      expect(local.faults.list()[0]?.struck).toBe(1);
    },
    30_000,
  );
});

describe('what goes wrong', () => {
  test('an immutable tag of another image: nothing is copied', async () => {
    await registryWriter(local.registry, 'fixed').image({ tag: '1.0.0' });
    const book = await bookOf(local.registry, async () => {
      const run = await promote({ repository: 'fixed', tags: 'raw=1.0.0' });
      expect([run.code, run.outputs.cause]).toEqual([1, expect.stringMatching(/^tag 1\.0\.0 of repository fixed/)]);
    });
    expect(uploads(book)).toEqual([]);
  });

  test('the same image under an immutable tag is no mistake', async () => {
    const first = await promote({ repository: 'fixed', tags: 'raw=2.0.0', referrers: 'false' });
    const again = await promote({ repository: 'fixed', tags: 'raw=2.0.0', referrers: 'false' });
    expect([first.outputs.outcome, again.outputs.outcome]).toEqual(['succeeded', 'unchanged']);
  }, 30_000);

  test.each([
    ['no source', { from: '' }, /^input 'from': it is empty/],
    ['a source without digest', { from: 'web' }, /^input 'from' is "web": it names no image by digest or tag/],
    ['an image that is not there', { from: 'web:none' }, /^input 'from' is "web:none": the source repository has no/],
    ['a source repository that is not there', { from: 'nope:1' }, /ECR repository nope: it does not exist/],
    ['a target repository that is not there', { repository: 'nope' }, /ECR repository nope: it does not exist/],
    ['no target', { repository: '' }, /^input 'repository': it is empty/],
    [
      'a target whose policy denies',
      { repository: 'closed', 'registry-id': OTHER },
      /denied.*no resource-based policy allows.*Allow ecr:DescribeRepositories on repository closed/,
    ],
    [
      'a role that may not be assumed',
      { 'from-role': `arn:aws:iam::${OTHER}:role/nobody` },
      /^sts:AssumeRole on role .*nobody: AWS denied it/,
    ],
  ])('%s', async (_, inputs, message) => {
    const run = await promote({ repository: 'broken', ...(inputs as Record<string, string>) });
    expect([run.code, run.outputs.cause]).toEqual([1, expect.stringMatching(message)]);
    expect(run.log).not.toMatch(/^\s+at /m);
  });

  test.each([
    ['PUT manifests', 'ecr:PutImage'],
    ['POST uploads', 'ecr:InitiateLayerUpload'],
    ['GET manifests', 'ecr:BatchGetImage'],
    ['HEAD blobs', 'ecr:BatchCheckLayerAvailability'],
  ])('%s denied names %s', async (operation, permission) => {
    local.faults.add({ service: 'registry', operation, effect: { denied: true } });
    const run = await promote({ repository: 'broken' });
    expect(run.outputs).toMatchObject({ outcome: 'denied', cause: expect.stringContaining(`Allow ${permission} on`) });
  });

  test('no password is in the log, the summary or an output', async () => {
    const run = await promote({ repository: 'mounted' });
    const masked = [...run.log.matchAll(/^::add-mask::(.+)$/gm)].map((m) => m[1] ?? '');
    const shown = run.log.replace(/^::add-mask::.*$/gm, '') + run.summary + JSON.stringify(run.outputs);
    expect(masked.length).toBeGreaterThanOrEqual(2);
    for (const secret of masked) expect(shown).not.toContain(secret);
  });
});
