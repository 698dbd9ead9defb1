import { describe, expect, test } from '@jest/globals';
import type { Clock } from '../../../lib/clock.ts';
import { createBuckets } from '../../../local/discord/buckets.ts';
import { PLAIN, SAMPLE } from '../fixture.ts';
import { render } from '../render/message.ts';
import type { StoryState } from '../story.ts';
import { webhookOf } from './address.ts';
import type { Line } from './call.ts';
import { deliver } from './deliver.ts';
import type { Fetch } from './http.ts';
import { openGate } from './limits.ts';

/** Repeatable numbers from 0 to 1 (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A clock that stands still until everybody sleeps: minutes pass in no time, and the same way each time. */
function virtualClock() {
  let now = Date.UTC(2026, 0, 1);
  const asleep: { at: number; wake: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: (ms) => new Promise((wake) => asleep.push({ at: now + ms, wake })),
  };
  return {
    clock,
    async until(all: Promise<unknown>): Promise<void> {
      let done = false;
      void all.then(() => {
        done = true;
      });
      for (;;) {
        for (let n = 0; n < 4; n++) await new Promise((turn) => setImmediate(turn));
        if (done) return;
        asleep.sort((a, b) => a.at - b.at);
        const next = asleep.shift();
        if (!next) continue;
        now = next.at;
        next.wake();
      }
    },
  };
}

interface Writer {
  /** Milliseconds after the first. */
  at: number;
  state: StoryState;
}

/** Many processes that know nothing of each other edit one message, under Discord's limit of 5 requests in 2 s for all of them. */
async function contest(writers: readonly Writer[], { seed, limitMs }: { seed: number; limitMs: number }) {
  const random = seeded(seed);
  const { clock, until } = virtualClock();
  const start = clock.now();
  const buckets = createBuckets(clock);
  let shown: Record<string, unknown> = {
    embeds: [{ title: 'at first', timestamp: new Date(start - 1000).toISOString() }],
  };
  const count = { requests: 0, refused: 0 };
  const fetch: Fetch = async (_, { method, body }) => {
    await clock.sleep(20 + 40 * random());
    count.requests += 1;
    const { headers, refused } = buckets.take('1', undefined, 10);
    if (refused) count.refused += 1;
    else if (method === 'PATCH') shown = JSON.parse(String(body));
    const answer = refused ?? { status: 200, body: { id: '7', ...shown } };
    const text = JSON.stringify(answer.body);
    const all = new Map(
      Object.entries({ ...headers, ...refused?.headers }).map(([name, value]) => [name, String(value)]),
    );
    await clock.sleep(20 + 40 * random());
    return {
      ok: !refused,
      status: answer.status ?? 200,
      headers: { get: (name) => all.get(name) ?? null },
      body: (async function* () {
        yield Buffer.from(text);
      })(),
    };
  };
  const one = async ({ at, state }: Writer, n: number) => {
    await clock.sleep(at);
    const told = clock.now();
    const story = { ...SAMPLE, title: `update ${n}`, state, now: told };
    const line: Line = {
      webhook: webhookOf('https://discord.com/api/webhooks/1/t'),
      gates: { bucket: openGate(), global: openGate() },
      deadline: told + limitMs,
      ports: { clock, random, fetch, signal: new AbortController().signal },
    };
    const message = render(story, PLAIN, { mentions: [], attachments: [] });
    const target = { place: { id: '7', threadId: '' }, threadName: '', threadTags: [], newThread: false };
    return deliver(line, message, target).then(
      ({ how }) => how,
      (error: Error) => error.message,
    );
  };
  const all = Promise.all(writers.map(one));
  await until(all);
  const [embed] = shown.embeds as { title: string }[];
  return { ...count, ms: clock.now() - start, how: await all, title: embed?.title };
}

const burst = (last: StoryState, writers = 30): Writer[] =>
  Array.from({ length: writers }, (_, n) => ({ at: n * 5, state: n === writers - 1 ? last : 'running' }));

describe.each([1, 2, 3, 4])('a burst of 30 in separate processes (seed %d)', (seed) => {
  test.each<[string, StoryState, number, number, number]>([
    // 25 of 30 are refused at first, whatever they do; each of them has to ask at least once more.
    ['that all go on', 'running', 120_000, 90, 48],
    ['of which the last one closes the story', 'succeeded', 120_000, 70, 36],
    ['that have little time', 'succeeded', 10_000, 88, 68],
  ])('%s ends in the newest, without a loop of refusals', async (_, last, limitMs, requests, refused) => {
    const done = await contest(burst(last), { seed, limitMs });
    expect(done.title).toContain('update 29 ');
    expect(done.how.at(-1)).toBe('edited');
    expect(done.requests).toBeLessThanOrEqual(requests);
    expect(done.refused).toBeLessThanOrEqual(refused);
    if (limitMs > 100_000) expect(done.how.filter((how) => how !== 'edited' && how !== 'superseded')).toEqual([]);
  });
});

test('an older story that was looked for before the newer came, and written after it, is undone', async () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8])
    expect((await contest(burst('succeeded', 8), { seed, limitMs: 10_000 })).title).toContain('update 7 ');
});
