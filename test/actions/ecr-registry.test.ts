import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Local, startLocal } from '../../local/start.ts';
import { runAction } from '../support/action.ts';

const execFileAsync = promisify(execFile);
const OTHER = '210987654321';
const finding = { name: 'CVE-2026-1', severity: 'CRITICAL' as const, package: 'zlib', installed: '1', fixedIn: '2' };

// Builds as the runner starts them: the repository that is made for the image, and the gate that it has to pass.
let local: Local;
let work: string;
let env: Record<string, string>;
const git = (...args: string[]) => execFileSync('git', args, { cwd: work, encoding: 'utf8', stdio: 'pipe' }).trim();

const build = (inputs: Record<string, string>, over: Record<string, string> = {}) =>
  runAction('ecr-build-push', { context: 'web', ...inputs }, { cwd: work, env: { ...env, ...over } });

async function aws<T>(...args: string[]): Promise<T> {
  const { stdout } = await execFileAsync('aws', ['ecr', ...args, '--output', 'json'], {
    env: { ...process.env, ...local.env() },
    timeout: 30_000,
  });
  return JSON.parse(stdout) as T;
}

async function tags(repository: string): Promise<string[]> {
  type Images = { imageDetails: { imageTags?: string[] }[] };
  const { imageDetails } = await aws<Images>('describe-images', '--repository-name', repository);
  return imageDetails.flatMap((d) => d.imageTags ?? []);
}

beforeAll(async () => {
  local = await startLocal({
    world: {
      repositories: [
        'clean',
        { name: 'basic', scanOnPush: true, findings: [finding, { name: 'CVE-2026-2', severity: 'LOW' }] },
        { name: 'inspector', scanType: 'ENHANCED', findings: [finding] },
        { name: 'unsupported', scanOnPush: true, scanStatus: 'UNSUPPORTED_IMAGE' },
        { name: 'trivy' },
      ],
      registries: [{ account: OTHER, region: 'eu-central-1', repositories: ['web'] }],
    },
  });
  work = mkdtempSync(join(tmpdir(), 'slipway-registry-'));
  git('init', '--quiet', '--initial-branch=main');
  mkdirSync(join(work, 'web'));
  writeFileSync(join(work, 'web/Dockerfile'), 'FROM scratch\nCOPY . /\n');
  git('add', '-A');
  git('-c', 'user.name=t', '-c', 'user.email=t@t.invalid', 'commit', '--quiet', '-m', 'first');
  env = {
    ...local.env(),
    GITHUB_WORKSPACE: work,
    GITHUB_REPOSITORY: 'acme/sample',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_REF_NAME: 'main',
    GITHUB_REF_TYPE: 'branch',
    GITHUB_SHA: git('rev-parse', 'HEAD'),
  };
}, 60_000);
beforeEach(() => local.faults.clear());
afterAll(async () => {
  await local?.stop();
  rmSync(work, { recursive: true, force: true });
}, 30_000);

