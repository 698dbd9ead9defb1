import { describe, expect, test } from '@jest/globals';
import { parse } from 'discord-markdown-parser';
import fc from 'fast-check';
import { brokenLimits, markdownOf, nasty, PLAIN, SAMPLE, stage, story } from '../fixture.ts';
import { logsOf } from '../logs.ts';
import type { Stage, Story } from '../story.ts';
import { type Mention, parseMentions } from './mentions.ts';
import { render, renderAlert, renderLogs, threadName } from './message.ts';
import type { Style } from './view.ts';

const ids = fc.array(
  fc.record<Mention>({ kind: fc.constantFrom('user', 'role'), id: fc.stringMatching(/^[1-9]\d{5,18}$/) }),
  { maxLength: 20 },
);
const format = fc.constantFrom('embed', 'components');
const style: fc.Arbitrary<Style> = fc.record({
  ...Object.fromEntries(Object.entries(PLAIN).map(([name, value]) => [name, fc.constant(value)])),
  format,
  title: nasty,
  url: fc.constantFrom('', 'https://x.test/(a)'),
  image: fc.constantFrom('', 'https://x.test/a.png'),
  description: nasty,
  content: nasty,
  template: fc.record({ title: nasty, footer: nasty, failed: fc.record({ description: nasty }) }, { requiredKeys: [] }),
  bareTitle: fc.boolean(),
  hideContext: fc.boolean(),
  hideStages: fc.boolean(),
  hideTime: fc.boolean(),
}) as unknown as fc.Arbitrary<Style>;

/** Kinds of nodes that another parser sees in a text, without those that our own messages are made of. */
function strange(markdown: string): string[] {
  const own = new Set([
    'text',
    'br',
    'twemoji',
    'strong',
    'link',
    'inlineCode',
    'codeBlock',
    'subtext',
    'heading',
    'timestamp',
  ]);
  const kinds: string[] = [];
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) for (const one of node) walk(one);
    else if (typeof node === 'object' && node !== null) {
      const { type, content } = node as { type: string; content: unknown };
      kinds.push(type);
      walk(content);
    }
  };
  walk(parse(markdown, 'extended'));
  return kinds.filter((kind) => !own.has(kind));
}

