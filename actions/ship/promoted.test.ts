import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { component, environmentConfig, loadConfig } from '../../lib/config/load.ts';
import type { AppComponent } from '../../lib/config/schema.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import { recordingLog } from '../../lib/log.ts';
import { type Local, startLocal } from '../../local/start.ts';
import { registryWriter } from '../../test/support/registry.ts';
import { journeysOf, type PromotedOptions, promotedImages, staysInPlace } from './promoted.ts';

const HOME = '123456789012';
const OTHER = '210987654321';
const digest = `sha256:${'a'.repeat(64)}`;
const CONFIG = `
version: 1
registry: { account: '${HOME}', region: eu-central-1 }
components:
  web:
    kind: service
    image: { repository: sample-web, context: web }
    deploy: { to: ecs, cluster: a, service: b, container: app }
  two:
    kind: service
    images: { app: { repository: app }, proxy: { repository: proxy } }
    deploy: { to: ecs, cluster: a, service: b }
environments:
  dev: {}
  same: { after: dev }
  renamed: { after: dev, components: { web: { image: { repository: live/web } } } }
  abroad: { after: dev, registry: { account: '${HOME}', region: us-east-1 } }
  prod: { after: abroad, registry: { account: '${OTHER}', region: eu-central-1 } }
`;

function options(environment: string, name = 'web', env: NodeJS.ProcessEnv = {}): PromotedOptions {
  const config = environmentConfig(loadConfig(CONFIG, 'slipway.yml'), environment);
  const edge = { env, log: recordingLog(), signal: new AbortController().signal };
  return { config, component: component(config, name) as AppComponent, edge };
}

const entry = (images: Record<string, string>): LedgerEntry => ({
  component: 'web',
  environment: 'dev',
  commit: 'c'.repeat(40),
  state: 'deployed',
  revision: 'r',
  buildFingerprint: 'f',
  images,
  runUrl: '',
  at: '2026-11-25T00:00:00Z',
});

describe('the way of an image from one environment to the next', () => {
  test.each([
    ['same', [HOME, 'eu-central-1', 'sample-web'], [HOME, 'eu-central-1', 'sample-web'], true],
    ['renamed', [HOME, 'eu-central-1', 'sample-web'], [HOME, 'eu-central-1', 'live/web'], false],
    ['abroad', [HOME, 'eu-central-1', 'sample-web'], [HOME, 'us-east-1', 'sample-web'], false],
    ['prod', [HOME, 'us-east-1', 'sample-web'], [OTHER, 'eu-central-1', 'sample-web'], false],
  ])('%s', (environment, from, to, stays) => {
    const [journey, ...others] = journeysOf(entry({ app: `sample-web@${digest}` }), options(environment));
    expect(others).toEqual([]);
    expect([journey?.from.registryId, journey?.from.region, journey?.from.repository]).toEqual(from);
    expect([journey?.to.registryId, journey?.to.region, journey?.to.repository]).toEqual(to);
    expect([journey?.from.reference, journey && staysInPlace(journey)]).toEqual([digest, stays]);
  });

  test('several images go each their way; one that the config file no longer has stays under its name', () => {
    const images = { app: `app@${digest}`, proxy: `proxy@${digest}`, gone: `gone@${digest}` };
    const journeys = journeysOf(entry(images), options('abroad', 'two'));
    expect(journeys.map((j) => [j.container, j.to.repository])).toEqual([
      ['app', 'app'],
      ['proxy', 'proxy'],
      ['gone', 'gone'],
    ]);
  });
});

describe('with real registries', () => {
  let local: Local;
  let image: string;
  const before = { ...process.env };

  beforeAll(async () => {
    local = await startLocal({
      world: {
        repositories: ['sample-web'],
        registries: [
          { account: HOME, region: 'us-east-1', repositories: ['sample-web'] },
          {
            account: OTHER,
            region: 'eu-central-1',
            repositories: [{ name: 'sample-web', sharedWith: [HOME] }],
          },
        ],
      },
    });
    ({ digest: image } = await registryWriter(local.registry, 'sample-web').image({ tag: 'fp-1-r1' }));
    // The SDK's clients read where AWS is from the process itself.
    Object.assign(process.env, local.env());
  }, 60_000);
  afterAll(async () => {
    process.env = before;
    await local?.stop();
  }, 30_000);

  const host = (account: string, region: string) => local.registries.get(`${account}/${region}`)?.host;

  test('an image stays where both environments have one registry', async () => {
    const books = local.registry.requests().length;
    expect(await promotedImages(entry({ app: `sample-web@${image}` }), options('same'))).toEqual([
      {
        container: 'app',
        reference: `${local.registry.host}/sample-web@${image}`,
        revision: 'r',
        buildFingerprint: 'f',
      },
    ]);
    expect(local.registry.requests().length).toBe(books);
  });

  test('and is the same digest in the registry of each environment that has its own, from one to the next', async () => {
    for (const [environment, where] of [
      ['abroad', host(HOME, 'us-east-1')],
      ['prod', host(OTHER, 'eu-central-1')],
    ] as const) {
      const [promoted] = await promotedImages(entry({ app: `sample-web@${image}` }), options(environment));
      expect(promoted?.reference).toBe(`${where}/sample-web@${image}`);
    }
    const stored = local.registries.get(`${OTHER}/eu-central-1`)?.repositories.get('sample-web');
    expect([...(stored?.tags ?? [])]).toEqual([[`promoted-${image.slice(7, 23)}`, image]]);
  }, 30_000);

  test('an image that is gone from the environment before is an error that says so', async () => {
    await expect(promotedImages(entry({ app: `sample-web@${digest}` }), options('abroad'))).rejects.toThrow(
      /the source repository has no such image/,
    );
  });
});
