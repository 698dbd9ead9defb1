/**
 * The packer action as a process, against the local EC2 and Parameter Store in two regions. Packer itself is played: a program that prints
 * what Packer prints, since an instance to build in is nothing that this machine has.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Local, startLocal } from '../../local/start.ts';
import { runAction } from '../support/action.ts';

const OWN = 'eu-central-1';
const OTHER = 'us-east-1';
const base = mkdtempSync(join(tmpdir(), 'slipway-packer-action-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Old builds of the series, one a day, and what holds them. */
const SERIES = { 'slipway:image': 'octo/shop:ami' };
const old = (id: string, day: number, more: object = {}) => ({
  id: `ami-${id.repeat(8)}`,
  name: `old-${id}`,
  tags: { ...SERIES, 'slipway:build': `ami-${id.repeat(8)}` },
  createdAt: `2026-01-0${day}T00:00:00Z`,
  ...more,
});

let local: Local;
beforeAll(async () => {
  local = await startLocal({
    world: {
      moreRegions: [OTHER],
      images: [
        old('1', 1),
        old('2', 2),
        old('3', 3, { sharedWith: ['210987654321'] }),
        old('4', 4),
        // Free here, and its copy is not.
        old('5', 5),
        { ...old('6', 5), region: OTHER, tags: { ...SERIES, 'slipway:build': `ami-${'5'.repeat(8)}` } },
        // Of another series.
        { ...old('7', 1), tags: { 'slipway:image': 'octo/else:ami' } },
      ],
      launchTemplates: [{ id: 'lt-0123456789abcdef0', region: OTHER, versions: [`ami-${'6'.repeat(8)}`] }],
      instances: [{ id: 'i-0123456789abcdef0', image: `ami-${'2'.repeat(8)}` }],
      parameters: { '/else/ami': `ami-${'4'.repeat(8)}` },
    },
  });
});
afterAll(() => local.stop());

let workspace = '';
let bin = '';
let count = 0;
beforeEach(() => {
  workspace = join(base, String(++count));
  bin = join(workspace, '..', `bin-${count}`);
  mkdirSync(join(workspace, 'ami'), { recursive: true });
  mkdirSync(bin);
  writeFileSync(join(workspace, 'ami', 'host.pkr.hcl'), `# ${count}\n`);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', workspace, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args]);
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'x');
});
afterEach(() => local.faults.clear());

/** A packer that makes what it is told to, and notes each call. */
function packer(build: string): { calls(): string[] } {
  const calls = join(bin, 'calls');
  writeFileSync(
    join(bin, 'packer'),
    `#!/bin/bash
echo "$1" >>'${calls}'
case $1 in
  version) echo '1,,version,1.14.2' ;;
  build) ${build} ;;
esac
`,
    { mode: 0o755 },
  );
  return { calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []) };
}

const makes = (images: Record<string, string>) => {
  const ids = Object.entries(images).map(([region, id]) => `${region}:${id}`);
  return `echo '1,amazon-ebs.host,artifact,0,id,${ids.join('%!(PACKER_COMMA)')}'`;
};

const settings = () => ({
  ...local.env(),
  PATH: `${bin}:${process.env.PATH}`,
  GITHUB_WORKSPACE: workspace,
  GITHUB_REPOSITORY: 'octo/shop',
  GITHUB_SHA: 'a'.repeat(40),
  GITHUB_RUN_ID: '7',
});
const INPUTS = {
  operation: 'build',
  template: 'ami',
  parameter: '/sample/ami',
  ledger: 'none',
  token: 'x',
  config: '.github/slipway.yml',
};
const run = (
  inputs: Record<string, string> = {},
  options: Omit<Parameters<typeof runAction>[2] & object, 'env'> = {},
) => runAction('packer', { ...INPUTS, ...inputs }, { ...options, env: settings() });

async function parameter(region: string, Name: string) {
  const {
    AWS_ENDPOINT_URL: endpoint = '',
    AWS_ACCESS_KEY_ID: accessKeyId = '',
    AWS_SECRET_ACCESS_KEY: secretAccessKey = '',
  } = local.env();
  const client = new SSMClient({ region, endpoint, credentials: { accessKeyId, secretAccessKey } });
  return (await client.send(new GetParameterCommand({ Name }))).Parameter;
}

