import { describe, expect, test } from '@jest/globals';
import { githubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';
import { readInputs } from '../../lib/inputs.ts';
import { recordingLog } from '../../lib/log.ts';
import { fields } from './inputs.ts';
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
      identity: async () => ({ account: '123456789012', arn: 'arn:aws:sts::123456789012:assumed-role/slipway-dev/s' }),
    },
    exportCredentials: (c) => void exported.push(c.accessKeyId, ...log.masked),
    exportSession: () => undefined,
    exportRegion: (r) => void exported.push(r),
    login: async (accounts) => accounts.map((host) => ({ host })),
    ...over,
  };
  return {
    report: run(
      readInputs(fields, (name) => given[name] ?? ''),
      ports,
    ),
    exported,
    log,
  };
}

test('a role is assumed, its secrets are masked before they are exported, and docker is logged in', async () => {
  const { report, exported } = setUp({ role });
  expect((await report).outputs).toEqual({
    'account-id': '123456789012',
    arn: 'arn:aws:sts::123456789012:assumed-role/slipway-dev/s',
    registry: '123456789012',
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