describe('a repository that is missing', () => {
  const create = { 'create-repository': 'true' };
  type Repositories = { repositories: Record<string, unknown>[] };
  type Policy = { lifecyclePolicyText: string };
  const described = async (name: string) =>
    (await aws<Repositories>('describe-repositories', '--repository-names', name)).repositories[0];
  const policy = async (name: string) =>
    JSON.parse((await aws<Policy>('get-lifecycle-policy', '--repository-name', name)).lifecyclePolicyText) as {
      rules: { selection: { tagPatternList: string[]; countNumber: number } }[];
    };

  test('is made: scanned on push, immutable but for what must move, encrypted, with ages for pull requests and branches', async () => {
    const run = await build({ ...create, repository: 'made', tags: 'sha\nbranch\nlatest', 'expire-days': '7' });
    expect([run.code, run.outputs.outcome]).toEqual([0, 'succeeded']);
    expect(await described('made')).toMatchObject({
      imageScanningConfiguration: { scanOnPush: true },
      imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
      imageTagMutabilityExclusionFilters: ['latest', 'branch-*', 'pr-*', 'cache*'].map((filter) => ({
        filterType: 'WILDCARD',
        filter,
      })),
      encryptionConfiguration: { encryptionType: 'AES256' },
    });
    const aged = (await policy('made')).rules.filter((r) => r.selection.countNumber === 7);
    expect(aged.map((r) => r.selection.tagPatternList)).toEqual([['pr-*'], ['branch-*']]);
  }, 60_000);

  test('with the key and the filters that were asked for', async () => {
    const key = 'arn:aws:kms:eu-central-1:123456789012:key/1';
    const inputs = { repository: 'keyed', encryption: key, 'mutable-tags': 'edge,pr-*', 'expire-days': '0' };
    expect((await build({ ...create, ...inputs })).code).toBe(0);
    expect(await described('keyed')).toMatchObject({
      imageTagMutabilityExclusionFilters: [{ filter: 'edge' }, { filter: 'pr-*' }],
      encryptionConfiguration: { encryptionType: 'KMS', kmsKey: key },
    });
    await expect(policy('keyed')).rejects.toThrow(/LifecyclePolicyNotFoundException/);
  }, 60_000);

  test('a run that ended between the two calls is made good by the next one; what somebody else set is left alone', async () => {
    local.faults.add({ service: 'ecr', operation: 'PutLifecyclePolicy', effect: { denied: true } });
    const denied = await build({ ...create, repository: 'halfway' });
    expect(denied.outputs).toMatchObject({
      outcome: 'denied',
      cause: expect.stringContaining('Allow ecr:PutLifecyclePolicy on repository halfway'),
    });
    local.faults.clear();
    expect((await build({ ...create, repository: 'halfway' })).code).toBe(0);
    expect((await policy('halfway')).rules).toHaveLength(5);
    const own = {
      rules: [
        {
          rulePriority: 1,
          selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 9 },
          action: { type: 'expire' },
        },
      ],
    };
    await aws('put-lifecycle-policy', '--repository-name', 'halfway', '--lifecycle-policy-text', JSON.stringify(own));
    await build({ ...create, repository: 'halfway' });
    expect(await policy('halfway')).toEqual(own);
  }, 60_000);

  test('two legs that make it at once both go on', async () => {
    const runs = await Promise.all(
      [1, 2].map((n) => build({ ...create, repository: 'raced', tags: `raw=leg-${n}`, 'build-args': `LEG=${n}` })),
    );
    expect(runs.map((run) => [run.code, run.outputs.cause])).toEqual([
      [0, expect.any(String)],
      [0, expect.any(String)],
    ]);
    expect(await tags('raced')).toEqual(expect.arrayContaining(['leg-1', 'leg-2']));
  }, 60_000);

  test.each([
    ['filters that ECR would refuse', { 'mutable-tags': 'a,b,c,d,e,f' }, /6 filters, and ECR takes at most 5/],
    [
      'an account that is not ours',
      { 'registry-id': '999999999999' },
      /with credentials of account 123456789012 ECR would create it in that one/,
    ],
    [
      'another account’s registry: it would be made in our own',
      { 'registry-id': OTHER },
      /resource-based policy allows the ecr:DescribeRepositories/,
    ],
  ])(
    '%s',
    async (_, inputs, message) => {
      const run = await build({ ...create, repository: 'refused', ...(inputs as Record<string, string>) });
      expect([run.code, run.outputs.cause]).toEqual([1, expect.stringMatching(message)]);
      await expect(described('refused')).rejects.toThrow(/RepositoryNotFoundException/);
    },
    30_000,
  );
});

