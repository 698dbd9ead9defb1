import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type BaseDigestPorts, baseDigests } from './base-digest.ts';
import { baseLogins } from './base-logins.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A registry on loopback; what it was asked stands in `asked`. */
async function registry(answer: (request: IncomingMessage, response: ServerResponse, n: number) => void) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`);
    answer(request, response, asked.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const ask = (reference: string, over: Partial<BaseDigestPorts> = {}) =>
  baseDigests([reference], {
    login: async () => undefined,
    local: async () => undefined,
    warn: () => undefined,
    signal: new AbortController().signal,
    ...over,
  });
const good = (response: ServerResponse) => response.writeHead(200, { 'docker-content-digest': DIGEST }).end();

describe('the digest of a base image', () => {
  test('is asked for by its head', async () => {
    const { host, asked } = await registry((_, response) => good(response));
    expect(await ask(`${host}/a/b:1`)).toEqual({ [`${host}/a/b:1`]: { digest: DIGEST, from: 'registry' } });
    expect(asked).toEqual(['HEAD /v2/a/b/manifests/1 -']);
  });

  test('is known where it is written', async () => {
    expect(await ask(`nowhere.invalid/a@${DIGEST}`)).toMatchObject({
      [`nowhere.invalid/a@${DIGEST}`]: { digest: DIGEST },
    });
  });

  test.each([
    ['a 503', 503],
    ['a cut connection', 0],
  ])('%s is asked again', async (_, status) => {
    const { host, asked } = await registry((request, response, n) => {
      if (n > 1) return good(response);
      if (status === 0) return request.socket.destroy();
      return response.writeHead(status).end();
    });
    expect(await ask(`${host}/a:1`)).toMatchObject({ [`${host}/a:1`]: { digest: DIGEST } });
    expect(asked).toHaveLength(2);
  });

  test('a login is sent where it is asked for, and not before', async () => {
    const { host, asked } = await registry((request, response) => {
      if (request.headers.authorization) return good(response);
      return response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    await ask(`${host}/a:1`, { login: async () => ({ user: 'u', password: 'p' }) });
    expect(asked).toEqual(['HEAD /v2/a/manifests/1 -', 'HEAD /v2/a/manifests/1 Basic dTpw']);
  });

  test('a login is not sent in clear to where a challenge points', async () => {
    const { host, asked } = await registry((_, response) =>
      response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://nowhere.invalid/token"' }).end(),
    );
    const login = { login: async () => ({ user: 'u', password: 'p' }) };
    await expect(ask(`${host}/a:1`, login)).rejects.toThrow(/it asks for a login/);
    expect(asked).toHaveLength(1);
  });

  test.each([
    ['404', (response: ServerResponse) => response.writeHead(404).end(), /answered 404/],
    ['429', (response: ServerResponse) => response.writeHead(429).end(), /answered 429/],
    ['a digest that is none', (response: ServerResponse) => response.writeHead(200).end(), /gave no digest/],
  ])('%s is an error, or the engine’s own image', async (_, answer, why) => {
    const { host } = await registry((_request, response) => answer(response));
    await expect(ask(`${host}/a:1`)).rejects.toThrow(why);
    const warned: string[] = [];
    const own = await ask(`${host}/a:1`, { local: async () => 'sha256:id', warn: (m) => void warned.push(m) });
    expect(own).toEqual({ [`${host}/a:1`]: { digest: 'sha256:id', from: 'engine' } });
    expect(warned).toEqual([expect.stringMatching(why)]);
  });

  test('a cancelled run does not wait', async () => {
    const { host } = await registry(() => undefined);
    const stop = new AbortController();
    const end = ask(`${host}/a:1`, { signal: stop.signal, local: async () => 'sha256:id' });
    setTimeout(() => stop.abort(), 50);
    await expect(end).rejects.toThrow(/the run was cancelled/);
  });
});

describe('logins for base images', () => {
  test('ECR by role, others by what docker login left, the rest as nobody', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-logins-'));
    ends.push(() => rmSync(folder, { recursive: true, force: true }));
    const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
    const auths = { 'https://index.docker.io/v1/': auth('hub:a:b'), 'other.test': auth('o:p'), 'empty.test': {} };
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths }));
    const asked: string[] = [];
    const login = baseLogins({
      own: { host: 'own.test', login: async () => ({ user: 'AWS', password: 'own' }) },
      ecr: async (account, region) => {
        asked.push(`${account} ${region}`);
        return { user: 'AWS', password: account };
      },
      env: { DOCKER_CONFIG: folder },
    });
    expect(await login('own.test')).toEqual({ user: 'AWS', password: 'own' });
    for (const host of [
      '123456789012.dkr.ecr.eu-central-1.amazonaws.com',
      '123456789012.dkr.ecr.eu-central-1.amazonaws.com',
      '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn',
      '123456789012.dkr-ecr.us-east-1.on.aws',
    ])
      expect(await login(host)).toEqual({ user: 'AWS', password: '123456789012' });
    expect(asked).toEqual(['123456789012 eu-central-1', '123456789012 cn-north-1', '123456789012 us-east-1']);
    expect(await login('docker.io')).toEqual({ user: 'hub', password: 'a:b' });
    expect(await login('other.test')).toEqual({ user: 'o', password: 'p' });
    expect(await login('empty.test')).toBeUndefined();
    expect(await login('123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.test')).toBeUndefined();
  });
});
