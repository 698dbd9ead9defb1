import { createHash, createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createCredentialStore, LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../aws/credentials.ts';
import { createFaults } from '../faults.ts';
import { createS3, type S3 } from './server.ts';

// What Terraform does with it is tested in test/actions/terraform.test.ts; this is what it refuses, and how.

let s3: S3;
const faults = createFaults(1);
beforeAll(async () => {
  const credentials = createCredentialStore({ account: '123456789012', now: Date.now });
  s3 = await createS3({ region: 'eu-central-1', buckets: ['state'], credentials, faults });
});
afterAll(() => s3.close());

interface Options {
  body?: string;
  headers?: Record<string, string>;
  key?: string;
  secret?: string;
  region?: string;
  hash?: string;
}

/** Signs by hand, as "Signature Version 4 signing process" describes it. */
async function call(method: string, path: string, options: Options = {}) {
  const {
    body = '',
    headers = {},
    key = LOCAL_ACCESS_KEY_ID,
    secret = LOCAL_SECRET_ACCESS_KEY,
    region = 'eu-central-1',
  } = options;
  const url = new URL(path, s3.url);
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const hash = options.hash ?? sha256(body);
  const signed = { host: url.host, 'x-amz-content-sha256': hash, 'x-amz-date': at };
  const names = Object.keys(signed).join(';');
  const query = [...url.searchParams]
    .map(([k, v]) => `${encodeURIComponent(k)}=${encodeURIComponent(v)}`)
    .sort()
    .join('&');
  const lines = Object.entries(signed).map(([name, value]) => `${name}:${value}\n`);
  const canonical = [method, url.pathname, query, lines.join(''), names, hash].join('\n');
  const scope = `${at.slice(0, 8)}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n');
  const signing = scope.split('/').reduce<Buffer>((k, part) => hmac(k, part), Buffer.from(`AWS4${secret}`));
  const authorization = `AWS4-HMAC-SHA256 Credential=${key}/${scope}, SignedHeaders=${names}, Signature=${hmac(signing, toSign).toString('hex')}`;
  const response = await fetch(url, {
    method,
    headers: { ...headers, 'x-amz-content-sha256': hash, 'x-amz-date': at, authorization },
    ...(body !== '' && { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    text,
    code: /<Code>(\w+)<\/Code>/.exec(text)?.[1],
    etag: response.headers.get('etag'),
  };
}
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();

describe('objects', () => {
  test('are written, read, listed and deleted', async () => {
    const { status, etag } = await call('PUT', '/state/a/x.tfstate', { body: 'one' });
    expect([status, etag]).toEqual([200, `"${createHash('md5').update('one').digest('hex')}"`]);
    await call('PUT', '/state/a/y.tfstate', { body: 'two' });
    await call('PUT', '/state/b.tfstate', { body: 'three' });
    expect((await call('GET', '/state/a/x.tfstate')).text).toBe('one');
    expect((await call('HEAD', '/state/a/x.tfstate')).status).toBe(200);
    const list = (await call('GET', '/state?list-type=2&prefix=a%2F&max-keys=1')).text;
    expect(list).toMatch(
      /<KeyCount>1<.*<IsTruncated>true<.*<NextContinuationToken>a\/x\.tfstate<.*<Key>a\/x\.tfstate</s,
    );
    expect((await call('GET', '/state?list-type=2&prefix=a%2F&continuation-token=a%2Fx.tfstate')).text).toMatch(
      /<Key>a\/y\.tfstate</,
    );
    const folders = (await call('GET', '/state?list-type=2&delimiter=%2F')).text;
    expect(folders).toMatch(/<Key>b\.tfstate<.*<CommonPrefixes><Prefix>a\/<\/Prefix>/s);
    expect((await call('DELETE', '/state/b.tfstate')).status).toBe(204);
    expect((await call('GET', '/state/b.tfstate')).code).toBe('NoSuchKey');
    expect((await call('DELETE', '/state/b.tfstate')).status).toBe(204);
  });

  test('are written once where that is asked for, whoever comes at the same time', async () => {
    const once = { 'if-none-match': '*' };
    const all = await Promise.all(
      [...Array(5).keys()].map((i) => call('PUT', '/state/lock', { body: `run ${i}`, headers: once })),
    );
    expect(all.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412]);
    expect(all.find(({ status }) => status === 412)?.code).toBe('PreconditionFailed');
    const { etag } = await call('HEAD', '/state/lock');
    expect((await call('PUT', '/state/lock', { body: 'x', headers: { 'if-match': '"other"' } })).status).toBe(412);
    expect((await call('PUT', '/state/lock', { body: 'x', headers: { 'if-match': etag ?? '' } })).status).toBe(200);
  });
});

describe('refused is', () => {
  const rows: [string, string, string, Options, number, string][] = [
    ['an unknown key', 'GET', '/state/a', { key: 'AKIDUNKNOWN' }, 403, 'InvalidAccessKeyId'],
    ['a wrong signature', 'GET', '/state/a', { secret: 'wrong' }, 403, 'SignatureDoesNotMatch'],
    ['another region', 'GET', '/state/a', { region: 'us-east-1' }, 400, 'AuthorizationHeaderMalformed'],
    [
      'another body than was signed',
      'PUT',
      '/state/a',
      { body: 'x', hash: sha256('y') },
      400,
      'XAmzContentSHA256Mismatch',
    ],
    [
      'a wrong checksum',
      'PUT',
      '/state/a',
      { body: 'x', headers: { 'x-amz-checksum-sha256': 'AAAA' } },
      400,
      'BadDigest',
    ],
    ['an unknown bucket', 'GET', '/other/a', {}, 404, 'NoSuchBucket'],
    [
      'a chunked upload',
      'PUT',
      '/state/a',
      { body: 'x', headers: { 'content-encoding': 'aws-chunked' } },
      501,
      'NotImplemented',
    ],
    ['a version', 'GET', '/state/a?versionId=1', {}, 501, 'NotImplemented'],
    ['the deletion of the bucket', 'DELETE', '/state', {}, 501, 'NotImplemented'],
    ['an upload in parts', 'POST', '/state/a?uploads=', {}, 501, 'NotImplemented'],
  ];
  test.each(rows)('%s', async (_, method, path, options, status, code) => {
    const answer = await call(method, path, options);
    expect([answer.status, answer.code]).toEqual([status, code]);
  });

  test('what is not signed at all', async () => {
    expect((await fetch(`${s3.url}/state/a`)).status).toBe(403);
  });

  test('what a fault strikes', async () => {
    faults.add({ service: 's3', operation: 'PutObject', times: 1, effect: { throttle: true } });
    expect((await call('PUT', '/state/a', { body: 'x' })).code).toBe('SlowDown');
    expect((await call('PUT', '/state/a', { body: 'x' })).status).toBe(200);
  });
});
