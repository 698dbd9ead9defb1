import { ECRClient } from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { fixableIn, pushedAt } from '../../actions/ecr-build-push/image-age.ts';
import { type Local, startLocal } from '../../local/start.ts';
import { pushScript } from '../support/image.ts';

// What a refresh asks ECR about an image.
let local: Local;
let ecr: ECRClient;
const signal = new AbortController().signal;

beforeAll(async () => {
  const findings = [
    { name: 'CVE-1', severity: 'CRITICAL', package: 'openssl', installed: '1', fixedIn: '2' },
    { name: 'CVE-2', severity: 'CRITICAL', package: 'zlib', installed: '1' },
    { name: 'CVE-3', severity: 'HIGH', package: 'bash', installed: '1', fixedIn: '2' },
  ] as const;
  const repositories = [{ name: 'web', scanOnPush: true, findings: [...findings] }, 'unscanned'];
  local = await startLocal({ world: { repositories } });
  const { AWS_ENDPOINT_URL: endpoint = '', AWS_REGION: region = '', ...keys } = local.env();
  const credentials = { accessKeyId: keys.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: keys.AWS_SECRET_ACCESS_KEY ?? '' };
  ecr = new ECRClient({ endpoint, region, credentials });
}, 60_000);
afterAll(async () => {
  ecr?.destroy();
  await local?.stop();
}, 30_000);

test('when it was pushed, and which critical findings have a fix', async () => {
  const before = Date.now();
  const digest = (await pushScript(local, 'web:1', 'exit 0')).split('@')[1] ?? '';
  const ports = { ecr, repository: 'web', registryId: '123456789012', signal };
  const at = (await pushedAt(digest, ports)) ?? 0;
  expect(at).toBeGreaterThanOrEqual(Math.floor(before / 1000) * 1000);
  expect(at).toBeLessThanOrEqual(Date.now());
  expect(await fixableIn({ digest, manifest: '{}' }, ports)).toEqual(['CVE-1']);
}, 60_000);

test('an image that was not scanned has none', async () => {
  const digest = (await pushScript(local, 'unscanned:1', 'exit 0')).split('@')[1] ?? '';
  const ports = { ecr, repository: 'unscanned', registryId: '123456789012', signal };
  expect(await fixableIn({ digest, manifest: '{}' }, ports)).toEqual([]);
}, 60_000);
