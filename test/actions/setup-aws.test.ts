import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { proveLogin } from '../../actions/setup-aws/login.ts';
import { type Local, startLocal } from '../../local/start.ts';
import { type ActionRun, runAction } from '../support/action.ts';

const execFileAsync = promisify(execFile);
const ROLE = 'arn:aws:iam::123456789012:role/slipway-dev';
const OTHER = '210987654321';
const CONFIG = `version: 1
registry: { account: '123456789012', region: eu-central-1 }
components: { web: { kind: worker, paths: ['web/**'], image: { repository: web, context: web },
  deploy: { to: ecs, cluster: a, service: b, container: web } } }
environments: { dev: { role: '${ROLE}', region: eu-central-1 } }
`;

// OIDC as on GitHub: a token of the run from an issuer, judged by STS against the role's trust; then docker's own login.
let local: Local;
let folder: string;
let temp: string;
let env: Record<string, string>;
/** What the user has in the docker configuration; it must stay as it is, and count. */
const THEIRS = JSON.stringify({ auths: { 'other.test': { auth: 'eDp5' } }, credsStore: 'nowhere' });

beforeAll(async () => {
  local = await startLocal({
    world: {
      repositories: ['web'],
      registries: [
        { account: '123456789012', region: 'us-east-1', repositories: ['web'] },
        { account: OTHER, region: 'eu-central-1', repositories: ['web'] },
      ],
      roles: [
        { name: 'slipway-dev', subjects: ['repo:acme/sample:environment:dev'] },
        { name: 'there', account: OTHER },
      ],
      github: { identity: { repository: 'acme/sample', environment: 'dev' } },
    },
  });
  folder = mkdtempSync(join(tmpdir(), 'slipway-setup-'));
  mkdirSync(join(folder, '.github'));
  mkdirSync(join(folder, 'docker'));
  writeFileSync(join(folder, 'docker/config.json'), THEIRS);
  temp = join(folder, 'temp');
  mkdirSync(temp);
  writeFileSync(join(folder, '.github/slipway.yml'), CONFIG);
  env = {
    ...local.env({ credentials: false }),
    DOCKER_CONFIG: join(folder, 'docker'),
    RUNNER_TEMP: temp,
    GITHUB_WORKSPACE: folder,
    GITHUB_REPOSITORY: 'acme/sample',
    GITHUB_RUN_ID: '4711',
  };
}, 60_000);
afterAll(async () => {
  await local?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

const setup = (inputs: Record<string, string> = {}, over: Record<string, string> = {}) =>
  runAction('setup-aws', { role: ROLE, ...inputs }, { cwd: folder, env: { ...env, ...over } });

/** What docker would send to a registry in the steps after a run: its configuration's entry, 'USER:PASSWORD'. */
function login(run: ActionRun, host = local.endpoints.registry): string | undefined {
  const file = join(run.exported.DOCKER_CONFIG ?? join(folder, 'docker'), 'config.json');
  if (!existsSync(file)) return undefined;
  const { auths } = JSON.parse(readFileSync(file, 'utf8')) as { auths?: Record<string, { auth: string }> };
  const entry = auths?.[host];
  return entry && Buffer.from(entry.auth, 'base64').toString();
}

/** Every command line of the machine, as any user could read them while `f` runs. */
async function commandLinesDuring<T>(f: () => Promise<T>): Promise<{ result: T; lines: Set<string> }> {
  const lines = new Set<string>();
  const look = () => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        lines.add(readFileSync(join('/proc', pid, 'cmdline'), 'utf8').replaceAll('\0', ' '));
      } catch {
        // It has ended since.
      }
    }
  };
  const timer = setInterval(look, 50);
  try {
    return { result: await f(), lines };
  } finally {
    clearInterval(timer);
  }
}

/** The token that the run gets. */
async function tokenOf(): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL = '', ACTIONS_ID_TOKEN_REQUEST_TOKEN = '' } = local.env();
  const response = await fetch(`${ACTIONS_ID_TOKEN_REQUEST_URL}&audience=sts.amazonaws.com`, {
    headers: { authorization: `bearer ${ACTIONS_ID_TOKEN_REQUEST_TOKEN}` },
  });
  return ((await response.json()) as { value: string }).value;
}

/** All that a reader of the run sees: the runner replaces what was masked, so those lines are not shown. */
const shown = (run: ActionRun) => run.log.replace(/^::add-mask::.*$/gm, '') + run.summary + JSON.stringify(run.outputs);

