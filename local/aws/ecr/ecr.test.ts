import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  BatchCheckLayerAvailabilityCommand,
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  CreateRepositoryCommand,
  DescribeImageScanFindingsCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  GetDownloadUrlForLayerCommand,
  ListImagesCommand,
  PutImageCommand,
} from '@aws-sdk/client-ecr';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../../lib/clock.ts';
import { createBus } from '../../bus.ts';
import { dockerEngine } from '../../engine/docker.ts';
import { tarOf } from '../../engine/tar.ts';
import { createFaults } from '../../faults.ts';
import { createLag } from '../../lag.ts';
import { createRegistry, type Registry } from '../../registry/registry.ts';
import { createWorld } from '../../world.ts';
import { createCredentialStore, LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../credentials.ts';
import { type AwsEndpoint, createAwsEndpoint } from '../endpoint.ts';
import { createEcr } from './ecr.ts';

const run = promisify(execFile);
const instance = `slipway-ecr-test-${process.pid}`;
const engine = dockerEngine({ instance });
const world = createWorld({
  repositories: [
    'web',
    { name: 'fixed', tagMutability: 'IMMUTABLE' },
    { name: 'partly', tagMutability: 'IMMUTABLE_WITH_EXCLUSION', exclusions: ['latest', 'branch-*'] },
    { name: 'scanned', scanOnPush: true, findings: [{ name: 'CVE-1', severity: 'CRITICAL', fixedIn: '2' }] },
  ],
});
const { account, region } = world;
const clock = systemClock;
const credentials = createCredentialStore({ account, now: clock.now });
const context = {
  account,
  region,
  clock,
  bus: createBus(),
  faults: createFaults(1),
  lag: createLag({ mode: 'off', seed: 1 }),
};
let registry: Registry;
let aws: AwsEndpoint;
let ecr: ECRClient;
let dockerConfig: string;
const local: string[] = [];

async function docker(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('docker', ['--config', dockerConfig, ...args]);
  return stdout + stderr;
}

/** Makes an image of one file and names it. */
async function image(content: string, ...names: string[]): Promise<void> {
  for (const name of names) {
    await engine.importImage(tarOf({ 'data.txt': { content: Buffer.from(content) } }), name);
    local.push(name);
  }
}

beforeAll(async () => {
  dockerConfig = await mkdtemp(join(tmpdir(), 'slipway-docker-'));
  registry = await createRegistry({ ...context, repositories: world.repositories, root: credentials.root });
  const scans = (name: string) => world.repositories.find((r) => r.name === name);
  aws = await createAwsEndpoint({
    ...context,
    credentials,
    services: [createEcr({ ...context, registry, credentials, scans })],
  });
  ecr = new ECRClient({
    endpoint: aws.url,
    region,
    maxAttempts: 1,
    credentials: { accessKeyId: LOCAL_ACCESS_KEY_ID, secretAccessKey: LOCAL_SECRET_ACCESS_KEY },
  });
});
afterAll(async () => {
  for (const name of local) await engine.removeImage(name).catch(() => undefined);
  // Images whose tag moved on are still known by their digest.
  const left = await docker('images', '--quiet', '--no-trunc', '--filter', `reference=${registry.host}/*`);
  for (const id of new Set(left.split('\n').filter(Boolean))) await docker('rmi', '--force', id);
  await aws.close();
  await registry.close();
  await rm(dockerConfig, { recursive: true, force: true });
});

test('docker logs in with the token, pushes, and the API tells of the image', async () => {
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const [user, password] = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64')
    .toString()
    .split(':');
  expect(user).toBe('AWS');
  expect(authorizationData?.[0]?.proxyEndpoint).toBe(`http://${registry.host}`);
  const login = run('docker', ['--config', dockerConfig, 'login', '-u', 'AWS', '--password-stdin', registry.host]);
  login.child.stdin?.end(password);
  expect((await login).stdout).toContain('Login Succeeded');

  const name = `${registry.host}/web:v1`;
  await image('one', name);
  const pushed = /digest: (sha256:[0-9a-f]{64})/.exec(await docker('push', name))?.[1];
  const { imageDetails } = await ecr.send(new DescribeImagesCommand({ repositoryName: 'web' }));
  expect(imageDetails).toHaveLength(1);
  expect(imageDetails?.[0]).toMatchObject({
    imageDigest: pushed,
    imageTags: ['v1'],
    imageManifestMediaType: 'application/vnd.docker.distribution.manifest.v2+json',
  });
  expect(Date.now() - Number(imageDetails?.[0]?.imagePushedAt)).toBeLessThan(30_000);

  await engine.removeImage(name);
  expect(await docker('pull', name)).toContain(`Digest: ${pushed}`);
  await engine.removeImage(name);
  expect(await docker('pull', `${registry.host}/web@${pushed}`)).toContain('Downloaded newer image');
  local.push(`${registry.host}/web@${pushed}`);
}, 60_000);

test('a tag is added without a layer moving, and the same again is ImageAlreadyExists', async () => {
  const { images } = await ecr.send(
    new BatchGetImageCommand({ repositoryName: 'web', imageIds: [{ imageTag: 'v1' }, { imageTag: 'none' }] }),
  );
  const imageManifest = images?.[0]?.imageManifest;
  const put = () => ecr.send(new PutImageCommand({ repositoryName: 'web', imageManifest, imageTag: 'v2' }));
  expect((await put()).image?.imageId).toEqual({ ...images?.[0]?.imageId, imageTag: 'v2' });
  await expect(put()).rejects.toMatchObject({ name: 'ImageAlreadyExistsException' });
  const { imageIds } = await ecr.send(new ListImagesCommand({ repositoryName: 'web' }));
  expect(imageIds?.map((i) => i.imageTag).sort()).toEqual(['v1', 'v2']);
  const layer = JSON.parse(imageManifest ?? '').layers[0].digest;
  const absent = `sha256:${'0'.repeat(64)}`;
  const { layers } = await ecr.send(
    new BatchCheckLayerAvailabilityCommand({ repositoryName: 'web', layerDigests: [layer, absent] }),
  );
  expect(layers?.map((l) => l.layerAvailability)).toEqual(['AVAILABLE', 'UNAVAILABLE']);
  const { downloadUrl } = await ecr.send(
    new GetDownloadUrlForLayerCommand({ repositoryName: 'web', layerDigest: layer }),
  );
  expect((await fetch(String(downloadUrl))).status).toBe(200);
  expect((await fetch(String(downloadUrl).replace(/signature=../, 'signature=zz'))).status).toBe(401);
  const foreign = new PutImageCommand({ repositoryName: 'fixed', imageManifest, imageTag: 'v1' });
  await expect(ecr.send(foreign)).rejects.toMatchObject({ name: 'LayersNotFoundException' });
});

test('a push to a repository that is not there fails as in ECR', async () => {
  const name = `${registry.host}/missing:v1`;
  await image('one', name);
  await expect(docker('push', name)).rejects.toMatchObject({
    stderr: expect.stringContaining(
      `The repository with name 'missing' does not exist in the registry with id '${account}'`,
    ),
  });
  await expect(ecr.send(new DescribeImagesCommand({ repositoryName: 'missing' }))).rejects.toMatchObject({
    name: 'RepositoryNotFoundException',
  });
  await ecr.send(new CreateRepositoryCommand({ repositoryName: 'missing' }));
  await docker('push', name);
  await expect(ecr.send(new CreateRepositoryCommand({ repositoryName: 'missing' }))).rejects.toMatchObject({
    name: 'RepositoryAlreadyExistsException',
  });
  await expect(ecr.send(new CreateRepositoryCommand({ repositoryName: 'Bad_' }))).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
  const { repositories } = await ecr.send(new DescribeRepositoriesCommand({ repositoryNames: ['missing'] }));
  expect(repositories?.[0]?.repositoryUri).toBe(`${registry.host}/missing`);
}, 60_000);

describe('tags that cannot move', () => {
  test('an immutable repository refuses another image under a tag, by docker and by the API', async () => {
    const name = `${registry.host}/fixed:v1`;
    await image('one', name);
    await docker('push', name);
    await image('two', name);
    await expect(docker('push', name)).rejects.toMatchObject({
      stderr: expect.stringContaining(
        "tag invalid: The image tag 'v1' already exists in the 'fixed' repository and cannot be overwritten because the tag is immutable.",
      ),
    });
    const other = `${registry.host}/fixed:v2`;
    await image('two', other);
    await docker('push', other);
    const { images } = await ecr.send(
      new BatchGetImageCommand({ repositoryName: 'fixed', imageIds: [{ imageTag: 'v2' }] }),
    );
    const put = (imageTag: string) =>
      ecr.send(new PutImageCommand({ repositoryName: 'fixed', imageManifest: images?.[0]?.imageManifest, imageTag }));
    await expect(put('v1')).rejects.toMatchObject({ name: 'ImageTagAlreadyExistsException' });
    await expect(put('v2')).rejects.toMatchObject({ name: 'ImageAlreadyExistsException' });
  }, 60_000);

  test('exclusions may move all the same', async () => {
    const latest = `${registry.host}/partly:latest`;
    await image('one', latest, `${registry.host}/partly:v1`);
    await docker('push', latest);
    await docker('push', `${registry.host}/partly:v1`);
    await image('two', latest, `${registry.host}/partly:v1`);
    await docker('push', latest);
    await expect(docker('push', `${registry.host}/partly:v1`)).rejects.toThrow(/immutable/);
  }, 60_000);
});

test('scans report what the world says, and images of which the last tag goes are gone', async () => {
  const name = `${registry.host}/scanned:v1`;
  await image('one', name);
  await docker('push', name);
  const scan = await ecr.send(
    new DescribeImageScanFindingsCommand({ repositoryName: 'scanned', imageId: { imageTag: 'v1' } }),
  );
  expect(scan.imageScanFindings?.findingSeverityCounts).toEqual({ CRITICAL: 1 });
  const unscanned = new DescribeImageScanFindingsCommand({ repositoryName: 'web', imageId: { imageTag: 'v1' } });
  await expect(ecr.send(unscanned)).rejects.toMatchObject({ name: 'ScanNotFoundException' });
  const gone = await ecr.send(
    new BatchDeleteImageCommand({ repositoryName: 'scanned', imageIds: [{ imageTag: 'v1' }, { imageTag: 'x' }] }),
  );
  expect(gone.imageIds).toHaveLength(1);
  expect(gone.failures?.[0]?.failureCode).toBe('ImageNotFound');
  const absent = new DescribeImagesCommand({ repositoryName: 'scanned', imageIds: [{ imageTag: 'v1' }] });
  await expect(ecr.send(absent)).rejects.toMatchObject({ name: 'ImageNotFoundException' });
}, 60_000);

test('without a token, with a wrong one, or denied: refused before anything is looked at', async () => {
  const get = (password?: string) =>
    fetch(`${registry.url}/v2/web/manifests/v1`, {
      headers: password ? { authorization: `Basic ${Buffer.from(`AWS:${password}`).toString('base64')}` } : {},
    });
  expect((await get()).status).toBe(401);
  expect(await (await get('guess')).json()).toMatchObject({ errors: [{ code: 'DENIED' }] });
  const key = credentials.issue({ account, arn: 'arn:aws:sts::1:assumed-role/x/y', userId: 'u' }, 900, [
    'ecr:BatchGetImage',
  ]);
  const denied = await get(registry.authorize(key).password);
  expect(denied.status).toBe(403);
  expect(await denied.text()).toContain('is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:');
});

test('the aws command line describes what really is in the registry', async () => {
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: LOCAL_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: LOCAL_SECRET_ACCESS_KEY,
    AWS_DEFAULT_REGION: region,
    AWS_ENDPOINT_URL: aws.url,
  };
  const { stdout } = await run('aws', ['ecr', 'describe-images', '--repository-name', 'fixed', '--output', 'json'], {
    env,
  });
  expect(JSON.parse(stdout).imageDetails).toHaveLength(2);
}, 30_000);
