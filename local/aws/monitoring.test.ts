import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cloudWatchMetrics } from '../../actions/verify-health/balancer/cloudwatch.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Balancer } from '../balancer/balancer.ts';
import { RequestMetrics } from '../balancer/request-metrics.ts';
import { createBus } from '../bus.ts';
import { createFaults } from '../faults.ts';
import { createLag } from '../lag.ts';
import { createCredentialStore, LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from './credentials.ts';
import { type AwsEndpoint, createAwsEndpoint } from './endpoint.ts';
import { createMonitoring } from './monitoring.ts';

const account = '123456789012';
const region = 'eu-central-1';
const MINUTE = Math.floor(Date.now() / 60_000) * 60_000;
const ARN = `arn:aws:elasticloadbalancing:${region}:${account}`;
let now = MINUTE;
const clock = { ...systemClock, now: () => now };
const metrics = new RequestMetrics(() => now);
const balancers = [
  { arn: `${ARN}:loadbalancer/app/web/1`, metrics, targetGroups: [{ name: 'blue', arn: `${ARN}:targetgroup/blue/2` }] },
] as unknown as Balancer[];
const faults = createFaults(1);
let aws: AwsEndpoint;

beforeAll(async () => {
  const credentials = createCredentialStore({ account, now: Date.now });
  const services = [createMonitoring({ clock, lag: createLag({ mode: 'off', seed: 1 }), balancers })];
  aws = await createAwsEndpoint({
    account,
    region,
    clock: systemClock,
    bus: createBus(),
    faults,
    credentials,
    services,
  });
  process.env.AWS_ENDPOINT_URL = aws.url;
});
afterAll(async () => {
  delete process.env.AWS_ENDPOINT_URL;
  await aws.close();
});

const client = () => {
  const credentials = async () => ({ accessKeyId: LOCAL_ACCESS_KEY_ID, secretAccessKey: LOCAL_SECRET_ACCESS_KEY });
  return cloudWatchMetrics({ region, action: 'test', credentials, attempts: 1, signal: new AbortController().signal });
};
const WEB = { loadBalancer: 'app/web/1' };

test('the client of verify-health reads what a balancer counted, minute by minute', async () => {
  for (let n = 0; n < 8; n++) metrics.forwarded('blue', 'target', n < 2 ? 503 : 200);
  metrics.forwarded('blue', 'balancer', 502);
  metrics.refused();
  const ask = (dimensions: { loadBalancer: string; targetGroup?: string }) =>
    client().counts(dimensions, MINUTE, MINUTE + 120_000);
  expect(await ask(WEB)).toEqual({ requests: 0, errors: 0 });
  now = MINUTE + 60_000;
  metrics.forwarded('blue', 'target', 200);
  expect(await ask(WEB)).toEqual({ requests: 9, errors: 4, lastMinute: MINUTE });
  expect(await ask({ ...WEB, targetGroup: 'targetgroup/blue/2' })).toEqual({
    requests: 9,
    errors: 2,
    lastMinute: MINUTE,
  });
  expect(await ask({ loadBalancer: 'app/other/1' })).toEqual({ requests: 0, errors: 0 });
  now = MINUTE + 120_000;
  expect(await ask(WEB)).toEqual({ requests: 10, errors: 4, lastMinute: MINUTE + 60_000 });
});

test('a call that is denied is said in IAM’s words', async () => {
  faults.add({ service: 'monitoring', operation: 'GetMetricData', times: 1, effect: { denied: true } });
  await expect(client().counts(WEB, MINUTE, MINUTE + 60_000)).rejects.toMatchObject({
    kind: 'denied',
    message: expect.stringContaining('cloudwatch:GetMetricData on load balancer app/web/1'),
  });
});
