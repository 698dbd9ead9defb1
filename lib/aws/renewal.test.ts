import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Local, startLocal } from '../../local/start.ts';
import { idToken } from '../github/id-token.ts';
import { recordingLog } from '../log.ts';
import { expiryWarning, renewingCredentials, SESSION_VARIABLE } from './renewal.ts';

// A role, a token of the run and an STS that judges both, as behind setup-aws.
const ROLE = 'arn:aws:iam::123456789012:role/slipway-dev';
const MINUTE = 60_000;
let local: Local;

beforeAll(async () => {
  local = await startLocal({
    world: {
      roles: [{ name: 'slipway-dev', subjects: ['repo:acme/sample:environment:dev'] }],
      github: { identity: { repository: 'acme/sample', environment: 'dev' } },
    },
  });
  process.env.AWS_ENDPOINT_URL = local.endpoints.aws;
}, 60_000);
afterAll(() => local?.stop(), 30_000);

const OLD = { AWS_ACCESS_KEY_ID: 'ASIAOLD', AWS_SECRET_ACCESS_KEY: 'old', AWS_SESSION_TOKEN: 'old' };

function environment(leftMs: number, over: Record<string, string> = {}): NodeJS.ProcessEnv {
  const expires = new Date(Date.now() + leftMs).toISOString();
  const session = {
    role: ROLE,
    audience: 'sts.amazonaws.com',
    sessionName: 'slipway-1',
    durationSeconds: 900,
    expires,
  };
  return {
    ...local.env({ credentials: false }),
    ...OLD,
    [SESSION_VARIABLE]: JSON.stringify({ ...session, accessKeyId: 'ASIAOLD' }),
    ...over,
  };
}

function provider(env: NodeJS.ProcessEnv) {
  const log = recordingLog();
  const ports = { env, region: 'eu-central-1', log, idToken: (audience: string) => idToken(audience, env, log.mask) };
  return { log, credentials: renewingCredentials(ports) };
}

describe('credentials of setup-aws', () => {
  test('stay while they last', async () => {
    const { credentials, log } = provider(environment(30 * MINUTE));
    expect(await credentials?.()).toMatchObject({ accessKeyId: 'ASIAOLD' });
    expect(log.lines).toEqual([]);
  });

  test('are taken anew before they end, by one token for all who wait, and work', async () => {
    const { credentials, log } = provider(environment(2 * MINUTE));
    if (!credentials) throw new Error('they can be renewed');
    const [one, two] = await Promise.all([credentials(), credentials()]);
    expect(one).toBe(two);
    const sts = new STSClient({ region: 'eu-central-1', credentials });
    const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
    expect(Arn).toMatch(/assumed-role\/slipway-dev\/slipway-1$/);
    expect(log.lines).toEqual([expect.stringContaining(`Took role ${ROLE} again`)]);
    expect(log.masked).toEqual(expect.arrayContaining([one.secretAccessKey, one.sessionToken]));
  });

  test('that cannot be renewed are used to their end, which is told once', async () => {
    const refused = local.oidc.issue({ repository: 'acme/sample', environment: 'prod' });
    const env = environment(2 * MINUTE, { ACTIONS_ID_TOKEN_REQUEST_TOKEN: refused });
    const { credentials, log } = provider(env);
    expect(await credentials?.()).toMatchObject({ accessKeyId: 'ASIAOLD' });
    await credentials?.();
    expect(log.lines).toEqual([
      expect.stringMatching(/^warning: The AWS credentials end in [12] min .*not be renewed/),
    ]);
    await expect(
      provider({ ...env, ...environment(-MINUTE), ACTIONS_ID_TOKEN_REQUEST_TOKEN: refused }).credentials?.(),
    ).rejects.toThrow(/AssumeRoleWithWebIdentity/);
  });
});

test.each<[string, () => NodeJS.ProcessEnv, boolean]>([
  ['of setup-aws', () => environment(MINUTE), true],
  ['of another step that came after', () => environment(MINUTE, { AWS_ACCESS_KEY_ID: 'ASIAOTHER' }), false],
  ['in a job that may not ask for tokens', () => environment(MINUTE, { ACTIONS_ID_TOKEN_REQUEST_URL: '' }), false],
  ['of a person', () => ({ AWS_ACCESS_KEY_ID: 'AKIA' }), false],
  ['with a session that cannot be read', () => environment(MINUTE, { [SESSION_VARIABLE]: '{' }), false],
])('credentials %s', (_, env, renewed) => {
  expect(provider(env()).credentials !== undefined).toBe(renewed);
});

describe('what is said before a long run', () => {
  const noToken = { ACTIONS_ID_TOKEN_REQUEST_URL: '' };
  test.each<[string, () => NodeJS.ProcessEnv, RegExp]>([
    ['nothing where they are renewed', () => environment(MINUTE), /^$/],
    ['nothing where they last', () => environment(60 * MINUTE, noToken), /^$/],
    ['nothing where nobody knows', () => ({ AWS_ACCESS_KEY_ID: 'AKIA' }), /^$/],
    [
      'the end, and the permission that is missing',
      () => environment(5 * MINUTE, noToken),
      /end in 5 min.*id-token: write/,
    ],
    [
      'the end of what another tool has exported',
      () => ({ AWS_CREDENTIAL_EXPIRATION: new Date(Date.now() + 5 * MINUTE).toISOString() }),
      /end in 5 min.*only those of setup-aws/,
    ],
  ])('%s', (_, env, expected) => {
    expect(expiryWarning(env(), Date.now(), 15 * MINUTE)).toMatch(expected);
  });
});
