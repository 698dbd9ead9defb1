import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { DescribeParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/clock.ts';
import { createBus } from '../bus.ts';
import { createFaults } from '../faults.ts';
import { createLag } from '../lag.ts';
import { createLogStore } from '../logs/store.ts';
import { createWorld } from '../world.ts';
import { createCredentialStore, LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from './credentials.ts';
import { createAwsEndpoint } from './endpoint.ts';
import { createIam } from './iam.ts';
import { createParameterStore } from './ssm/parameters.ts';

const world = createWorld({
  roles: [{ name: 'sample-web-task' }],
  parameters: { '/sample/a': '1', '/sample/b': { value: '2', type: 'SecureString' }, bare: '3' },
});
let endpoint: Awaited<ReturnType<typeof createAwsEndpoint>>;
let options: { endpoint: string; region: string; maxAttempts: number; credentials: object };

beforeAll(async () => {
  const { account, region } = world;
  const clock = systemClock;
  const context = {
    instance: 'test',
    account,
    region,
    clock,
    bus: createBus(),
    faults: createFaults(1),
    lag: createLag({ mode: 'off', seed: 1 }),
    logs: createLogStore({ now: clock.now, ingestionLag: () => 0 }),
  };
  const parameters = createParameterStore(context, world.parameters);
  endpoint = await createAwsEndpoint({
    ...context,
    credentials: createCredentialStore({ account, now: clock.now }),
    services: [createIam({ ...context, roles: world.roles }), { id: 'ssm', operations: parameters.operations }],
  });
  options = {
    endpoint: endpoint.url,
    region,
    maxAttempts: 1,
    credentials: { accessKeyId: LOCAL_ACCESS_KEY_ID, secretAccessKey: LOCAL_SECRET_ACCESS_KEY },
  };
});
afterAll(() => endpoint.close());

test('GetRole knows the roles of the world, and no others', async () => {
  const iam = new IAMClient(options as never);
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: 'sample-web-task' }));
  expect(Role).toMatchObject({ Arn: 'arn:aws:iam::123456789012:role/sample-web-task', Path: '/' });
  await expect(iam.send(new GetRoleCommand({ RoleName: 'none' }))).rejects.toMatchObject({
    name: 'NoSuchEntityException',
  });
  iam.destroy();
});

test('DescribeParameters names parameters and never their values', async () => {
  const ssm = new SSMClient(options as never);
  const named = (...Values: string[]) =>
    ssm.send(new DescribeParametersCommand({ ParameterFilters: [{ Key: 'Name', Option: 'Equals', Values }] }));
  const { Parameters = [] } = await named('/sample/b', 'bare', '/none');
  expect(Parameters.map(({ Name, Type }) => [Name, Type])).toEqual([
    ['/sample/b', 'SecureString'],
    ['bare', 'String'],
  ]);
  expect(Parameters[0]).not.toHaveProperty('Value');
  const begins = { Key: 'Name', Option: 'BeginsWith', Values: ['/sample/'] };
  const below = await ssm.send(new DescribeParametersCommand({ ParameterFilters: [begins] }));
  expect(below.Parameters?.map(({ Name }) => Name)).toEqual(['/sample/a', '/sample/b']);
  const other = new DescribeParametersCommand({ ParameterFilters: [{ Key: 'KeyId', Values: ['x'] }] });
  await expect(ssm.send(other)).rejects.toMatchObject({ name: 'InvalidFilterKey' });
  ssm.destroy();
});
