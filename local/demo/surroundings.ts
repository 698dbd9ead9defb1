import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { ensureBaseImage } from '../../scripts/base-image.ts';
import { preferredPort } from '../http/ports.ts';
import { type Local, startLocal } from '../start.ts';
import type { WorldInput } from '../world.ts';
import { BRANCH, createRepository, type DemoRepository, describeEnvironment, SLUG } from './repository.ts';

export const ENVIRONMENT = 'dev';
export const CLUSTER = `sample-${ENVIRONMENT}`;
export const SERVICE = 'web';
const CHANNEL = 'deployments';
const PAGE_PORT = 4600;
const REGISTRY_PORT = 4601;
/** Container health checks take a fifth of their time, as the sample's are written for real life. */
const HEALTH_TIME_SCALE = 0.2;
/** Longest time until the bootstrap tasks answer, on a busy machine. */
const READY_MS = 60_000;

/** Everything that the three pushes need around them. */
export interface Surroundings {
  local: Local;
  repository: DemoRepository;
  /** Where the web service answers its users. */
  webUrl: string;
  webhook: string;
  /** What the actions get as their environment, and as secrets. */
  env: Record<string, string>;
  secrets: Record<string, string>;
}

/**
 * Starts the local pipeline with the demo's world and a repository made from the sample.
 * @param root this repository
 * @param folder empty; the caller removes it
 */
export async function surround(root: string, folder: string): Promise<Surroundings> {
  await ensureBaseImage();
  const repository = await createRepository(join(root, 'sample-app'), folder);
  const tokens = { discord: token(), github: `ghp_${token()}` };
  const world = worldOf(repository, tokens);
  const registry = await preferredPort(REGISTRY_PORT);
  const local = await startLocal({
    world,
    healthTimeScale: HEALTH_TIME_SCALE,
    ports: { page: await preferredPort(PAGE_PORT), registry },
    // With the registry at the same address next time, the engine has most layers already.
    keepImages: registry === REGISTRY_PORT,
  });
  const webUrl = local.endpoints.balancers.web;
  if (webUrl === undefined) throw new Error('local/demo/world.yml has no balancer "web"');
  await answering(`${webUrl}/health`);
  const webhook = local.discord.createWebhook({ channel: CHANNEL, name: 'Slipway' });
  await describeEnvironment(repository, ENVIRONMENT, botFor(local));
  const { GITHUB_TOKEN = '', ...env } = local.env({ credentials: false });
  return {
    local,
    repository,
    webUrl,
    webhook,
    env: {
      ...env,
      // What a real root would get from its providers.
      TF_VAR_web_url: webUrl,
      // A backend that is no remote one has to be told where the state of all runs is.
      TF_CLI_ARGS_init: `-backend-config=path=${join(folder, `${ENVIRONMENT}.tfstate`)}`,
      CHECKPOINT_DISABLE: '1',
    },
    secrets: { GITHUB_TOKEN, DISCORD_WEBHOOK: webhook },
  };
}

/** Waits until the service runs that exists before the first push; only then does it have users. */
async function answering(url: string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  for (let inRow = 0; inRow < 5; ) {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) }).catch(() => undefined);
    inRow = response?.ok ? inRow + 1 : 0;
    if (Date.now() > deadline) throw new Error(`${url} did not answer within ${READY_MS / 1000} s of the start`);
    await sleep(100);
  }
}

function worldOf(repository: DemoRepository, tokens: { discord: string; github: string }): WorldInput {
  const written = parse(readFileSync(join(import.meta.dirname, 'world.yml'), 'utf8')) as WorldInput;
  const [owner = '', name = ''] = SLUG.split('/');
  return {
    ...written,
    parameters: {
      '/sample/bot/discord-token': { value: tokens.discord, type: 'SecureString' },
      '/sample/bot/github-token': { value: tokens.github, type: 'SecureString' },
    },
    github: {
      repositories: [{ owner, name, gitDir: repository.remote, defaultBranch: BRANCH }],
      tokens: { [tokens.github]: { login: 'sample-bot' } },
      identity: {
        repository: SLUG,
        ref: `refs/heads/${BRANCH}`,
        environment: ENVIRONMENT,
        eventName: 'push',
        jobWorkflowRef: 'slipway/slipway/.github/workflows/app.yml@refs/tags/v1',
      },
    },
    discord: {
      guild: { name: 'Sample', channels: [{ name: CHANNEL }] },
      bots: [{ name: 'Sample', token: tokens.discord }],
    },
  };
}

/** Where this environment's bot finds its Discord and its GitHub; in real life the defaults are right. */
function botFor(local: Local): Record<string, unknown> {
  const env = {
    DISCORD_API_URL: local.discord.apiUrl,
    DISCORD_GUILD_ID: local.discord.guildId,
    GITHUB_API_URL: local.endpoints.github,
    GITHUB_REPOSITORY: SLUG,
    ENVIRONMENTS: ENVIRONMENT,
  };
  return { bot: { deploy: { env } } };
}

function token(): string {
  return randomBytes(30).toString('base64url');
}
