import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page as Tab } from 'playwright-core';
import { type Bus, createBus } from '../bus.ts';
import { createDiscord, type Discord } from '../discord/server.ts';
import { createFaults } from '../faults.ts';
import { findBrowser, openBrowser, type TestBrowser } from './browser.ts';
import { problemsOf } from './contrast.ts';
import * as sample from './fixture.ts';
import { createPage, type Page } from './server.ts';

let browser: TestBrowser;
let discord: Discord;
let page: Page;
let bus: Bus;
const faults = createFaults(1);

beforeAll(async () => {
  browser = await openBrowser();
  bus = createBus();
  for (const event of sample.news) bus.emit(event);
  discord = await createDiscord({
    bus,
    guild: { members: [{ username: 'ada', id: '500' }] },
    bots: [{ name: 'Slipway', token: 't' }],
  });
  await sample.talk(discord);
  page = await createPage({
    port: 0,
    bus,
    faults,
    discord,
    sources: {
      ecs: () => sample.ecs,
      registry: () => sample.registry,
      balancers: () => sample.balancers,
      hosts: () => sample.hosts,
      logs: sample.logs,
      github: () => sample.github,
      discord: () => discord.snapshot(),
    },
  });
  for (const run of sample.runs) page.run(run);
  page.probe(sample.probe);
});
afterAll(async () => {
  await browser.close();
  await page.close();
  await discord.close();
});

/** Runs in the browser, whose types are not in this program's library. */
function leftEdge(node: unknown): string {
  const { getComputedStyle } = globalThis as unknown as { getComputedStyle(of: unknown): { borderLeftColor: string } };
  return getComputedStyle(node).borderLeftColor;
}

/** Pages and servers of one test: a browser keeps only six connections to a server, and event streams hold theirs. */
const own: Page[] = [];
afterEach(async () => {
  await Promise.all(browser.context.pages().map((tab) => tab.close()));
  await Promise.all(own.splice(0).map((one) => one.close()));
});

interface Look {
  width?: number;
  scheme?: 'light' | 'dark';
  motion?: 'reduce' | 'no-preference';
}
async function open({
  width = 1280,
  scheme = 'light',
  motion = 'no-preference',
}: Look = {}): Promise<{ tab: Tab; errors: string[]; hosts: Set<string> }> {
  const tab = await browser.context.newPage();
  const errors: string[] = [];
  const hosts = new Set<string>();
  tab.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  tab.on('pageerror', (error) => errors.push(error.message));
  tab.on('request', (request) => hosts.add(new URL(request.url()).host));
  await tab.setViewportSize({ width, height: 900 });
  await tab.emulateMedia({ colorScheme: scheme, reducedMotion: motion });
  await tab.goto(page.url);
  await tab.waitForSelector('.message');
  return { tab, errors, hosts };
}

describe('what a reader sees', () => {
  test('every section, from this server alone, without an error and without markup from data', async () => {
    const { tab, errors, hosts } = await open();
    const text = (await tab.locator('body').textContent()) ?? '';
    for (const words of [
      'A broken web',
      'rolled back',
      '4,812 probes, none failed',
      'Rolling back to deployment 8239',
      '7f3a2b1',
      'docker-host',
      'slipway: deploy bot',
      'sample-bot',
      'This build is held.',
      'circuit breaker triggered',
      'Deployment to dev: web rolled back',
      '<script>alert("not markup")</script>',
    ]) {
      expect(text).toContain(words);
    }
    expect(errors).toEqual([]);
    expect([...hosts]).toEqual([new URL(page.url).host]);
  });

  test('a Discord message looks as in Discord: colour, fields, links, mention by name, edited', async () => {
    const { tab } = await open();
    const last = tab.locator('.message').last();
    expect(await last.locator('.embed').evaluate(leftEdge)).toBe('rgb(210, 153, 34)');
    expect(await last.locator('dt').allTextContents()).toEqual(['Build', 'Deploy', 'Verify', 'Cause']);
    expect(await last.locator('.embed-title a').getAttribute('href')).toBe(
      'https://github.com/acme/sample/actions/runs/42',
    );
    expect(await last.locator('.edited').textContent()).toBe('(edited)');
    expect(await tab.locator('.content .mention').first().textContent()).toBe('@ada');
    expect(await tab.locator('.pinged').textContent()).toBe('Pinged @ada');
  });

  test('an edited message shows how it grew, and keeps showing it while it is edited on', async () => {
    const { tab } = await open();
    const last = tab.locator('.message').last();
    await last.locator('summary').click();
    const versions = last.locator('.earlier li');
    expect(await versions.locator('.embed-title').allTextContents()).toEqual(['Deployment to dev: web rolled back']);
    expect(await versions.locator('dd').nth(1).textContent()).toBe('⏳ under way');
    bus.emit({ kind: 'discord.message', text: 'message edited' });
    await tab.waitForTimeout(300);
    expect(await versions.count()).toBe(1);
    await last.locator('summary').click();
    await versions.first().waitFor({ state: 'detached' });
  });

  test.each([
    [390, 'light'],
    [390, 'dark'],
    [1280, 'light'],
    [1280, 'dark'],
  ] as const)('at %i px, %s: nothing is cut off sideways and all text has contrast', async (width, scheme) => {
    const { tab } = await open({ width, scheme });
    expect(await tab.evaluate(`document.documentElement.scrollWidth`)).toBe(width);
    expect(await tab.evaluate(problemsOf)).toEqual([]);
  });

  test('landmarks, headings, keyboard, reduced motion', async () => {
    const { tab } = await open({ motion: 'reduce' });
    await tab.keyboard.press('Tab');
    expect(await tab.evaluate(`document.activeElement?.textContent`)).toBe('Skip to what runs');
    await tab.keyboard.press('Enter');
    await tab.keyboard.press('Tab');
    expect(await tab.evaluate(`document.activeElement?.closest('main') !== null`)).toBe(true);
    expect(await tab.getByRole('main').count()).toBe(1);
    expect(await tab.getByRole('region', { name: 'Services' }).count()).toBe(1);
    expect(await tab.getByRole('row').count()).toBeGreaterThan(5);
    expect(await tab.getByRole('log').getAttribute('tabindex')).toBe('0');
    expect(await tab.evaluate(`document.getAnimations().length`)).toBe(0);
  });
});