describe('a job of the right environment', () => {
  let run: ActionRun;
  let lines: Set<string>;

  beforeAll(async () => {
    ({ result: run, lines } = await commandLinesDuring(() => setup()));
  }, 60_000);

  test('assumes the role', () => {
    expect([run.code, run.log]).toEqual([0, expect.stringContaining('AWS account 123456789012 in eu-central-1')]);
    expect(run.outputs).toMatchObject({
      outcome: 'succeeded',
      'account-id': '123456789012',
      arn: 'arn:aws:sts::123456789012:assumed-role/slipway-dev/slipway-4711',
      registry: local.endpoints.registry,
      expires: expect.stringMatching(/^20\d\d-.*Z$/),
    });
    expect(run.summary).toContain('assumed-role/slipway-dev/slipway-4711');
  });

  test('exports what the aws command line of the next step reads', async () => {
    const args = ['sts', 'get-caller-identity', '--output', 'json'];
    const next = { PATH: process.env.PATH ?? '', HOME: folder, AWS_ENDPOINT_URL: local.endpoints.aws, ...run.exported };
    const { stdout } = await execFileAsync('aws', args, { env: next, timeout: 60_000 });
    expect(JSON.parse(stdout)).toMatchObject({ Account: '123456789012', Arn: run.outputs.arn });
    expect(Object.keys(run.exported).sort()).toEqual([
      'AWS_ACCESS_KEY_ID',
      'AWS_DEFAULT_REGION',
      'AWS_REGION',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_SESSION_TOKEN',
      'DOCKER_CONFIG',
      'SLIPWAY_AWS_SESSION',
    ]);
    // What a long step needs to take the role again, and no secret.
    expect(JSON.parse(run.exported.SLIPWAY_AWS_SESSION ?? '')).toEqual({
      role: ROLE,
      audience: 'sts.amazonaws.com',
      sessionName: 'slipway-4711',
      durationSeconds: 3600,
      expires: run.outputs.expires,
      accessKeyId: run.exported.AWS_ACCESS_KEY_ID,
    });
  }, 60_000);

  test('logs docker in; the password is on no command line and in no text', () => {
    const [user, password = ''] = login(run)?.split(':') ?? [];
    expect([user, password.length > 20]).toEqual(['AWS', true]);
    const watched = [...lines];
    const auth = Buffer.from(`AWS:${password}`).toString('base64');
    const { AWS_SECRET_ACCESS_KEY: key = '?', AWS_SESSION_TOKEN: token = '?' } = run.exported;
    for (const secret of [password, auth, key, token]) {
      expect(run.log).toContain(`::add-mask::${secret}`);
      expect(shown(run)).not.toContain(secret);
      expect(watched.filter((line) => line.includes(secret))).toEqual([]);
    }
    expect(run.log).toMatch(/::add-mask::eyJ/);
    expect(shown(run)).not.toContain('eyJ');
  });

  test('the login opens the registry to docker, beside what the user has; the post step takes it away and nothing else', async () => {
    const { DOCKER_CONFIG = '' } = run.exported;
    const docker = (...args: string[]) =>
      execFileAsync('docker', args, { env: { ...process.env, DOCKER_CONFIG }, timeout: 30_000 });
    const missing = `${local.endpoints.registry}/web:none`;
    await expect(docker('pull', missing)).rejects.toThrow(/not found|unknown/);
    expect([statSync(join(DOCKER_CONFIG, 'config.json')).mode & 0o777, login(run, 'other.test')]).toEqual([
      0o600,
      'x:y',
    ]);
    const another = await setup();
    const post = await runAction(
      'setup-aws',
      { role: ROLE },
      { cwd: folder, env: { ...env, STATE_folder: run.state.folder ?? '' } },
    );
    expect([post.code, post.outputs.outcome, existsSync(DOCKER_CONFIG)]).toEqual([0, 'succeeded', false]);
    expect(post.exported).toEqual({});
    // Another job of the same machine and user is not logged out by that.
    expect(login(another)).toMatch(/^AWS:/);
    expect(readFileSync(join(folder, 'docker/config.json'), 'utf8')).toBe(THEIRS);
  }, 60_000);

  test('a state that names anything but the folder of a login removes nothing', async () => {
    const post = await runAction(
      'setup-aws',
      {},
      { cwd: folder, env: { ...env, STATE_folder: join(folder, 'docker') } },
    );
    expect([post.code, existsSync(join(folder, 'docker/config.json'))]).toEqual([0, true]);
  });
});

test('many registries, of other regions and accounts, each proved', async () => {
  const run = await setup({ registries: `123456789012,123456789012/us-east-1,${OTHER}` });
  expect([run.code, run.outputs.cause]).toEqual([0, '']);
  const hosts = [...local.registries.values()].map(({ host }) => host);
  expect(hosts.map((host) => login(run, host)?.slice(0, 4))).toEqual(['AWS:', 'AWS:', 'AWS:']);
  expect(run.summary).toContain(hosts.map((host) => `\`${host}\``).join(', '));
});

