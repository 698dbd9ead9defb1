import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../lib/config/load.ts';
import { openGit } from '../../lib/git/repository.ts';
import { readInputs } from '../../lib/inputs.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import { recordingLog } from '../../lib/log.ts';
import { type Processes, processes } from '../../lib/process.ts';
import { findOnPath } from '../../lib/tools/install.ts';
import type { runInBackground } from './background.ts';
import { nextFor } from './causes.ts';
import { fingerprint } from './fingerprint.ts';
import type { Image, Images } from './images.ts';
import { fields } from './inputs.ts';
import { openPacker } from './packer.ts';
import { beyond, nameOfArn } from './retention.ts';
import { run } from './run.ts';
import { readTarget } from './settings.ts';
import { seriesOf, TAG } from './tags.ts';

const base = mkdtempSync(join(tmpdir(), 'slipway-packer-test-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let workspace = '';
let count = 0;
beforeEach(() => {
  workspace = join(base, String(++count));
  mkdirSync(join(workspace, 'ami'), { recursive: true });
  writeFileSync(join(workspace, 'ami', 'host.pkr.hcl'), TEMPLATE);
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', workspace, '-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args]);
  git('init', '-q');
  git('add', '.');
  git('commit', '-qm', 'x');
});

// The file builder is one that needs no account.
const TEMPLATE = `variable "word" {
  type    = string
  default = "none"
}

source "file" "image" {
  content = var.word
  target  = "built"
}

build {
  sources = ["source.file.image"]
}
`;

const CONFIG = `version: 1
components:
  ami: { kind: ami, paths: ['ami/**'], vars: { word: from-config }, parameter: /sample/ami }
environments: { dev: {} }
`;

interface Options {
  binary?: string;
  processes?: Processes;
  parameters?: Record<string, string>;
  last?: LedgerEntry;
  force?: boolean;
  /** Images of the account, all of the run's region. */
  images?: Image[];
}

const image = (id: string, tags: Record<string, string> = {}, more: Partial<Image> = {}): Image => ({
  id,
  region: 'eu-central-1',
  name: id,
  state: 'available',
  reason: '',
  createdAt: '2026-01-01T00:00:00.000Z',
  tags,
  snapshots: [],
  public: false,
  ...more,
});

/** An account that has what it is given, and whatever a build made. */
function account(images: Image[]): Images {
  const have = (tags: Readonly<Record<string, string>>) => (one: Image) =>
    Object.entries(tags).every(([name, value]) => one.tags[name] === value);
  return {
    tagged: async (_, tags) => images.filter(have(tags)),
    byId: async (_, ids) => ids.map((id) => images.find((one) => one.id === id) ?? image(id)),
    tag: async (_, resources, tags) => {
      for (const id of resources) images.push(image(id, tags));
    },
    copy: async () => 'ami-0cccccccccccccccc',
    references: async () => [],
    sharedWith: async () => [],
    remove: async () => undefined,
  };
}

async function go(given: Record<string, string>, options: Options = {}) {
  const inputs = readInputs(fields, (name) => given[name] ?? '');
  const config = async () => loadConfig(CONFIG, '.github/slipway.yml');
  const target = await readTarget(inputs, { workspace, config });
  const log = recordingLog();
  const signal = new AbortController().signal;
  const git = openGit({ processes: processes(), workspace, tempDir: base });
  const region = 'eu-central-1';
  const made = await fingerprint(git, { ...target, region });
  const ports = {
    processes: options.processes ?? processes(),
    log,
    env: process.env,
    signal,
    scratch: join(workspace, 'scratch'),
    onBuild: () => undefined,
    ...(options.processes && { background: inForeground(options.processes) }),
  };
  const packer = () =>
    openPacker(options.binary ?? 'packer', join(workspace, target.folder), target.template, target.vars, ports);
  const store = { ...options.parameters };
  // The other regions' by REGION:NAME.
  const parameters = (where: string) => {
    const key = (name: string) => (where === region ? name : `${where}:${name}`);
    return {
      read: async (name: string) => store[key(name)],
      write: async (name: string, value: string) => {
        store[key(name)] = value;
      },
    };
  };
  const settings = {
    ...target,
    operation: inputs.operation,
    environment: inputs.environment,
    region,
    fingerprint: made,
    checkFormat: inputs['check-format'],
    series: 'octo/shop:ami@dev',
    commit: 'a'.repeat(40),
    runUrl: 'https://github.test/octo/shop/actions/runs/1',
  };
  const clock = { now: () => 0, sleep: async () => undefined };
  const report = await run(
    { ...settings, force: options.force ?? false, last: options.last },
    { packer, images: account(options.images ?? []), parameters, clock, log, signal },
  );
  return { ...report, log, store, target, fingerprint: made };
}

