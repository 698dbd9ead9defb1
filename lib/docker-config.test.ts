import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { addLogin, makeDockerConfig, readDockerConfig, renewLogin } from './docker-config.ts';

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'slipway-docker-config-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));
const login = { host: 'ecr.test', user: 'AWS', password: 'hunter2' };
const authOf = (password: string) => Buffer.from(`AWS:${password}`).toString('base64');

test('keeps what the user has and overrules a credential store for this host alone', () => {
  expect(addLogin({ auths: { other: { auth: 'x' } }, credsStore: 'desktop' }, login)).toEqual({
    auths: { other: { auth: 'x' }, 'ecr.test': { auth: authOf('hunter2') } },
    credsStore: 'desktop',
    credHelpers: { 'ecr.test': '' },
  });
});

test('a password that expired is renewed in ours, and the other logins stay', async () => {
  const logins = [{ ...login, host: 'other.test' }, login];
  const folder = await makeDockerConfig(logins, { HOME: work }, { parent: work, prefix: 'ours-' });
  const env = { DOCKER_CONFIG: folder };
  await renewLogin(env, { ...login, password: 'newer' });
  expect(await readDockerConfig(env)).toEqual({
    auths: { 'other.test': { auth: authOf('hunter2') }, 'ecr.test': { auth: authOf('newer') } },
  });
  expect(statSync(join(folder, 'config.json')).mode & 0o777).toBe(0o600);
  rmSync(folder, { recursive: true });
});

test('where it cannot be made, nothing is left of it', async () => {
  const parent = join(work, 'parent');
  const theirs = join(work, 'theirs');
  for (const folder of [parent, join(theirs, 'contexts')]) mkdirSync(folder, { recursive: true });
  const broken = {
    ...login,
    get password(): string {
      throw new Error('no password');
    },
  };
  writeFileSync(join(theirs, 'config.json'), '{}');
  await expect(makeDockerConfig([broken], { DOCKER_CONFIG: theirs }, { parent, prefix: 'ours-' })).rejects.toThrow(
    'no password',
  );
  expect(readdirSync(parent)).toEqual([]);
  expect(readFileSync(join(theirs, 'config.json'), 'utf8')).toBe('{}');
});
