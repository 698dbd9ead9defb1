import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PLAIN, SAMPLE } from '../actions/discord-notify/fixture.ts';
import { logsOf } from '../actions/discord-notify/logs.ts';
import { render } from '../actions/discord-notify/render/message.ts';
import type { Stage, Story } from '../actions/discord-notify/story.ts';
import { bodyOf, forEdit, forPost } from '../actions/discord-notify/webhook/form.ts';
import { createBus } from '../local/bus.ts';
import { createDiscord, type Discord } from '../local/discord/server.ts';
import { createFaults } from '../local/faults.ts';
import { openBrowser, type TestBrowser } from '../local/page/browser.ts';
import { problemsOf } from '../local/page/contrast.ts';
import { createPage, type Page } from '../local/page/server.ts';

// The messages that discord-notify sends, as a person sees them on the page of the local pipeline.
let browser: TestBrowser;
let discord: Discord;
let page: Page;

const author = (n: number) => ({
  sha: String(n).repeat(40),
  subject: `Change number ${n} of **many** @everyone`,
  author: n % 2 ? 'ada' : 'bob',
  url: `https://github.test/${n}`,
});
const list = [1, 2, 3, 4, 5].map(author);
const web: Stage = {
  name: 'web',
  state: 'rolled-back',
  ms: 60_000,
  digest: `sha256:${'2c'.repeat(32)}`,
  cause: `it never passed its health checks (target-group arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/${'4b5e57f6'.repeat(4)})`,
  next: 'Look at its log',
  log: Array.from(
    { length: 20 },
    (_, n) => `{"level":"error","attempt":${n},"msg":"${'cannot-reach-the-database'.repeat(3)}"}`,
  ),
};
const infra: Stage = { name: 'infra', state: 'succeeded', ms: 31_000 };
const waiting: Stage[] = ['infra', 'web', 'bot'].map((name) => ({ name, state: 'waiting' }));
const commits = {
  ...SAMPLE.commits,
  head: author(1),
  base: '9'.repeat(40),
  count: 5,
  list,
  authors: ['ada', 'bob'],
  url: 'https://github.test/range',
};
const links = [{ label: 'Roll back', url: 'https://github.test/back' }];
const story = (more: Partial<Story>): Story => ({ ...SAMPLE, commits, links, ...more });
const STORIES: Story[] = [
  story({ state: 'started', stages: waiting, ms: undefined }),
  story({ state: 'running', stages: [infra, { name: 'web', state: 'running' }, { name: 'bot', state: 'waiting' }] }),
  story({ state: 'failed', stages: [infra, web], streak: { failures: 2, since: SAMPLE.now - 2_520_000 } }),
];

beforeAll(async () => {
  discord = await createDiscord({ rates: { bucket: { limit: 100, windowMs: 1000 } } });
  for (const format of ['embed', 'components'] as const) {
    const webhook = discord.createWebhook({ name: 'Slipway' }).replace('/api/', '/api/v10/');
    let id = '';
    for (const told of STORIES) {
      const attachments = told.state === 'failed' ? logsOf(told.stages) : [];
      const { payload } = render(told, { ...PLAIN, format }, { mentions: [], attachments });
      const given = await bodyOf(id === '' ? forPost(payload) : forEdit(payload), attachments);
      const url = `${webhook}${id === '' ? '?wait=true&' : `/messages/${id}?`}with_components=true`;
      const answer = await fetch(url, { method: id === '' ? 'POST' : 'PATCH', ...given });
      const body = (await answer.json()) as { id: string };
      expect([answer.status, body]).toEqual([200, expect.objectContaining({ id: expect.any(String) })]);
      ({ id } = body);
    }
  }
  page = await createPage({
    port: 0,
    bus: createBus(),
    faults: createFaults(1),
    discord,
    sources: { discord: () => discord.snapshot() },
  });
  browser = await openBrowser();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await page?.close();
  await discord?.close();
});

test.each([
  [390, 'light'],
  [390, 'dark'],
  [1280, 'light'],
  [1280, 'dark'],
] as const)(
  'at %d px, %s: every version of a message is readable, and nothing is cut off sideways',
  async (width, colorScheme) => {
    const tab = await browser.context.newPage();
    await tab.setViewportSize({ width, height: 900 });
    await tab.emulateMedia({ colorScheme });
    await tab.goto(page.url);
    for (const summary of await tab.locator('.earlier summary').all()) await summary.click();
    await tab.locator('.earlier > ol > li').nth(3).waitFor();
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await tab.evaluate(problemsOf)).toEqual([]);
    await tab.close();
  },
);

test('what it said at each stage, whom it links to, and the log as one file', async () => {
  const tab = await browser.context.newPage();
  await tab.goto(page.url);
  const [embed, components] = [tab.locator('.message').first(), tab.locator('.message').last()];
  expect(await embed.locator('.embed-title').textContent()).toBe('❌ pipeline failed in dev');
  await embed.locator('summary').click();
  const titles = embed.locator('.earlier .embed-title');
  await titles.nth(1).waitFor();
  expect(await titles.allTextContents()).toEqual(['🚀 pipeline started in dev', '🔄 pipeline is under way in dev']);
  expect(await embed.locator('.embed-description').first().textContent()).toContain(
    'Failed 3 times in a row, for 42 min',
  );
  expect(await embed.locator('.embed-description a', { hasText: 'Roll back' }).first().getAttribute('href')).toBe(
    'https://github.test/back',
  );
  expect(await components.locator('a.button').allTextContents()).toEqual(['Run', 'Roll back']);
  expect(await embed.locator('.file a').allTextContents()).toEqual(['web.log']);
  expect(await components.locator('.file a').allTextContents()).toEqual(['web.log']);
  await tab.close();
});
