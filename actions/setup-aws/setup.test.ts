import { describe, expect, test } from '@jest/globals';
import type { Configured } from '../../lib/config/action.ts';
import { githubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';
import { readInputs } from '../../lib/inputs.ts';
import { recordingLog } from '../../lib/log.ts';
import { defaults } from './defaults.ts';
import { hintsOf } from './hints.ts';
import { fields } from './inputs.ts';
import { parseRegistries } from './registries.ts';
import { run, type SetupPorts } from './run.ts';
import { acceptedSubs, claimsOf } from './trust.ts';

const role = 'arn:aws:iam::123456789012:role/slipway-dev';
const token = `x.${Buffer.from(JSON.stringify({ sub: 'repo:o/r:environment:dev', aud: 'sts.amazonaws.com', job_workflow_ref: 'o/r/.github/workflows/app.yml@v1' })).toString('base64url')}.y`;
const denied = new Problem({
  what: 'sts',
  cause: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
  fix: '',
  kind: 'denied',
});

function setUp(given: Record<string, string>, over: Partial<SetupPorts> = {}) {
  const log = recordingLog();
  const exported: string[] = [];
  const chained: object[] = [];
  const asked: (string | undefined)[] = [];
  const ports: SetupPorts = {
    log,
    region: 'eu-central-1',
    role: given.role ?? '',
    env: { ACTIONS_ID_TOKEN_REQUEST_URL: 'http://x', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 't' },
    context: githubContext({ GITHUB_REPOSITORY: 'o/r', GITHUB_RUN_ID: '7' }),
    idToken: async () => token,
    sts: {
      assumeRole: async () => ({
        AccessKeyId: 'AKIA',
        SecretAccessKey: 'secret-key',
        SessionToken: 'session',
        Expiration: new Date('2026-11-21T01:00:00Z'),
      }),
      identity: async (session) => {
        asked.push(session?.accessKeyId);
        return { account: '123456789012', arn: 'arn:aws:sts::123456789012:assumed-role/slipway-dev/s' };
      },
    },
    exportCredentials: (c) => void exported.push(c.accessKeyId, ...log.masked),
    exportSession: () => undefined,
    exportRegion: (r) => void exported.push(r),
    chain: {
      assume: async ({ role, with: session, ...rest }) => {
        chained.push({ role, from: session?.accessKeyId, ...rest });
        return {
          AccessKeyId: role.slice(-1),
          SecretAccessKey: `secret-${role}`,
          SessionToken: 's',
          Expiration: new Date(0),
        };
      },
    },
    login: async (registries) => registries.map(({ account, region }) => ({ host: `${account}/${region}` })),
    ...over,
  };
  return {
    report: run(
      readInputs(fields, (name) => given[name] ?? ''),
      ports,
    ),
    exported,
    chained,
    asked,
    log,
  };
}

test('a role is assumed, its secrets are masked before they are exported, and docker is logged in', async () => {
  const { report, exported } = setUp({ role });
  expect((await report).outputs).toEqual({
    'account-id': '123456789012',
    arn: 'arn:aws:sts::123456789012:assumed-role/slipway-dev/s',
    registry: '123456789012/eu-central-1',
    expires: '2026-11-21T01:00:00.000Z',
  });
  expect(exported).toEqual(['AKIA', 'secret-key', 'session', 'eu-central-1']);
});

test('without a role the credentials that are there are proved, not replaced', async () => {
  const { report, exported } = setUp({ login: 'false' });
  expect((await report).outputs).toMatchObject({ expires: '', registry: '' });
  expect(exported).toEqual(['eu-central-1']);
});

describe('what is wrong is said', () => {
  const fork = { eventName: 'pull_request', event: { pull_request: { head: { repo: { full_name: 'fork/r' } } } } };
  test.each([
    ['no permission', { env: {} }, /the job may not ask for one.*id-token: write/],
    [
      'a fork',
      { env: {}, context: { ...githubContext({ GITHUB_REPOSITORY: 'o/r' }), ...fork } },
      /pull request from a fork/,
    ],
  ])('%s', async (_, over, message) => {
    await expect(setUp({ role }, over).report).rejects.toThrow(message);
  });

  test('a refused token: its claims, and the conditions that would accept both forms of its subject', async () => {
    const sts = { assumeRole: () => Promise.reject(denied), identity: async () => ({ account: '', arn: '' }) };
    const problem: Problem = (await setUp({ role }, { sts }).report.then(
      () => expect(1).toBe(2),
      (e) => e,
    )) as never;
    expect(problem.kind).toBe('denied');
    expect(problem.message).toContain('sub "repo:o/r:environment:dev"');
    expect(problem.message).toContain('["repo:o/r:environment:dev","repo:o@*/r@*:environment:dev"]');
    expect(problem.message).toContain('job_workflow_ref "o/r/.github/workflows/app.yml@v1"');
    expect(problem.message).not.toContain(token);
  });

  test.each([
    [{ role: 'slipway-dev' }, /input 'role' is "slipway-dev": it is not the ARN/],
    [{ role, duration: '5m' }, /input 'duration' is "300s": STS gives credentials for 15 minutes to 12 hours/],
    [{ role, 'session-name': 'a b' }, /input 'session-name' is "a b"/],
  ])('%j', async (given, message) => {
    await expect(setUp(given as Record<string, string>).report).rejects.toThrow(message);
  });
});

describe('what STS tells apart is told apart', () => {
  const refused = (cause: string) =>
    setUp(
      { role },
      {
        sts: {
          assumeRole: () => Promise.reject(new Problem({ what: 'sts', cause, fix: '', kind: 'credentials' })),
          identity: async () => ({ account: '', arn: '' }),
        },
      },
    ).report;
  test.each([
    [
      'No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com',
      /^identity provider of account 123456789012 .*has no OIDC provider.*Create it with the URL/,
    ],
    [
      'Incorrect token audience',
      /^input 'audience' is "sts.amazonaws.com": the identity provider .*Add sts.amazonaws.com/,
    ],
    ['Not authorized', /^role .*its trust policy does not accept this run's token/],
  ])('%s', async (cause, message) => {
    await expect(refused(cause)).rejects.toThrow(message);
  });
});

describe('hints from the subject', () => {
  test.each<[string, object, RegExp[]]>([
    ['an environment', { sub: 'repo:o/r:environment:prod' }, [/`environment: prod`, so that its subject names that/]],
    ['a branch', { sub: 'repo:o/r:ref:refs/heads/main' }, [/the job has no `environment`/]],
    ['a pull request', { sub: 'repo:o/r:pull_request' }, [/names neither branch nor environment/]],
    ['ids', { sub: 'repo:o@1/r@2:ref:refs/heads/x' }, [/no `environment`/, /numeric ids/]],
    ['capitals', { sub: 'repo:Acme/r:pull_request' }, [/neither/, /letter case/]],
    ['a subject of one’s own', { sub: 'repository_owner:acme:x' }, [/has customised the subject/]],
    ['no subject', {}, [/has customised the subject/]],
    ['a called workflow', { sub: 'repo:o/r:x', job_workflow_ref: 'o/r/w.yml@v1' }, [/accept o\/r\/w.yml@v1/]],
  ])('%s', (_, claims, hints) => {
    const found = hintsOf(claims);
    expect(found).toHaveLength(hints.length);
    hints.forEach((hint, i) => {
      expect(found[i]).toMatch(hint);
    });
  });
});

describe('a chain of roles', () => {
  const [a, b] = ['arn:aws:iam::111111111111:role/a', 'arn:aws:iam::222222222222:role/b'];
  test('goes from one to the next, without tags; only the last is handed on, and each secret is masked', async () => {
    const { report, chained, exported, log } = setUp({ role, chain: `${a}\n${b}`, 'external-id': 'shared-word' });
    await report;
    expect(chained).toEqual([
      { role: a, from: 'AKIA', sessionName: 'slipway-7', durationSeconds: 3600, externalId: 'shared-word' },
      { role: b, from: 'a', sessionName: 'slipway-7', durationSeconds: 3600, externalId: 'shared-word' },
    ]);
    expect(exported[0]).toBe('b');
    expect(log.masked).toEqual(expect.arrayContaining(['shared-word', `secret-${b}`]));
  });

  test('starts at the credentials that are there when no role is given', async () => {
    const { report, chained } = setUp({ chain: a });
    await report;
    expect(chained).toEqual([expect.objectContaining({ role: a, from: undefined })]);
  });

  test.each([
    [{ role, chain: 'b' }, /^input 'chain' is "b": it is not the ARN/],
    [{ role, chain: a, duration: '2h' }, /^input 'duration' is "7200s": AWS ends the session of a chained role/],
  ])('%j is refused before any call', async (given, message) => {
    const { report, chained } = setUp(given);
    await expect(report).rejects.toThrow(message);
    expect(chained).toEqual([]);
  });

  test('a step that is not allowed names both roles', async () => {
    const chain = { assume: () => Promise.reject(denied) };
    await expect(setUp({ role, chain: a }, { chain }).report).rejects.toThrow(
      `role ${a}: ${role} may not assume it (Not authorized to perform sts:AssumeRoleWithWebIdentity). Let the policy of ${role} allow sts:AssumeRole on ${a}, and the trust policy of ${a} name "AWS": "${role}" as principal`,
    );
  });
});

test.each([
  ['123456789012', true],
  ['999999999999,123456789012', true],
  ['999999999999', false],
])('allowed accounts %s: %s', async (allowed, good) => {
  const { report, exported, asked } = setUp({ role, 'allowed-accounts': allowed });
  if (good) await expect(report).resolves.toBeDefined();
  else await expect(report).rejects.toThrow(/the credentials are of account 123456789012 \(arn:/);
  // Who they are is asked with them, and later steps get nothing that is not allowed.
  expect(asked).toEqual(['AKIA']);
  expect(exported).toEqual(good ? ['AKIA', 'secret-key', 'session', 'eu-central-1'] : []);
});

describe('registries', () => {
  test('by account, region or host, each once', () => {
    const entries = [
      '123456789012',
      '123456789012/us-east-1',
      '123456789012.dkr.ecr.us-east-1.amazonaws.com',
      '210987654321.dkr.ecr.cn-north-1.amazonaws.com.cn',
    ];
    expect(parseRegistries(entries, 'eu-central-1')).toEqual([
      { account: '123456789012', region: 'eu-central-1' },
      { account: '123456789012', region: 'us-east-1' },
      { account: '210987654321', region: 'cn-north-1' },
    ]);
  });
  test.each([
    ['12345', /twelve digits; YAML drops the zeros/],
    ['docker.io', /it names no registry/],
  ])('%s is refused', (entry, message) => {
    expect(() => parseRegistries([entry], 'eu-central-1')).toThrow(message);
  });
});

test.each([
  ['repo:o/r:ref:refs/heads/main', ['repo:o/r:ref:refs/heads/main', 'repo:o@*/r@*:ref:refs/heads/main']],
  ['repo:o@12/r@34:environment:prod', ['repo:o/r:environment:prod', 'repo:o@*/r@*:environment:prod']],
  ['custom', ['custom']],
])('subject %s', (sub, subs) => {
  expect(acceptedSubs(sub)).toEqual(subs);
});

test('a token that is none has no claims', () => {
  expect(claimsOf('garbage')).toEqual({});
});

describe('the role of an environment', () => {
  const all = { role: 'deploy-role', 'infra-role': 'infra-role', 'plan-role': 'plan-role' };
  const { 'plan-role': _plan, ...noPlan } = all;
  test.each([
    ['deploy', all, 'deploy-role'],
    ['infra', all, 'infra-role'],
    ['plan', all, 'plan-role'],
    ['plan', noPlan, 'infra-role'],
    ['plan', { role: 'deploy-role' }, 'deploy-role'],
    ['infra', { role: 'deploy-role' }, 'deploy-role'],
    ['infra', {}, undefined],
  ] as const)('for %s of %j is %s', (purpose, environment, expected) => {
    const configured = { config: {}, environment, name: '' } as unknown as Configured;
    expect(defaults(configured, purpose).role).toBe(expected);
  });
});
