import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ssmParameters } from '../../actions/packer/parameters.ts';
import { referencePorts } from '../../lib/leg/references.ts';
import { recordingLog } from '../../lib/log.ts';
import { type Local, startLocal } from '../../local/start.ts';

// The Parameter Store as two rooms use it, over the real protocol.

let local: Local;
const before = { ...process.env };
const { signal } = new AbortController();
beforeAll(async () => {
  local = await startLocal({
    world: { parameters: { '/sample/word': { value: 'hidden-word', type: 'SecureString' } } },
  });
  Object.assign(process.env, local.env());
});
afterAll(async () => {
  for (const name of Object.keys(local.env())) delete process.env[name];
  Object.assign(process.env, before);
  await local.stop();
});

test('a parameter that is not there is made, one that is there is changed', async () => {
  const parameters = ssmParameters('eu-central-1', signal);
  expect(await parameters.read('/sample/ami')).toBeUndefined();
  await parameters.write('/sample/ami', 'ami-0aaaaaaaaaaaaaaaa');
  await parameters.write('/sample/ami', 'ami-0bbbbbbbbbbbbbbbb');
  expect(await parameters.read('/sample/ami')).toBe('ami-0bbbbbbbbbbbbbbbb');
});

test('a reference reads a parameter, and masks what is a secret', async () => {
  const log = recordingLog();
  const ledger = { read: async () => new Map(), record: async () => undefined };
  const options = {
    ledger,
    environment: 'dev',
    resultDirectory: '',
    env: process.env,
    signal,
    log,
    action: 'terraform',
  };
  const { ssm, output } = referencePorts(options);
  expect(await ssm?.('/sample/word')).toBe('hidden-word');
  expect(log.masked).toEqual(['hidden-word']);
  expect(await ssm?.('/sample/nothing')).toBeUndefined();
  expect(await output?.('infra', 'web_url')).toBeUndefined();
});