/** A packer that says what was recorded of one, by verb. */
function replay(said: Record<string, { code: number; lines: string[] }>) {
  const calls: string[][] = [];
  const port: Processes = {
    async run(argv, { onLine } = {}) {
      calls.push([...argv]);
      const { code, lines } = said[argv[1] ?? ''] ?? { code: 0, lines: [] };
      for (const line of lines) onLine?.(line, 'stdout');
      return { code, stdout: Buffer.from(lines.join('\n')), stderr: '' };
    },
  };
  return { port, calls };
}

/** A build's own way of running, by the port that replays. */
function inForeground(port: Processes): typeof runInBackground {
  return async (argv, { onLine }) => (await port.run(argv, { onLine })).code;
}

const VERSION = { code: 0, lines: ['1795251731,,version,1.14.2'] };
const BUILT = {
  code: 0,
  lines: [
    '1795251731,,ui,say,==> amazon-ebs.host: Creating AMI host%!(PACKER_COMMA) please wait',
    '1795251731,amazon-ebs.host,artifact-count,1',
    '1795251731,amazon-ebs.host,artifact,0,builder-id,mitchellh.amazonebs',
    '1795251731,amazon-ebs.host,artifact,0,id,us-east-1:ami-0aaaaaaaaaaaaaaaa%!(PACKER_COMMA)eu-central-1:ami-0123456789abcdef0',
    '1795251731,amazon-ebs.host,artifact,0,end',
  ],
};
const BUILD = { operation: 'build', component: 'ami', environment: 'dev' };

test('build gives the image of the run’s region and stores it in the parameter', async () => {
  const { port, calls } = replay({ version: VERSION, build: BUILT });
  const built = await go(BUILD, { processes: port });
  expect(built.outcome.status).toBe('succeeded');
  expect(built.outputs).toEqual({
    'ami-id': 'ami-0123456789abcdef0',
    'ami-ids': '{"eu-central-1":"ami-0123456789abcdef0","us-east-1":"ami-0aaaaaaaaaaaaaaaa"}',
    fingerprint: built.fingerprint,
    removed: '',
  });
  expect(built.store).toEqual({
    '/sample/ami': 'ami-0123456789abcdef0',
    'us-east-1:/sample/ami': 'ami-0aaaaaaaaaaaaaaaa',
  });
  expect(built.entry).toEqual({ buildFingerprint: built.fingerprint });
  expect(built.log.lines).toContain('==> amazon-ebs.host: Creating AMI host, please wait');
  expect(calls.map((argv) => argv[1])).toEqual(['version', 'init', 'build']);
  // Variables are in a file, not among the arguments.
  expect(calls.flat().join(' ')).not.toContain('from-config');
  expect(JSON.parse(readFileSync(join(workspace, 'scratch', 'slipway.pkrvars.json'), 'utf8'))).toEqual({
    word: 'from-config',
  });
});

const entry = (buildFingerprint: string): LedgerEntry => ({
  component: 'ami',
  environment: 'dev',
  commit: 'a'.repeat(40),
  state: 'deployed',
  buildFingerprint,
  outputs: { 'ami-id': 'ami-0old0000000000000' },
  runUrl: '',
  at: '2026-01-01T00:00:00Z',
});

test('an image of the same is not built again, unless forced or changed; a parameter that moved is put back', async () => {
  const { port, calls } = replay({ version: VERSION, build: BUILT });
  const { fingerprint: made } = await go(BUILD, { processes: port });
  const same = { processes: port, last: entry(made) };
  calls.length = 0;
  const unchanged = await go(BUILD, { ...same, parameters: { '/sample/ami': 'ami-0old0000000000000' } });
  expect(unchanged.outcome.status).toBe('unchanged');
  expect(unchanged.componentOutputs).toEqual({ 'ami-id': 'ami-0old0000000000000' });
  expect(calls).toEqual([]);
  const back = await go(BUILD, { ...same, parameters: { '/sample/ami': 'ami-0else000000000000' } });
  expect([back.outcome.status, back.store['/sample/ami']]).toEqual(['succeeded', 'ami-0old0000000000000']);
  expect(calls.map((argv) => argv[1])).not.toContain('build');
  expect((await go(BUILD, { ...same, force: true })).outputs['ami-id']).toBe('ami-0123456789abcdef0');
  expect((await go({ ...BUILD, vars: 'word=other' }, same)).outputs['ami-id']).toBe('ami-0123456789abcdef0');
});

