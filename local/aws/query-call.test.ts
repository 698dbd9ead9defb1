import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { callQuery } from '../../lib/aws/query-call.ts';
import { systemClock } from '../../lib/clock.ts';
import { createBus } from '../bus.ts';
import { createFaults } from '../faults.ts';
import { createWorld } from '../world.ts';
import { createCredentialStore, LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from './credentials.ts';
import { createAwsEndpoint } from './endpoint.ts';
import { createIam } from './iam.ts';

// The local endpoint verifies every signature in full, as AWS does.
let endpoint: Awaited<ReturnType<typeof createAwsEndpoint>>;
const world = createWorld({ roles: [{ name: 'task+role=1' }] });
const store = createCredentialStore({ account: world.account, now: systemClock.now });

beforeAll(async () => {
  const { account, region } = world;
  const clock = systemClock;
  const context = { account, region, clock, instance: 'test', bus: createBus(), faults: createFaults(1) };
  endpoint = await createAwsEndpoint({
    ...context,
    credentials: store,
    services: [createIam({ account, clock, roles: world.roles })],
  });
});
afterAll(() => endpoint.close());

const call = (RoleName: string, more: object = {}) =>
  callQuery({
    service: 'iam',
    region: world.region,
    endpoint: endpoint.url,
    params: { Action: 'GetRole', Version: '2010-05-08', RoleName },
    credentials: { accessKeyId: LOCAL_ACCESS_KEY_ID, secretAccessKey: LOCAL_SECRET_ACCESS_KEY },
    signal: AbortSignal.timeout(5_000),
    now: Date.now(),
    ...more,
  });

test('is signed so that it is taken, and its answer is given', async () => {
  expect(await call('task+role=1')).toContain('<RoleName>task+role=1</RoleName>');
});

test('is signed with the token of a session too', async () => {
  const identity = { account: world.account, arn: 'arn:aws:sts::123456789012:assumed-role/a/b', userId: 'AROA:b' };
  const { credentials } = store.issue(identity, 900, []);
  expect(await call('task+role=1', { credentials })).toContain('GetRoleResult');
});

test.each([
  ['a role that is not there', 'none', {}, { name: 'NoSuchEntity', $fault: 'client' }],
  [
    'another secret',
    'task+role=1',
    { credentials: { accessKeyId: LOCAL_ACCESS_KEY_ID, secretAccessKey: 'wrong' } },
    { name: 'SignatureDoesNotMatch' },
  ],
])('throws what the service says of %s', async (_, role, more, error) => {
  await expect(call(role, more)).rejects.toMatchObject(error);
});
