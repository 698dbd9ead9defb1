import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Local, startLocal } from '../start.ts';
import type { Registry } from './registry.ts';

const run = promisify(execFile);
const OTHER = '210987654321';
let local: Local;

const site = (name: string): Registry => {
  const registry = local.registries.get(name);
  if (!registry) throw new Error(`no registry ${name}`);
  return registry;
};
const own = () => local.registry;
const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The aws command line, as account 123456789012 unless told. */
async function aws(region: string, ...args: string[]): Promise<Record<string, unknown>> {
  const env = { ...process.env, ...local.env(), AWS_DEFAULT_REGION: region, AWS_REGION: region };
  const { stdout } = await run('aws', [...args, '--output', 'json'], { env, timeout: 30_000 });
  return stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>);
}

/** A password that the caller gets in a region. */
async function password(region: string): Promise<string> {
  const { authorizationData } = (await aws(region, 'ecr', 'get-authorization-token')) as {
    authorizationData: { authorizationToken: string }[];
  };
  return authorizationData[0]?.authorizationToken ?? '';
}

const at = (registry: Registry, auth: string) => (method: string, path: string, body?: Buffer, type?: string) =>
  fetch(path.startsWith('http') ? path : registry.url + path, {
    method,
    headers: { authorization: `Basic ${auth}`, ...(type ? { 'content-type': type } : {}) },
    ...(body ? { body: new Uint8Array(body) } : {}),
  });

async function upload(registry: Registry, auth: string, repository: string, bytes: Buffer): Promise<string> {
  const ask = at(registry, auth);
  const started = await ask('POST', `/v2/${repository}/blobs/uploads/`);
  const location = new URL(started.headers.get('location') ?? '', registry.url);
  location.searchParams.set('digest', digestOf(bytes));
  expect((await ask('PUT', location.href, bytes, 'application/octet-stream')).status).toBe(201);
  return digestOf(bytes);
}

beforeAll(async () => {
  local = await startLocal({
    world: {
      repositories: ['web', 'other', { name: 'secret', encryption: 'KMS', kmsKey: 'arn:aws:kms:eu-central-1:1:key/1' }],
      registries: [
        { account: '123456789012', region: 'us-east-1', repositories: ['web'] },
        {
          account: OTHER,
          region: 'eu-central-1',
          repositories: [{ name: 'shared', sharedWith: ['123456789012'] }, 'closed'],
        },
      ],
      roles: [{ name: 'there', account: OTHER }],
    },
  });
}, 60_000);
afterAll(() => local?.stop(), 30_000);

test('a region and an account have repositories and a host of their own, found by the signature and registryId', async () => {
  const uris = async (...args: Parameters<typeof aws>) =>
    ((await aws(...args)).repositories as { repositoryUri: string }[]).map((r) => r.repositoryUri);
  expect(await uris('us-east-1', 'ecr', 'describe-repositories')).toEqual([
    `${site('123456789012/us-east-1').host}/web`,
  ]);
  const shared = ['--registry-id', OTHER, '--repository-names', 'shared'];
  expect(await uris('eu-central-1', 'ecr', 'describe-repositories', ...shared)).toEqual([
    `${site(`${OTHER}/eu-central-1`).host}/shared`,
  ]);
  const closed = aws('eu-central-1', 'ecr', 'list-images', '--registry-id', OTHER, '--repository-name', 'closed');
  await expect(closed).rejects.toThrow(/because no resource-based policy allows the ecr:ListImages action/);
  await expect(aws('ap-south-1', 'ecr', 'describe-repositories')).rejects.toThrow(/scoped to a valid region/);
}, 60_000);

test('a role of the other account is at home there', async () => {
  const role = `arn:aws:iam::${OTHER}:role/there`;
  const args = ['sts', 'assume-role', '--role-arn', role, '--role-session-name', 'test'];
  expect(await aws('eu-central-1', ...args)).toMatchObject({
    AssumedRoleUser: { Arn: `arn:aws:sts::${OTHER}:assumed-role/there/test` },
  });
}, 30_000);

test('one password opens the region’s registries as far as policies allow, and not another region’s', async () => {
  const auth = await password('eu-central-1');
  const other = at(site(`${OTHER}/eu-central-1`), auth);
  expect((await other('GET', '/v2/shared/tags/list')).status).toBe(200);
  const denied = await other('GET', '/v2/closed/tags/list');
  expect([denied.status, await denied.text()]).toEqual([403, expect.stringContaining('no resource-based policy')]);
  expect((await at(site('123456789012/us-east-1'), auth)('GET', '/v2/web/tags/list')).status).toBe(403);
}, 30_000);

test('layers are mounted when the account says so and the encryption is the same', async () => {
  const auth = await password('eu-central-1');
  const ask = at(own(), auth);
  const digest = await upload(own(), auth, 'web', Buffer.from('a layer'));
  const mount = async (to: string) => (await ask('POST', `/v2/${to}/blobs/uploads/?mount=${digest}&from=web`)).status;
  expect(await mount('other')).toBe(202);
  await aws('eu-central-1', 'ecr', 'put-account-setting', '--name', 'BLOB_MOUNTING', '--value', 'ENABLED');
  expect(await mount('other')).toBe(201);
  expect((await ask('HEAD', `/v2/other/blobs/${digest}`)).status).toBe(200);
  expect(await mount('secret')).toBe(202);
  const books = own()
    .requests()
    .filter((r) => r.repository === 'other' && r.method === 'POST');
  expect(books.map((r) => [r.status, r.received])).toEqual([
    [202, 0],
    [201, 0],
  ]);
}, 30_000);

test('what is about an image is listed by both protocols', async () => {
  const auth = await password('eu-central-1');
  const ask = at(own(), auth);
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const config = await upload(own(), auth, 'web', Buffer.from('{}'));
  const manifest = (more: object) =>
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type,
        config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: config, size: 2 },
        layers: [],
        ...more,
      }),
    );
  const image = manifest({});
  expect((await ask('PUT', '/v2/web/manifests/v1', image, type)).status).toBe(201);
  const subject = { mediaType: type, digest: digestOf(image), size: image.length };
  const signature = manifest({ subject, artifactType: 'application/vnd.test.signature' });
  const put = await ask('PUT', `/v2/web/manifests/${digestOf(signature)}`, signature, type);
  expect([put.status, put.headers.get('oci-subject')]).toEqual([201, digestOf(image)]);
  const listed = (await (await ask('GET', `/v2/web/referrers/${digestOf(image)}`)).json()) as {
    manifests: { digest: string }[];
  };
  const wanted = {
    digest: digestOf(signature),
    artifactType: 'application/vnd.test.signature',
    size: signature.length,
  };
  expect(listed.manifests).toEqual([{ ...wanted, mediaType: type }]);
  // Older command lines do not know ListImageReferrers; every one shows the subject among an image's details.
  const { imageDetails } = (await aws('eu-central-1', 'ecr', 'describe-images', '--repository-name', 'web')) as {
    imageDetails: { imageDigest: string; subjectManifestDigest?: string }[];
  };
  expect(imageDetails.find((d) => d.imageDigest === digestOf(signature))?.subjectManifestDigest).toBe(digestOf(image));
}, 30_000);