test('a chain ends in the last role’s account, by calls that carry no session tags', async () => {
  const run = await setup({ chain: `arn:aws:iam::${OTHER}:role/there` });
  expect(run.outputs).toMatchObject({
    'account-id': OTHER,
    arn: `arn:aws:sts::${OTHER}:assumed-role/there/slipway-4711`,
    registry: local.registries.get(`${OTHER}/eu-central-1`)?.host,
  });
  const input = local.requests().findLast((r) => r.operation === 'AssumeRole')?.input as { Tags?: unknown };
  expect(input.Tags ?? []).toEqual([]);
  const refused = await setup({ chain: `arn:aws:iam::${OTHER}:role/nobody` });
  expect(refused.outputs).toMatchObject({
    outcome: 'denied',
    cause: expect.stringContaining(`${ROLE} may not assume it`),
  });
  expect(refused.exported).toEqual({});
});

test('role and region come from the environment of the config file; a login that is not wanted is not made', async () => {
  const run = await setup({ role: '', environment: 'dev', login: 'false', 'session-name': 'by-hand' });
  expect(run.outputs).toMatchObject({ outcome: 'succeeded', arn: expect.stringMatching(/slipway-dev\/by-hand$/) });
  expect([run.state.folder, run.exported.DOCKER_CONFIG]).toEqual(['none', undefined]);
});

describe('refused', () => {
  test('a job of another environment: told with the claim that was sent and the condition that would accept it', async () => {
    const token = local.oidc.issue({ repository: 'acme/sample', environment: 'prod' });
    const run = await setup({}, { ACTIONS_ID_TOKEN_REQUEST_TOKEN: token });
    expect([run.code, run.outputs.outcome, run.exported]).toEqual([1, 'denied', {}]);
    expect(run.outputs.cause).toContain(`role ${ROLE}: its trust policy does not accept this run's token`);
    expect(run.outputs.cause).toContain('The token says sub "repo:acme/sample:environment:prod"');
    expect(run.outputs.cause).toContain('repo:acme@*/sample@*:environment:prod');
    expect(run.exported.DOCKER_CONFIG).toBeUndefined();
  });

  test('another audience', async () => {
    const run = await setup({ audience: 'https://github.com/acme' });
    expect(run.outputs).toMatchObject({
      outcome: 'denied',
      cause: expect.stringMatching(/^input 'audience' is "https:/),
    });
  });

  test('a job without the permission to ask for a token', async () => {
    const run = await setup({}, { ACTIONS_ID_TOKEN_REQUEST_URL: '' });
    expect(run.code).toBe(1);
    expect(run.outputs.cause).toMatch(/^OIDC token: .*permissions: \{ id-token: write/);
  });

  test('an account that has no identity provider for the issuer', async () => {
    const [head, body = '', tail] = (await tokenOf()).split('.');
    const claims = { ...(JSON.parse(Buffer.from(body, 'base64url').toString()) as object), iss: 'https://issuer.test' };
    const forged = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), tail].join('.');
    const server = createServer((_, response) => response.end(JSON.stringify({ value: forged })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const run = await setup({}, { ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/?x=1` });
    server.close();
    expect(run.outputs.cause).toMatch(/^identity provider of account 123456789012 is "https:\/\/issuer.test"/);
  });

  test('a registry that does not take the login', async () => {
    local.faults.add({ service: 'ecr', operation: 'GetAuthorizationToken', times: 1, effect: { denied: true } });
    const run = await setup();
    local.faults.clear();
    expect(run.outputs.cause).toContain('Allow ecr:GetAuthorizationToken on registry 123456789012');
    const { host } = local.registry;
    const wrong = proveLogin({ host, user: 'AWS', password: 'guess' }, new AbortController().signal);
    await expect(wrong).rejects.toThrow(`login to ${host}: the registry answered 403`);
  });

  test('what can never be a role, a session or its length', async () => {
    expect((await setup({ role: 'slipway-dev' })).outputs.cause).toMatch(/^input 'role' is "slipway-dev"/);
    expect((await setup({ 'session-name': 'a b' })).outputs.cause).toMatch(/^input 'session-name' is "a b"/);
    expect((await setup({ duration: '5m' })).outputs.cause).toMatch(/^input 'duration' is "300s"/);
  });

  test('a session longer than the role allows', async () => {
    const run = await setup({ duration: '2h' });
    expect(run.outputs.cause).toMatch(
      /^input 'duration' is "7200s": the maximum session duration of role .*slipway-dev is shorter/,
    );
  });
});