test('a variable of the environment is part of the fingerprint, other settings are not', async () => {
  const git = openGit({ processes: processes(), workspace, tempDir: base });
  const of = (env: NodeJS.ProcessEnv) =>
    fingerprint(git, { folder: 'ami', template: '.', vars: {}, region: 'eu-central-1', env });
  const plain = await of({});
  expect(await of({ PACKER_LOG: '1' })).toBe(plain);
  const small = await of({ PKR_VAR_size: 'small' });
  expect(small).not.toBe(plain);
  expect(await of({ PKR_VAR_size: 'large' })).not.toBe(small);
  git.dispose();
});

test('an image with the fingerprint counts without any ledger: the newest that is available', async () => {
  const { port, calls } = replay({ version: VERSION, build: BUILT });
  const { fingerprint: made } = await go(BUILD, { processes: port });
  calls.length = 0;
  const tags = { [TAG.fingerprint]: made };
  const images = [
    image('ami-0aaaa000000000000', tags),
    image('ami-0bbbb000000000000', tags, { createdAt: '2026-02-01T00:00:00.000Z' }),
    image('ami-0cccc000000000000', tags, { createdAt: '2026-03-01T00:00:00.000Z', state: 'pending' }),
  ];
  const same = await go(
    { ...BUILD, component: '', template: 'ami', vars: 'word=from-config' },
    { processes: port, images },
  );
  expect([same.outcome.status, same.outputs['ami-id']]).toEqual(['unchanged', 'ami-0bbbb000000000000']);
  expect(calls).toEqual([]);
});

test('an image of the ledger that somebody deregistered is built again', async () => {
  const { port } = replay({ version: VERSION, build: BUILT });
  const { fingerprint: made } = await go(BUILD, { processes: port });
  const gone = image('ami-0old0000000000000', {}, { state: 'deregistered' });
  const again = await go(BUILD, { processes: port, last: entry(made), images: [gone] });
  expect(again.outputs['ami-id']).toBe('ami-0123456789abcdef0');
});

describe('what is beyond the newest builds', () => {
  const at = (day: number) => `2026-01-0${day}T00:00:00.000Z`;
  const build = (id: string, day: number, regions = ['eu-central-1']) =>
    regions.map((region, i) =>
      image(i === 0 ? id : `${id}-${region}`, { [TAG.build]: id }, { region, createdAt: at(day) }),
    );
  const ids = (keep: number, current: string, images: Image[]) => beyond(images, keep, current).map((one) => one.id);
  const three = [...build('a', 1, ['eu-central-1', 'us-east-1']), ...build('b', 2), ...build('c', 3)];

  test.each<[number, string, string[]]>([
    [1, 'c', ['b', 'a']],
    [2, 'c', ['a']],
    [3, 'c', []],
    [9, 'c', []],
    // The one that counts now stays, wherever it stands.
    [1, 'a', ['b']],
    [1, 'a-us-east-1', ['b']],
  ])('of three, with %d kept and %s current: %j', (keep, current, expected) => {
    expect(ids(keep, current, three)).toEqual(expected);
  });

  test('an image that nobody can start from takes no place', () => {
    const failed = { ...image('d', {}, { createdAt: at(4) }), state: 'failed' };
    expect(ids(2, 'c', [...three, failed])).toEqual(['a']);
    expect(ids(2, 'c', [...three, { ...failed, createdAt: at(1), id: '0' }])).toEqual(['a', '0']);
  });

  test('a copy made later makes its build no younger, and an image without the tag is a build of its own', () => {
    const late = image('a-late', { [TAG.build]: 'a' }, { createdAt: at(9) });
    expect(ids(1, 'c', [...three, late])).toEqual(['b', 'a']);
    expect(ids(1, 'c', [...three, image('x', {}, { createdAt: at(4) })])).toEqual(['b', 'a']);
  });
});

test.each([
  ['arn:aws:ec2:eu-central-1:123456789012:instance/i-0a', 'instance i-0a'],
  ['arn:aws:ec2:eu-central-1:123456789012:launch-template/lt-0b', 'launch-template lt-0b'],
  ['arn:aws:ssm:eu-central-1:123456789012:parameter/sample/ami', 'parameter /sample/ami'],
  ['something', 'something'],
])('%s is called %s', (arn, name) => expect(nameOfArn(arn)).toBe(name));

