import { ECRClient } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { recordingLog } from '../../../lib/log.ts';
import { processes } from '../../../lib/process.ts';
import { type Local, startLocal } from '../../../local/start.ts';
import { pushScript } from '../../../test/support/image.ts';
import { ecrFindings } from './ecr.ts';
import { trivyFindings } from './trivy.ts';

// The scans of the local ECR, over HTTP: what is asked, how long is waited, and what a scan that ends badly means.
let local: Local;
let ecr: ECRClient;
const found = [{ name: 'CVE-1', severity: 'CRITICAL' as const, package: 'zlib', installed: '1', fixedIn: '2' }];
const digests = new Map<string, string>();

beforeAll(async () => {
  local = await startLocal({
    world: {
      repositories: [
        { name: 'onpush', scanOnPush: true, findings: found },
        { name: 'byhand', findings: found },
        { name: 'enhanced', scanType: 'ENHANCED', findings: found },
        { name: 'slow', scanOnPush: true, scanSeconds: 600 },
        { name: 'unsupported', scanOnPush: true, scanStatus: 'UNSUPPORTED_IMAGE' },
        { name: 'failed', scanOnPush: true, scanStatus: 'FAILED' },
      ],
    },
  });
  for (const { name } of local.world.repositories) {
    const image = await pushScript(local, `${name}:1`, 'true');
    digests.set(name, image.slice(image.indexOf('@') + 1));
  }
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = local.env();
  ecr = new ECRClient({
    endpoint: local.endpoints.aws,
    region: 'eu-central-1',
    maxAttempts: 1,
    credentials: { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY },
  });
}, 60_000);
afterAll(() => local?.stop(), 30_000);

/** Waits for nothing: each pause moves the clock. */
function hurried() {
  let now = Date.now();
  return {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
}

const scan = (repository: string, over: object = {}) =>
  ecrFindings(
    { digest: digests.get(repository) ?? '', platform: '' },
    {
      ecr,
      repository,
      registryId: '123456789012',
      clock: hurried(),
      log: recordingLog(),
      signal: new AbortController().signal,
      timeoutMs: 60_000,
      ...over,
    },
  );
const calls = (operation: string) => local.requests().filter((r) => r.operation === operation).length;

test.each(['onpush', 'byhand', 'enhanced'])('findings of a scan that is %s', async (repository) => {
  const before = calls('StartImageScan');
  expect(await scan(repository)).toEqual([
    {
      id: 'CVE-1',
      severity: 'critical',
      package: 'zlib',
      installed: '1',
      fixedIn: '2',
      fixable: 'yes',
      platforms: [''],
    },
  ]);
  expect(calls('StartImageScan') - before).toBe(repository === 'byhand' ? 1 : 0);
});

test('findings that are older than a day are made anew, once; where ECR makes no more today they have to do', async () => {
  const clock = { ...hurried(), now: () => Date.now() + 2 * 24 * 3600 * 1000 };
  const log = recordingLog();
  expect(await scan('byhand', { clock, log })).toHaveLength(1);
  expect(log.lines.join('\n')).toMatch(/Starting a scan .*: the last scan was at .*\n.*LimitExceededException/);
});

describe('no findings are no pass', () => {
  test.each([
    ['slow', /"status IN_PROGRESS": its findings did not come within 1 min 00 s.*Raise `scan-timeout`/],
    ['unsupported', /UNSUPPORTED_IMAGE.*nobody knows what is in it.*Turn on enhanced scanning/],
    ['failed', /FAILED: The scan failed.*nobody knows what is in it/],
  ])('%s', async (repository, message) => {
    await expect(scan(repository)).rejects.toThrow(message);
  });

  test('denied names the permission', async () => {
    const fault = local.faults.add({
      service: 'ecr',
      operation: 'DescribeImageScanFindings',
      effect: { denied: true },
    });
    await expect(scan('onpush')).rejects.toThrow(/Allow ecr:DescribeImageScanFindings on repository onpush/);
    local.faults.remove(fault);
  });

  test('a cancelled run is told as one', async () => {
    const signal = AbortSignal.abort();
    await expect(scan('slow', { signal, clock: systemClock })).rejects.toMatchObject({ kind: 'cancelled' });
  });
});

test('without trivy on PATH it is said how to get it', async () => {
  const ports = {
    processes: processes(),
    env: { PATH: '/nonexistent' },
    signal: new AbortController().signal,
    timeoutMs: 1000,
  };
  await expect(trivyFindings({ digest: 'sha256:a', platform: '' }, 'host/name', ports)).rejects.toThrow(
    /input 'scan' is "trivy": the program trivy is not on PATH.*setup-trivy/,
  );
});
