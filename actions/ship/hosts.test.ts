import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '../../lib/clock.ts';
import { component, environmentConfig, loadConfig } from '../../lib/config/load.ts';
import type { AppComponent } from '../../lib/config/schema.ts';
import { recordingLog } from '../../lib/log.ts';
import type { Edge } from '../../lib/runner.ts';
import { readNote } from '../ssm-deploy/note.ts';
import { good, type ScriptedSsm, SECRET_KEY, scriptedSsm } from '../ssm-deploy/test/scripted-ssm.ts';
import { realSteps } from './steps.ts';

// The steps that ship takes for a component on hosts: the real room, with the inputs of the config file, against a scripted SSM.

const HOST = 'i-00000000000000001';
const PARAMETER = '/slipway/dev/docker-host/bot';
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const image = (letter: string) => ({
  container: '',
  reference: `registry.test/sample-bot@${digest(letter)}`,
  revision: `rev-${letter}`,
  buildFingerprint: '',
});
const CONFIG = `version: 1
registry: { account: '123456789012', region: eu-central-1 }
components:
  bot:
    kind: bot
    image: { repository: sample-bot }
    deploy: { to: ssm, targets: { 'tag:Role': docker-host }, secrets: { T: '\${ssm:/sample/token}' }, memory: 256m }
environments:
  dev: { region: eu-central-1 }
`;

let ssm: ScriptedSsm;
const saved: Record<string, string> = {};

beforeEach(async () => {
  ssm = await scriptedSsm(systemClock, {
    hosts: {
      [HOST]: {
        does: (payload) => ({
          ...good(payload),
          ms: 50,
          ...(payload.operation === 'rollback' && back(payload.spec?.release)),
        }),
      },
    },
    unknownMs: 0,
  });
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: SECRET_KEY,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL: ssm.url,
  });
});
afterEach(() => ssm.close());

const back = (release: string | undefined) => ({ result: { state: 'succeeded', release } });

function steps() {
  const config = environmentConfig(loadConfig(CONFIG, 'slipway.yml'), 'dev');
  const bot = component(config, 'bot') as AppComponent;
  const edge = {
    input: (name: string) => (name === 'environment' ? 'dev' : ''),
    env: {},
    signal: new AbortController().signal,
    log: recordingLog(),
    saveState: (name: string, value: string) => {
      saved[name] = value;
    },
  } as unknown as Edge;
  const configured = { config, environment: config.environment, component: bot, name: 'bot' };
  return realSteps({ configured, settled: async () => bot, references: async () => ({}), edge });
}

test('deploys with the options of the config file, and goes back to the release that the ledger names', async () => {
  const ship = steps();
  const releases: string[] = [];
  for (const letter of ['a', 'b', 'c']) {
    releases.push(await ship.fingerprint([image(letter)]));
    const { outcome, outputs } = await ship.deploy([image(letter)], []);
    expect([outcome.status, outputs['release-fingerprint']]).toEqual(['succeeded', releases.at(-1)]);
  }
  expect(ssm.sent[0]?.payload).toMatchObject({
    environment: 'dev',
    group: 'docker-host',
    spec: { component: 'bot', revision: 'rev-a', memory: '256m', secrets: [{ name: 'T', from: 'ssm:/sample/token' }] },
  });
  expect(readNote(saved.hosts ?? '')).toMatchObject({ stage: 'ended', place: { parameter: PARAMETER } });

  const { outcome } = await ship.rollback('', releases[0]);
  expect(outcome.status).toBe('succeeded');
  expect(ssm.sent.at(-1)?.payload).toMatchObject({ operation: 'rollback', to: releases[2]?.slice(0, 16) });
  expect(ssm.parameters.get(PARAMETER)?.at(-1)).toContain(digest('a'));
  expect(ssm.tags.get(PARAMETER)).toMatchObject({ 'slipway:release': releases[0] });
}, 60_000);