test.each([
  [{ repository: 'octo/shop', component: 'ami', template: 'x', environment: 'prod' }, 'octo/shop:ami@prod'],
  [{ repository: 'octo/shop', component: '', template: 'infra/my image', environment: '' }, 'octo/shop:infra/my image'],
  [{ repository: 'octo/shop', component: '', template: 'infra/{a}*', environment: '' }, 'octo/shop:infra/_a__'],
])('%j is the series %s', (origin, series) => expect(seriesOf(origin)).toBe(series));

test.each([
  ['Failed getting the plugin: Plugin host rate limited the plugin getter. Try again in 3m52s.', /input 'token'/],
  [
    'Error launching source instance: UnauthorizedOperation: You are not authorized. Encoded authorization failure message: x',
    /decode-authorization-message/,
  ],
  ['VPCIdNotSpecified: No default VPC for this user', /subnet_id/],
  ['Timeout waiting for SSH.', /route and the security group/],
  ['No AMI was found matching filters: {', /source_ami_filter/],
  ['AMI name x is used by an existing AMI: ami-0a', /time of the build/],
  ['InsufficientInstanceCapacity: We currently do not have sufficient t4g.small capacity', /another instance type/],
  ['Script exited with non-zero exit status: 1. Allowed exit codes are: [0]', /its own words are above/],
  ['something nobody has seen', /See the log/],
])('%s has a next step', (message, next) => expect(nextFor([message])).toMatch(next));

test('a template that builds no image of this region is a failure', async () => {
  const nothing = replay({ version: VERSION, build: { code: 0, lines: ['1,null.x,artifact,0,id,Null'] } });
  expect((await go(BUILD, { processes: nothing.port })).outcome).toMatchObject({
    status: 'failed',
    cause: 'the template built no machine image',
  });
  const elsewhere = replay({
    version: VERSION,
    build: { code: 0, lines: ['1,x,artifact,0,id,us-east-1:ami-0aaaaaaaaaaaaaaaa'] },
  });
  expect((await go(BUILD, { processes: elsewhere.port })).outcome.cause).toBe(
    'the template built images in us-east-1, and none in eu-central-1',
  );
});

test('a right that is missing ends as denied', async () => {
  const line = '1,,ui,error,Build errored: UnauthorizedOperation: You are not authorized to perform this operation.';
  const { port } = replay({ version: VERSION, build: { code: 1, lines: [line] } });
  expect((await go(BUILD, { processes: port })).outcome.status).toBe('denied');
});

test('Packer before 1.7 is not asked to init', async () => {
  const { port, calls } = replay({ version: { code: 0, lines: ['1,,version,1.6.6'] }, build: BUILT });
  await go(BUILD, { processes: port });
  expect(calls.map((argv) => argv[1])).toEqual(['version', 'build']);
});

test('the template defaults to the folder of the component’s first pattern', async () => {
  const { port } = replay({ version: VERSION, build: BUILT });
  expect((await go(BUILD, { processes: port })).target).toMatchObject({ folder: 'ami', template: '.' });
});

test.each([
  [{}, /input 'template': neither it nor a component/],
  [{ template: 'nowhere' }, /input 'template' is "nowhere"/],
  [{ template: 'ami', parameter: 'ami' }, /input 'parameter' is "ami"/],
])('%j is one clear Problem', async (given, message) => {
  await expect(go(given)).rejects.toThrow(message);
});

const real = await findOnPath('packer', process.env);
// What only a real packer can show; where it is not installed, the recordings above are what holds.
if (real) {
  describe('a real packer', () => {
    test('builds, with the variables of the file; what is no machine image is no result', async () => {
      const built = await go({ ...BUILD, vars: 'word=hello' }, { binary: real });
      expect(built.outcome).toMatchObject({ status: 'failed', cause: 'the template built no machine image' });
      expect(readFileSync(join(workspace, 'ami', 'built'), 'utf8')).toBe('hello');
    });

    test('validates, and puts an error at its line', async () => {
      expect((await go({ template: 'ami' }, { binary: real })).outcome.status).toBe('succeeded');
      writeFileSync(join(workspace, 'ami', 'host.pkr.hcl'), TEMPLATE.replace('content', 'contents'));
      const { outcome, annotations } = await go({ template: 'ami/host.pkr.hcl' }, { binary: real });
      expect(outcome.cause).toMatch(/^packer validate failed: .*contents.*\(ami\/host.pkr.hcl:7\)$/);
      expect(annotations?.[0]).toMatchObject({ level: 'error', file: 'ami/host.pkr.hcl', line: 7 });
    });
  });
}