describe('any story in any style', () => {
  test('fits every limit of Discord', () => {
    fc.assert(
      fc.property(story, style, ids, (told, look, mentions) => {
        const attachments = logsOf(told.stages);
        expect(brokenLimits(render(told, look, { mentions, attachments }).payload)).toEqual([]);
        expect(brokenLimits(renderAlert(told, look, mentions).payload)).toEqual([]);
        expect(brokenLimits(renderLogs(told, attachments).payload)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test('mentions nobody but those it was told to, and those only when it failed', () => {
    fc.assert(
      fc.property(story, style, ids, (told, look, mentions) => {
        const { payload } = render(told, look, { mentions, attachments: [] });
        const { users = [], roles = [], parse: kinds } = payload.allowed_mentions;
        expect(kinds).toEqual([]);
        const allowed = told.state === 'failed' ? mentions : [];
        expect(new Set([...users, ...roles])).toEqual(new Set(allowed.map(({ id }) => id)));
      }),
      { numRuns: 200 },
    );
  });

  test('has no mention, and nothing formatted or linked, from data', () => {
    fc.assert(
      fc.property(story, format, (told, shape) => {
        const { payload } = render(told, { ...PLAIN, format: shape }, { mentions: [], attachments: [] });
        const alert = renderAlert(told, PLAIN, []).payload;
        for (const text of [...markdownOf(payload), ...markdownOf(alert)]) {
          expect(text).not.toMatch(/<@[!&]?\d|@(everyone|here)/);
          expect([text, strange(text)]).toEqual([text, []]);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('keeps the link to the run, and names what failed first', () => {
    fc.assert(
      fc.property(fc.array(stage, { maxLength: 40 }), format, (stages, shape) => {
        const told: Story = { ...SAMPLE, stages: [{ name: 'the-one', state: 'failed', cause: 'because' }, ...stages] };
        const { payload } = render(told, { ...PLAIN, format: shape }, { mentions: [], attachments: [] });
        const text = JSON.stringify(payload);
        expect(text).toContain(SAMPLE.runUrl);
        expect(text).toContain('the-one');
        expect(text).toContain('because');
      }),
      { numRuns: 200 },
    );
  });
});

const embed = (told: Story, look: Partial<Style> = {}) =>
  render(told, { ...PLAIN, ...look }, { mentions: [], attachments: [] }).payload.embeds[0];

test('a run as it reads in Discord', () => {
  expect(embed(SAMPLE)).toEqual({
    title: '❌ pipeline failed in dev',
    url: SAMPLE.runUrl,
    color: 0xef4444,
    description: [
      '[`a1b2c3d`](https://github.test/acme/sample/commit/a1b2c3d) Search by tag by ada',
      '[Run](https://github.test/acme/sample/actions/runs/42)',
    ].join('\n'),
    fields: [
      {
        name: '↩️ bot',
        value:
          'rolled back · 1 min 15 s\nits container ended with exit code 3\n→ Look at its log\n```\nstarting\ncannot reach the gateway\n```',
        inline: false,
      },
      { name: '✅ web', value: 'succeeded\n31.2 s\n`4b4b4b4b4b4b`', inline: true },
    ],
    footer: { text: 'acme/sample · run 42 · by ada · took 1 min 46 s' },
    timestamp: '2026-11-21T09:30:00.000Z',
  });
});

test('a range of commits names its size, its people and the newest of them', () => {
  const list = ['c', 'b', 'a', '9', '8'].map((digit, n) => ({
    sha: digit.repeat(40),
    subject: `Change ${n}`,
    author: n % 2 ? 'bob' : 'ada',
    url: `https://x.test/${digit}`,
  }));
  const [head] = list;
  if (!head) throw new Error('no commits');
  const commits = {
    head,
    base: '7'.repeat(40),
    count: 5,
    list,
    authors: ['ada', 'bob'],
    url: 'https://x.test/compare',
  };
  expect(
    embed({ ...SAMPLE, commits, links: [{ label: 'Roll back', url: 'https://x.test/back' }] })?.description?.split(
      '\n',
    ),
  ).toEqual([
    '[`7777777…ccccccc`](https://x.test/compare) 5 commits by ada, bob',
    '- [`ccccccc`](https://x.test/c) Change 0 by ada',
    '- [`bbbbbbb`](https://x.test/b) Change 1 by bob',
    '- [`aaaaaaa`](https://x.test/a) Change 2 by ada',
    '- and 2 more',
    '[Run](https://github.test/acme/sample/actions/runs/42) · [Roll back](https://x.test/back)',
  ]);
});

test.each([
  ['succeeded', 3, 42, '🩹 **Recovered** after 3 failures, 42 min'],
  ['succeeded', 1, 125, '🩹 **Recovered** after 1 failure, 2 h 05 min'],
  ['failed', 2, 0.2, '🔁 **Failed 3 times in a row**, for less than a minute'],
  ['running', 2, 10, ''],
] as const)('%s after %d failures in %d min says %j', (state, failures, min, wanted) => {
  const streak = { failures, since: SAMPLE.now - min * 60_000 };
  expect(
    embed({ ...SAMPLE, state, streak })
      ?.description?.split('\n')
      .slice(1, -1),
  ).toEqual(wanted === '' ? [] : [wanted]);
});

test('a run that goes on shows that something has failed', () => {
  expect(embed({ ...SAMPLE, state: 'running' })).toMatchObject({
    title: '🔄 pipeline goes on after a failure in dev',
    color: 0xef4444,
  });
});

test('many stages that ended well are a list, and each that did not has its own field', () => {
  const stages: Stage[] = Array.from({ length: 30 }, (_, n) => ({
    name: `service-${n}`,
    state: n < 3 ? 'failed' : 'succeeded',
    cause: 'x'.repeat(3000),
  }));
  const fields = embed({ ...SAMPLE, stages })?.fields ?? [];
  expect(fields.map(({ name }) => name)).toEqual(['❌ service-0', '❌ service-1', '❌ service-2', 'The others']);
  expect(fields.at(-1)?.value.split('\n')).toEqual(stages.slice(3).map(({ name }) => `✅ **${name}** succeeded`));
  const bad = stages.map((one): Stage => ({ ...one, state: 'failed' }));
  expect(embed({ ...SAMPLE, stages: bad })?.fields?.at(-1)?.name).toMatch(/^and \d+ more that did not end well$/);
});

test('components have a coloured box, texts, and a button for each link', () => {
  const links = [{ label: 'Roll back', url: 'https://x.test/back' }];
  const mentions = parseMentions(['role:70000']);
  const { payload } = render({ ...SAMPLE, links }, { ...PLAIN, format: 'components' }, { mentions, attachments: [] });
  expect(payload).toMatchObject({
    content: '',
    embeds: [],
    flags: 32_768,
    components: [
      { type: 10, content: '<@&70000>' },
      { type: 17, accent_color: 0xef4444 },
    ],
    allowed_mentions: { parse: [], roles: ['70000'] },
  });
  const [, box] = payload.components ?? [];
  const inside = box?.type === 17 ? box.components : [];
  expect(inside[0]).toEqual({ type: 10, content: `### [❌ pipeline failed in dev](${SAMPLE.runUrl})` });
  expect(inside.at(-1)).toEqual({
    type: 1,
    components: [
      { type: 2, style: 5, label: 'Run', url: SAMPLE.runUrl },
      { type: 2, style: 5, label: 'Roll back', url: 'https://x.test/back' },
    ],
  });
});

test('templates put words of one’s own around data, which stays data', () => {
  const look: Partial<Style> = {
    template: {
      title: '{sign} {environment} {unknown}',
      footer: '{repository} *as it is*',
      failed: { description: '**{failed}** broke: {cause} ([run]({run_url}))' },
    },
  };
  const stages: Stage[] = [{ name: 'bot', state: 'failed', cause: '**loud** <@1>' }];
  const shown = embed({ ...SAMPLE, stages }, look);
  expect(shown?.title).toBe('❌ dev {unknown}');
  expect(shown?.footer?.text).toBe('acme/sample *as it is*');
  expect(shown?.description).toContain(`**bot** broke: \\*\\*loud\\*\\* \\<@\u200b1\\> ([run](${SAMPLE.runUrl}))`);
  expect(embed({ ...SAMPLE, title: 'Deploy {environment} *now*' })?.title).toBe(
    '❌ Deploy dev \\*now\\* failed in dev',
  );
});

test('only ids may be mentioned', () => {
  expect(parseMentions(['user:123456', 'role:654321'])).toEqual([
    { kind: 'user', id: '123456' },
    { kind: 'role', id: '654321' },
  ]);
  expect(() => parseMentions(['@everyone'])).toThrow(/^input 'mention' is "@everyone": it is not user:ID or role:ID/);
  expect(() => parseMentions(Array(21).fill('user:123456'))).toThrow(/at most 20/);
});

test('an alert names the run in one line', () => {
  expect(renderAlert(SAMPLE, PLAIN, parseMentions(['role:70000'])).payload).toEqual({
    content: `<@&70000> [❌ pipeline failed in dev](<${SAMPLE.runUrl}>)`,
    embeds: [],
    allowed_mentions: { parse: [], roles: ['70000'] },
  });
});

test('a thread always has a name', () => {
  fc.assert(fc.property(nasty, (text) => expect(threadName(text).length).toBeLessThanOrEqual(100)));
  expect(threadName('')).toBe('deployment');
});