describe('live', () => {
  test('a change shows without a reload, and leaves what the reader holds', async () => {
    const { tab } = await open();
    await tab.locator('summary', { hasText: 'stopped task' }).click();
    await tab.locator('#log-group').focus();
    page.run({
      id: 'push-4',
      title: 'Fourth push',
      startedAt: Date.now(),
      stages: [{ name: 'Build', state: 'running', startedAt: Date.now() }],
    });
    await tab.waitForSelector('.stage.running');
    expect(await tab.locator('.run-title').textContent()).toBe('Fourth push');
    page.run({
      id: 'push-4',
      title: 'Fourth push',
      startedAt: 1,
      endedAt: 2,
      outcome: 'succeeded',
      stages: [{ name: 'Build', state: 'succeeded' }],
    });
    await tab.waitForSelector('.stage.succeeded');
    const hook = discord.createWebhook({ name: 'Slipway' });
    await fetch(hook, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"content":"live at last"}',
    });
    await tab.getByText('live at last').waitFor();
    expect(await tab.locator('details[open]').count()).toBe(1);
    expect(await tab.evaluate(`document.activeElement?.id`)).toBe('log-group');
  });

  test('logs can be narrowed to a group', async () => {
    const { tab } = await open();
    await tab.selectOption('#log-group', '/ssm/docker-host');
    expect(await tab.locator('.line').allTextContents()).toHaveLength(1);
  });

  test('the stream sends everything once, then only what changed', async () => {
    const response = await fetch(`${page.url}/api/events`);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = '';
    const next = async (): Promise<string[]> => {
      for (;;) {
        const end = /data: (.*)\n\n/.exec(text);
        if (end) {
          text = text.slice(end.index + end[0].length);
          return Object.keys(JSON.parse(end[1] ?? '{}') as object);
        }
        const { value } = await reader.read();
        text += decoder.decode(value, { stream: true });
      }
    };
    expect(await next()).toEqual(expect.arrayContaining(['runs', 'services', 'logs', 'discord', 'ledger', 'activity']));
    page.probe({ ...sample.probe, sent: 5_000 });
    expect(await next()).toEqual(['probe']);
    await reader.cancel();
  });

  test('when the server goes away the page says so, and comes back by itself', async () => {
    const first = await createPage({ port: 0, sources: {} });
    own.push(first);
    const tab = await browser.context.newPage();
    await tab.goto(first.url);
    await tab.locator('#link', { hasText: 'Live' }).waitFor();
    const { port } = new URL(first.url);
    await first.close();
    await tab.locator('#link[data-state="lost"]').waitFor();
    own.push(await createPage({ port: Number(port), sources: {} }));
    await tab.locator('#link', { hasText: 'Live' }).waitFor();
  });
});

describe('HTTP', () => {
  const ask = (path: string, init: RequestInit = {}) => fetch(`${page.url}${path}`, init);
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(path, { method: 'POST', headers, body: JSON.stringify(body) });

  test('files carry a policy that lets nothing in; the snapshot is JSON; the rest is refused', async () => {
    for (const path of ['/', '/main.js', '/page.css']) {
      const response = await ask(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    }
    expect(((await (await ask('/api/snapshot')).json()) as { services: unknown[] }).services).toHaveLength(1);
    expect((await ask('/../package.json')).status).toBe(404);
    expect((await post('/', {})).status).toBe(405);
  });

  test('faults are added, listed and removed', async () => {
    const { id } = (await (await post('/_control/faults', { service: 'ecs', effect: { throttle: true } })).json()) as {
      id: string;
    };
    expect(await (await ask('/_control/faults')).json()).toMatchObject([{ id, service: 'ecs' }]);
    expect((await ask(`/_control/faults/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect(faults.list()).toEqual([]);
    const wrong = await post('/_control/faults', { service: 'ecs', effect: {} });
    expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining("'effect' must have one of")]);
  });

  test('a run and a probe can be told over HTTP; what is malformed is refused', async () => {
    expect((await post('/_control/run', { id: 'x', title: 'By hand', startedAt: 1, stages: [] })).status).toBe(204);
    expect(page.snapshot().runs[0]?.title).toBe('By hand');
    expect((await post('/_control/run', { id: 'x' })).status).toBe(400);
    expect((await post('/_control/probe', { target: 't', sent: 1, failed: 0 })).status).toBe(204);
    expect((await post('/_control/interactions', { command: 'nope' })).status).toBe(400);
  });

  test('another site may not control anything', async () => {
    const answer = await post(
      '/_control/run',
      { id: 'x', title: 'y', startedAt: 1, stages: [] },
      { origin: 'https://evil.example' },
    );
    expect(answer.status).toBe(403);
  });
});

test('a missing browser is a clear error', () => {
  expect(() => findBrowser('/nowhere')).toThrow(/Install Chromium/);
});
