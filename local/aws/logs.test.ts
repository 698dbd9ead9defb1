import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/clock.ts';
import { createBus } from '../bus.ts';
import { createFaults } from '../faults.ts';
import { filterOf } from '../logs/filter.ts';
import { createLogStore } from '../logs/store.ts';
import { createCredentialStore } from './credentials.ts';
import { type AwsEndpoint, createAwsEndpoint } from './endpoint.ts';
import { createLogs } from './logs.ts';

const base = { account: '123456789012', region: 'eu-central-1' };
let now = Date.now();
const logs = createLogStore({ now: () => now, ingestionLag: () => 500 });
const credentials = createCredentialStore({ account: base.account, now: Date.now });
let aws: AwsEndpoint;
let client: CloudWatchLogsClient;
const stream = { logGroupName: '/app', logStreamName: 'web/1' };

beforeAll(async () => {
  const clock = { ...systemClock, now: () => now };
  const service = createLogs({ ...base, clock, logs });
  aws = await createAwsEndpoint({
    ...base,
    clock,
    bus: createBus(),
    faults: createFaults(1),
    credentials,
    services: [service],
  });
  const { accessKeyId, secretAccessKey } = credentials.root.credentials;
  client = new CloudWatchLogsClient({
    endpoint: aws.url,
    region: base.region,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
  });
  for (let i = 0; i < 10; i++) logs.append('/app', 'web/1', { timestamp: now + i, message: `line ${i}` });
  logs.append('/app', 'web/2', { timestamp: now + 5, message: 'ERROR in the other' });
});
afterAll(() => aws.close());

test('lines can be read once they are taken in, from either end, page by page', async () => {
  expect((await client.send(new GetLogEventsCommand({ ...stream }))).events).toEqual([]);
  now += 500;
  const head = await client.send(new GetLogEventsCommand({ ...stream, startFromHead: true, limit: 4 }));
  expect(head.events?.map((e) => e.message)).toEqual(['line 0', 'line 1', 'line 2', 'line 3']);
  const next = await client.send(new GetLogEventsCommand({ ...stream, nextToken: head.nextForwardToken, limit: 100 }));
  expect(next.events?.map((e) => e.message).at(0)).toBe('line 4');
  const end = await client.send(new GetLogEventsCommand({ ...stream, nextToken: next.nextForwardToken }));
  expect(end).toMatchObject({ events: [], nextForwardToken: next.nextForwardToken });
  const tail = await client.send(new GetLogEventsCommand({ ...stream, limit: 2 }));
  expect(tail.events?.map((e) => e.message)).toEqual(['line 8', 'line 9']);
  const before = await client.send(new GetLogEventsCommand({ ...stream, nextToken: tail.nextBackwardToken, limit: 1 }));
  expect(before.events?.map((e) => e.message)).toEqual(['line 7']);
});

test('groups and streams are listed, and searched', async () => {
  await client.send(new CreateLogGroupCommand({ logGroupName: '/empty' }));
  await expect(client.send(new CreateLogGroupCommand({ logGroupName: '/empty' }))).rejects.toMatchObject({
    name: 'ResourceAlreadyExistsException',
  });
  const { logGroups } = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/' }));
  expect(logGroups?.map((g) => g.logGroupName)).toEqual(['/app', '/empty']);
  const { logStreams } = await client.send(
    new DescribeLogStreamsCommand({ logGroupName: '/app', orderBy: 'LastEventTime', descending: true }),
  );
  expect(logStreams?.map((s) => s.logStreamName)).toEqual(['web/1', 'web/2']);
  const found = await client.send(
    new FilterLogEventsCommand({ logGroupName: '/app', filterPattern: '?ERROR ?"line 3"' }),
  );
  expect(found.events?.map((e) => [e.logStreamName, e.message])).toEqual([
    ['web/1', 'line 3'],
    ['web/2', 'ERROR in the other'],
  ]);
  await expect(client.send(new GetLogEventsCommand({ ...stream, logGroupName: '/none' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test.each([
  ['a b', 'x b a', true],
  ['a b', 'a', false],
  ['a -b', 'a b', false],
  ['"a b"', 'a  b', false],
  ['Error', 'error', false],
  ['', 'anything', true],
])('the pattern %s on %s: %s', (pattern, message, expected) => expect(filterOf(pattern)(message)).toBe(expected));