const calls = (operation: string) => local.requests().filter((r) => r.operation === operation);

describe('a build', () => {
  test('is tagged, copied, handed over in each region; made of the same it is not built again', async () => {
    const id = local.images.add({ name: 'fresh' });
    const played = packer(makes({ [OWN]: id }));
    const first = await run({ regions: OTHER });
    expect([first.code, first.log]).toEqual([0, expect.stringContaining(`copying ${id} to ${OTHER}`)]);
    const ids = JSON.parse(first.outputs['ami-ids'] ?? '');
    expect([first.outputs['ami-id'], Object.keys(ids)]).toEqual([id, [OWN, OTHER]]);
    expect(local.images.ids(OTHER)).toContain(ids[OTHER]);
    const tagged = calls('CreateTags').at(-1)?.input as { Resources: string[]; Tags: { Key: string; Value: string }[] };
    expect(tagged.Resources).toEqual([id, expect.stringMatching(/^snap-/)]);
    expect(Object.fromEntries(tagged.Tags.map(({ Key, Value }) => [Key, Value]))).toEqual({
      'slipway:image': 'octo/shop:ami',
      'slipway:build': id,
      'slipway:fingerprint': first.outputs.fingerprint,
      'slipway:commit': 'a'.repeat(40),
      'slipway:run': expect.stringContaining('/octo/shop/actions/runs/7'),
    });
    expect(await parameter(OWN, '/sample/ami')).toMatchObject({ Value: id, DataType: 'aws:ec2:image' });
    expect(await parameter(OTHER, '/sample/ami')).toMatchObject({ Value: ids[OTHER] });

    const second = await run({ regions: OTHER });
    expect(second.outputs).toMatchObject({ 'ami-id': id, outcome: 'unchanged', 'ami-ids': first.outputs['ami-ids'] });
    expect(played.calls()).toEqual(['version', 'init', 'build']);
    expect(second.summary).toContain('nothing was built');

    // What a run before did not come to is done now, without a build.
    const later = await run({ parameter: '/sample/other' });
    expect([later.outputs.outcome, played.calls().length]).toEqual(['succeeded', 3]);
    expect((await run({ force: 'all' })).outputs['ami-id']).toBe(id);
    expect(played.calls().at(-1)).toBe('build');
  }, 60_000);

  test('old ones go with their snapshots, but none that anything in any region uses', async () => {
    const id = local.images.add({ name: 'newest' });
    packer(makes({ [OWN]: id }));
    const snapshots = local.images.ids(OWN).filter((one) => one.startsWith('snap-')).length;
    const { code, outputs, summary } = await run({ keep: '1', regions: OTHER, parameter: '/sample/pruned' });
    expect(code).toBe(0);
    expect(outputs.removed?.split(',')).toContain(`ami-${'1'.repeat(8)}`);
    const left = local.images.ids(OWN);
    expect(left).toEqual(expect.arrayContaining(['2', '3', '4', '5', '7'].map((n) => `ami-${n.repeat(8)}`)));
    expect(left).not.toContain(`ami-${'1'.repeat(8)}`);
    expect(local.images.ids(OTHER)).toContain(`ami-${'6'.repeat(8)}`);
    expect(left.filter((one) => one.startsWith('snap-')).length).toBeLessThan(snapshots);
    for (const why of [
      'held by instance i-0123456789abcdef0',
      'held by account 210987654321, with which it is shared',
      'held by parameter /else/ami',
      'held by launch-template lt-0123456789abcdef0',
    ])
      expect(summary).toContain(why);
  }, 60_000);

  test('that AWS does not say what is in use keeps all, and the new image is good', async () => {
    local.images.add(old('8', 1));
    const id = local.images.add({ name: 'another' });
    packer(makes({ [OWN]: id }));
    local.faults.add({ service: 'ec2', operation: 'DescribeImageReferences', effect: { denied: true } });
    const { outputs, log } = await run({ keep: '1' });
    expect(outputs).toMatchObject({ outcome: 'succeeded', 'ami-id': id, removed: '' });
    expect(log).toMatch(/Old images stay: .*ec2:DescribeImageReferences/);
    expect(local.images.ids(OWN)).toContain(`ami-${'8'.repeat(8)}`);
  }, 60_000);

  test('what Packer says of a failure is the cause, with what to do', async () => {
    packer(`echo '1,,ui,error,Build errored: VPCIdNotSpecified: No default VPC for this user'; exit 1`);
    const { code, outputs, log } = await run();
    expect([code, outputs.outcome]).toEqual([1, 'failed']);
    expect(log).toContain('Name a subnet of the build');
  }, 30_000);
});

