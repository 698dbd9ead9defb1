import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Registry } from '../../local/registry/registry.ts';
import { type Local, startLocal } from '../../local/start.ts';
import { type BuildKit, startBuildKit } from '../support/buildkit.ts';
import { type Checkout, makeCheckout } from '../support/checkout.ts';
import { registryWriter } from '../support/registry.ts';

// What BuildKit really pushes for two platforms, with its provenance, on its whole way: scanned, promoted, kept and deleted.
const execFileAsync = promisify(execFile);
let local: Local;
let buildkit: BuildKit;
let work: Checkout;
let digest: string;

const elsewhere = () => local.registries.get('123456789012/us-east-1') as Registry;
const digests = (registry: Registry, repository: string) => [
  ...(registry.repositories.get(repository)?.images.keys() ?? []),
];

/** The digest that docker itself ends up with. */
async function pulled(registry: Registry, image: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-pull-'));
  try {
    const { username, password, serveraddress } = registry.pullCredentials();
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [serveraddress]: { auth } } }));
    const { stdout } = await execFileAsync('docker', ['--config', folder, 'pull', image]);
    return /Digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1] ?? stdout;
  } finally {
    await execFileAsync('docker', ['rmi', '-f', image]).catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }
}

beforeAll(async () => {
  const findings = [{ name: 'CVE-2026-1', severity: 'HIGH' as const, package: 'zlib' }];
  local = await startLocal({
    world: {
      repositories: [{ name: 'web', scanOnPush: true, findings }],
      registries: [{ account: '123456789012', region: 'us-east-1', repositories: ['web'] }],
    },
  });
  buildkit = await startBuildKit();
  work = makeCheckout({ ...local.env(), ...buildkit.env });
  work.commit({ 'web/Dockerfile': 'FROM scratch\nCOPY file /\nCMD ["/x"]\n', 'web/file': 'one' });
}, 90_000);
afterAll(async () => {
  work?.remove();
  await buildkit?.stop();
  await local?.stop();
}, 30_000);

test('every platform is scanned, and what BuildKit attests is not', async () => {
  const run = await work.run('ecr-build-push', {
    repository: 'web',
    context: 'web',
    platforms: 'linux/amd64,linux/arm64',
    provenance: 'mode=max',
    scan: 'ecr',
    tags: 'raw=v1',
  });
  digest = run.outputs.digest ?? '';
  expect([run.code, run.outputs['index-digest'], run.outputs.findings]).toEqual([0, digest, '{"high":1}']);
  expect(run.summary).toMatch(/`linux\/amd64` `linux\/arm64`/);
  const scanned = local.requests().filter((r) => r.operation === 'DescribeImageScanFindings');
  expect(new Set(scanned.map((r) => JSON.stringify(r.input))).size).toBe(2);
  expect(digests(local.registry, 'web')).toHaveLength(5);
}, 60_000);

test('promoted to another region it is the same digest to docker, with both platforms and their provenance', async () => {
  const inputs = { operation: 'promote', from: `web@${digest}`, 'from-region': 'eu-central-1', repository: 'web' };
  const run = await work.run('ecr-build-push', { ...inputs, region: 'us-east-1', tags: 'raw=v1' });
  expect([run.code, run.outputs.digest]).toEqual([0, digest]);
  expect(digests(elsewhere(), 'web').sort()).toEqual(digests(local.registry, 'web').sort());
  expect(await pulled(elsewhere(), run.outputs.image ?? '')).toBe(digest);
}, 60_000);

test('pruning keeps it whole, and deletes it whole', async () => {
  const inputs = { operation: 'prune', repository: 'web', 'min-age': '0', 'keep-newest': '1' };
  const nobody = { ledger: 'none', 'ecs-places': 'none' };
  expect((await work.run('ecr-build-push', { ...inputs, ...nobody })).outputs).toMatchObject({ outcome: 'unchanged' });
  await registryWriter(local.registry, 'web').image({ tag: 'newer' });
  const run = await work.run('ecr-build-push', { ...inputs, ...nobody });
  expect([run.code, run.outputs.deleted?.split('\n').length]).toEqual([0, 5]);
  expect(digests(local.registry, 'web')).toHaveLength(1);
}, 60_000);