describe('the scan gate', () => {
  test.each(['basic', 'inspector'])(
    'a finding fails the step, and the image gets no tag to deploy by (%s)',
    async (repository) => {
      const run = await build({ repository, scan: 'ecr', tags: 'raw=v1' });
      expect(run.code).toBe(1);
      expect(run.outputs).toMatchObject({
        outcome: 'failed',
        cause: expect.stringContaining('fails from critical on: CVE-2026-1 in zlib'),
        findings: expect.stringContaining('"critical":1'),
      });
      expect(run.outputs.image ?? '').toBe('');
      expect(run.summary).toContain('| critical | `CVE-2026-1` | `zlib` | `1` | `2` |');
      expect(await tags(repository)).toEqual([expect.stringMatching(/^fp-/)]);
    },
    60_000,
  );

  test('an image that is reused is judged again, by the ignores of today', async () => {
    const file = join(work, 'ignored.txt');
    writeFileSync(file, '# zlib\nCVE-2026-1:zlib 2020-01-01 was fine then\n');
    const inputs = { repository: 'basic', scan: 'ecr', tags: 'raw=v1', 'ignore-file': 'ignored.txt' };
    const expired = await build(inputs);
    expect([expired.code, expired.log]).toEqual([
      1,
      expect.stringContaining('its ignore ended on 2020-01-01 (ignored.txt:2)'),
    ]);
    writeFileSync(file, 'CVE-2026-1:zlib 2999-01-01 not reachable\n');
    const passed = await build(inputs);
    rmSync(file);
    expect(passed.outputs).toMatchObject({ outcome: 'unchanged', built: 'false', tags: expect.stringContaining('v1') });
    expect(passed.summary).toContain('ignored until 2999-01-01: not reachable');
    expect(await tags('basic')).toContain('v1');
  }, 60_000);

  test('a build that is not pushed says that it is not scanned', async () => {
    const repository = `unpushed-${process.pid}`;
    const run = await build({ repository, scan: 'ecr', push: 'false' });
    // It stays on the engine under a name of this process's own.
    const list = ['images', '--quiet', '--filter', `reference=slipway-build/${repository}`];
    const { stdout } = await execFileAsync('docker', list);
    for (const id of new Set(stdout.split('\n').filter(Boolean))) await execFileAsync('docker', ['rmi', '--force', id]);
    expect([run.code, run.log]).toEqual([0, expect.stringContaining('Not scanned: `scan: ecr` looks at')]);
  }, 60_000);

  test('a mistake in the ignores is told before anything is built', async () => {
    const run = await build({ repository: 'clean', scan: 'ecr', 'ignore-findings': 'CVE-2026-1' });
    expect([run.code, run.outputs.cause]).toEqual([
      1,
      expect.stringMatching(/^input 'ignore-findings' is "CVE-2026-1"/),
    ]);
    expect(await tags('clean')).toEqual([]);
  });

  test('an image that ECR cannot judge does not pass', async () => {
    const run = await build({ repository: 'unsupported', scan: 'ecr', tags: 'raw=v1' });
    expect([run.code, run.outputs.cause]).toEqual([
      1,
      expect.stringMatching(/UNSUPPORTED_IMAGE.*nobody knows what is in it/s),
    ]);
    expect(await tags('unsupported')).not.toContain('v1');
  }, 60_000);

  test('denied names the permission', async () => {
    local.faults.add({ service: 'ecr', operation: 'DescribeImageScanFindings', effect: { denied: true } });
    const run = await build({ repository: 'clean', scan: 'ecr' });
    expect(run.outputs.cause).toContain('Allow ecr:DescribeImageScanFindings on repository clean');
  }, 60_000);

  test('a clean image passes', async () => {
    const run = await build({ repository: 'clean', scan: 'ecr', 'scan-timeout': '20s', tags: 'raw=v1' });
    expect([run.code, run.outputs.findings]).toEqual([0, '{}']);
    expect(run.summary).toContain('No finding fails this image');
    expect(local.requests().some((r) => r.operation === 'StartImageScan')).toBe(true);
  }, 60_000);

  test('trivy, where it is installed, is given the digest and a login that is no argument; where it is not, it is said', async () => {
    const missing = await build({ repository: 'trivy', scan: 'trivy' });
    expect(missing.outputs.cause).toMatch(/^input 'scan' is "trivy": the program trivy is not on PATH/);
    const bin = join(work, '..', `trivy-${process.pid}`);
    mkdirSync(bin);
    const report = {
      Results: [{ Vulnerabilities: [{ VulnerabilityID: 'CVE-2026-9', PkgName: 'musl', Severity: 'HIGH' }] }, {}],
    };
    writeFileSync(
      join(bin, 'trivy'),
      `#!/bin/sh\nprintf '%s\\n' "$@" > ${bin}/argv\ncat "$DOCKER_CONFIG/config.json" > ${bin}/login\necho '${JSON.stringify(report)}'\n`,
    );
    chmodSync(join(bin, 'trivy'), 0o755);
    const run = await build(
      { repository: 'trivy', scan: 'trivy', 'fail-on': 'high' },
      { PATH: `${bin}${delimiter}${process.env.PATH}` },
    );
    const argv = readFileSync(join(bin, 'argv'), 'utf8').split('\n');
    const login = readFileSync(join(bin, 'login'), 'utf8');
    rmSync(bin, { recursive: true });
    expect(argv).toContain(`${local.registry.host}/trivy@${run.outputs.digest}`);
    expect(Object.keys(JSON.parse(login).auths)).toContain(local.registry.host);
    expect(run.outputs.cause).toContain('1 high, and it fails from high on: CVE-2026-9 in musl');
  }, 60_000);
});
