import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { endpointOf, jsonService } from '../../lib/aws/json-service.ts';
import { systemClock } from '../../lib/clock.ts';
import { createBus } from '../bus.ts';
import { createFaults } from '../faults.ts';
import { createLogStore } from '../logs/store.ts';
import { createCredentialStore, LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from './credentials.ts';
import { type AwsEndpoint, createAwsEndpoint } from './endpoint.ts';
import { createLogs } from './logs.ts';

// The local endpoint verifies every signature in full, as AWS does.
const base = { account: '123456789012', region: 'eu-central-1' };
const faults = createFaults(1);
let aws: AwsEndpoint;

beforeAll(async () => {
  const clock = systemClock;
  const logs = createLogStore({ now: clock.now, ingestionLag: () => 0 });
  aws = await createAwsEndpoint({
    ...base,
    clock,
    bus: createBus(),
    faults,
    credentials: createCredentialStore({ account: base.account, now: clock.now }),
    services: [createLogs({ ...base, clock, logs })],
  });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: aws.url,
    AWS_ACCESS_KEY_ID: LOCAL_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: LOCAL_SECRET_ACCESS_KEY,
  });
});
afterAll(() => aws.close());

const service = { service: 'logs', target: 'Logs_20140328', region: base.region, action: 'test' };
const signal = AbortSignal.timeout(20_000);

test('another JSON service takes the call, signed in its own name, and its answer comes whole', async () => {
  const call = jsonService(service);
  expect(await call('CreateLogGroup', { logGroupName: '/app' }, signal)).toEqual({});
  expect(await call('DescribeLogGroups', {}, signal)).toMatchObject({ logGroups: [{ logGroupName: '/app' }] });
  expect(aws.requests().at(-1)).toMatchObject({ service: 'logs', operation: 'DescribeLogGroups', status: 200 });
});

test('what the service refuses is thrown by its own name, and what passes is tried again', async () => {
  const call = jsonService(service);
  await expect(call('CreateLogGroup', { logGroupName: '/app' }, signal)).rejects.toMatchObject({
    name: 'ResourceAlreadyExistsException',
  });
  faults.add({ service: 'logs', operation: 'DescribeLogGroups', times: 2, effect: { throttle: true } });
  expect(await call('DescribeLogGroups', {}, signal)).toHaveProperty('logGroups');
});

test('the scope of the signature names the service, which AWS compares', async () => {
  let authorization = '';
  const server = createServer((request, response) => {
    authorization = request.headers.authorization ?? '';
    response.setHeader('content-type', 'application/x-amz-json-1.1').end('');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env.AWS_ENDPOINT_URL_CODEDEPLOY = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const call = jsonService({ ...service, service: 'codedeploy', target: 'CodeDeploy_20141006' });
  expect(await call('ContinueDeployment', {}, signal)).toEqual({});
  delete process.env.AWS_ENDPOINT_URL_CODEDEPLOY;
  server.close();
  expect(authorization).toMatch(/Credential=[^/]+\/\d{8}\/eu-central-1\/codedeploy\/aws4_request/);
});

test.each([
  ['eu-central-1', 'https://codedeploy.eu-central-1.amazonaws.com'],
  ['cn-north-1', 'https://codedeploy.cn-north-1.amazonaws.com.cn'],
  ['us-gov-west-1', 'https://codedeploy.us-gov-west-1.amazonaws.com'],
])('the endpoint in %s', (region, expected) => {
  const { AWS_ENDPOINT_URL: kept } = process.env;
  delete process.env.AWS_ENDPOINT_URL;
  expect(endpointOf('codedeploy', region)).toBe(expected);
  process.env.AWS_ENDPOINT_URL = kept;
  expect(endpointOf('codedeploy', region)).toBe(aws.url);
});