describe('cancelled', () => {
  /** Takes its time to remove what it made, and dies of a pipe that is gone, as Go programs do. */
  const SLOW = (seconds: number, marker: string) =>
    `trap 'for i in $(seq ${seconds * 5}); do echo "1,,ui,say,removing $i" || exit 99; sleep 0.2; done; touch ${marker}; exit 1' INT; echo '1,,ui,say,instance started'; while :; do sleep 0.1; done`;

  test('a build that takes longer than the runner waits goes on, and the post step sees its end', async () => {
    const marker = join(workspace, 'removed');
    packer(SLOW(7, marker));
    // A folder that outlives the main step, as the runner's does.
    const temp = join(workspace, 'temp');
    mkdirSync(temp);
    const env = { ...settings(), RUNNER_TEMP: temp };
    const main = await runAction('packer', INPUTS, { env, interruptOn: /instance started/ });
    expect(main.outputs.outcome).toBe('stopped');
    expect(main.endedInMs).toBeLessThan(7_000);
    expect(existsSync(marker)).toBe(false);
    const build = JSON.parse(main.state.build ?? '');
    expect(build).toMatchObject({ program: join(bin, 'packer') });

    const post = await runAction('packer', INPUTS, { env: { ...env, STATE_build: main.state.build ?? '' } });
    expect([post.code, existsSync(marker)]).toEqual([0, true]);
    expect(post.log).toMatch(/still removes what it has made[\s\S]*removing 35[\s\S]*Packer ended after/);
    // Each line once, in the step that saw it.
    expect(`${main.log}${post.log}`.match(/removing 30$/gm)).toHaveLength(1);
    expect(spawnSync('ps', ['-p', build.pid, '-o', 'args=']).stdout.toString()).not.toContain(build.program);
    expect(existsSync(build.output)).toBe(false);
  }, 60_000);

  const real = execFileSync('sh', ['-c', 'command -v packer || true'], { encoding: 'utf8' }).trim();
  (real === '' ? test.skip : test)(
    'the real Packer ends on the one interrupt that it gets, and leaves no process',
    async () => {
      const file = `source "null" "x" {
  communicator = "none"
}
build {
  sources = ["source.null.x"]
  provisioner "shell-local" {
    inline = ["echo the build is at work", "sleep 3071"]
  }
}
`;
      writeFileSync(join(workspace, 'ami', 'host.pkr.hcl'), file);
      const temp = join(workspace, 'temp');
      mkdirSync(temp);
      const env = { ...settings(), PATH: process.env.PATH ?? '', RUNNER_TEMP: temp };
      const main = await runAction('packer', INPUTS, { env, interruptOn: /the build is at work$/m });
      expect(main.outputs.outcome).toBe('stopped');
      const post = await runAction('packer', INPUTS, { env: { ...env, STATE_build: main.state.build ?? '' } });
      expect(post.code).toBe(0);
      const { pid } = JSON.parse(main.state.build ?? '');
      expect(spawnSync('ps', ['-g', String(pid), '-o', 'args=']).stdout.toString()).not.toMatch(
        /packer build|sleep 3071/,
      );
    },
    60_000,
  );

  test('one that ends at once leaves nothing to wait for', async () => {
    packer(SLOW(0, join(workspace, 'removed')));
    const temp = join(workspace, 'temp');
    mkdirSync(temp);
    const env = { ...settings(), RUNNER_TEMP: temp };
    const main = await runAction('packer', INPUTS, { env, interruptOn: /instance started/ });
    expect([main.outputs.outcome, existsSync(join(workspace, 'removed'))]).toEqual(['stopped', true]);
    const post = await runAction('packer', INPUTS, { env: { ...env, STATE_build: main.state.build ?? '' } });
    expect([post.code, post.log]).toEqual([0, expect.not.stringContaining('still removes')]);
  }, 60_000);
});
