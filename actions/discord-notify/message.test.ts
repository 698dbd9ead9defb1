import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LIMITS, type Message, totalOf } from './limits.ts';
import { render } from './message.ts';
import { type Stage, type StageState, type Story, stagesOf, stateOf } from './story.ts';
import { block, cut, cutStart, plain } from './text.ts';

const STATES: StageState[] = [
  'waiting',
  'running',
  'succeeded',
  'unchanged',
  'failed',
  'rolled-back',
  'blocked',
  'skipped',
  'cancelled',
];

// Texts that people and attackers write: any Unicode, markup, mentions, very long.
const nasty = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom(
    '@everyone',
    '<@123456>',
    '<@&99>',
    '[x](https://evil.test)',
    '```',
    '\\',
    '👨‍👩‍👧‍👦'.repeat(900),
    'a'.repeat(9000),
    '|| `',
  ),
  fc
    .array(fc.constantFrom('*', '_', '`', '\\', '@here', '\n', '- ', '> ', '#', '<', '🏳️‍🌈', 'é'), { maxLength: 3000 })
    .map((a) => a.join('')),
);
const stage: fc.Arbitrary<Stage> = fc.record(
  {
    name: nasty,
    state: fc.constantFrom(...STATES),
    detail: nasty,
    cause: nasty,
    next: nasty,
    log: fc.array(nasty, { maxLength: 20 }),
    ms: fc.nat(),
  },
  { requiredKeys: ['name', 'state'] },
);
const story: fc.Arbitrary<Story> = fc.record({
  title: nasty,
  environment: nasty,
  state: fc.constantFrom('started', 'succeeded', 'failed', 'cancelled'),
  repository: nasty,
  runUrl: fc.constantFrom('', 'https://github.test/o/r/actions/runs/1'),
  actor: nasty,
  commit: fc.record({
    sha: fc.constant('a'.repeat(40)),
    message: nasty,
    author: nasty,
    url: fc.constant('https://github.test/o/r/commit/a'),
  }),
  stages: fc.array(stage, { maxLength: 40 }),
});

function brokenLimits({ content, embeds }: Message): string[] {
  const broken: string[] = [];
  const check = (name: string, length: number, limit: number) =>
    length > limit && broken.push(`${name} ${length} > ${limit}`);
  check('content', content.length, LIMITS.content);
  check('embeds', embeds.length, LIMITS.embeds);
  check('total', totalOf(embeds), LIMITS.total);
  for (const e of embeds) {
    check('title', e.title?.length ?? 0, LIMITS.title);
    check('description', e.description?.length ?? 0, LIMITS.description);
    check('fields', e.fields?.length ?? 0, LIMITS.fields);
    check('footer', e.footer?.text.length ?? 0, LIMITS.footer);
    for (const f of e.fields ?? []) {
      check('field name', f.name.length, LIMITS.fieldName);
      check('field value', f.value.length, LIMITS.fieldValue);
      if (f.name.trim() === '' || f.value.trim() === '') broken.push('empty field');
    }
  }
  return broken;
}

const textsOf = ({ embeds }: Message) =>
  embeds.flatMap((e) => [e.title ?? '', e.description ?? '', ...(e.fields ?? []).flatMap((f) => [f.name, f.value])]);

describe('any story', () => {
  test('fits every limit of Discord', () => {
    fc.assert(
      fc.property(story, (s) => expect(brokenLimits(render(s))).toEqual([])),
      { numRuns: 300 },
    );
  });

  test('mentions nobody', () => {
    fc.assert(
      fc.property(story, (s) => {
        const message = render(s);
        expect(message.allowed_mentions).toEqual({ parse: [] });
        for (const text of textsOf(message)) expect(text).not.toMatch(/<@[!&]?\d|@(everyone|here)/);
      }),
      { numRuns: 300 },
    );
  });

  test('leaves every code block closed', () => {
    fc.assert(
      fc.property(story, (s) => {
        for (const text of textsOf(render(s))) expect((text.match(/(?<!\\)```/g) ?? []).length % 2).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

test('cut() never splits what a person sees as one character', () => {
  expect(cut('ab👨‍👩‍👧‍👦cd', 6)).toBe('ab…');
  expect(cut('short', 5)).toBe('short');
  expect(cut('abc\\*def', 5)).toBe('abc…');
  expect(cutStart('one two three', 6)).toBe('…three');
});

test('commit text is shown as it is and does nothing', () => {
  expect(plain('**bold** [a](https://x.test) @everyone <@1> `c`')).toBe(
    '\\*\\*bold\\*\\* \\[a\\]\\(https\u200b://x.test\\) @\u200beveryone \\<@\u200b1\\> \\`c\\`',
  );
  expect(plain('- item\n1. item')).toBe('\\- item\n\\1. item');
  expect(block('a ``` b', 100)).toBe("```\na ''' b\n```");
});

test('only the ids that were given are pinged, and only on failure', () => {
  const given: Story = {
    title: 't',
    environment: 'dev',
    state: 'failed',
    repository: 'o/r',
    runUrl: '',
    actor: 'a',
    commit: { sha: '', message: '', author: '', url: '' },
    stages: [],
  };
  expect(render(given, [{ kind: 'role', id: '77777' }])).toMatchObject({
    content: '<@&77777>',
    allowed_mentions: { parse: [], roles: ['77777'] },
  });
  expect(render({ ...given, state: 'succeeded' }, [{ kind: 'role', id: '77777' }])).toMatchObject({
    content: '',
    allowed_mentions: { parse: [] },
  });
});

describe('the state of a run', () => {
  const stage = (state: StageState): Stage => ({ name: 'web', state });
  test.each([
    [[], {}, 'started'],
    [[stage('succeeded'), stage('unchanged')], {}, 'succeeded'],
    [[stage('succeeded'), stage('rolled-back')], {}, 'failed'],
    [[stage('succeeded')], { infra: { result: 'failure' } }, 'failed'],
    [[], { infra: { result: 'cancelled' } }, 'cancelled'],
    [[], { infra: { result: 'success' } }, 'succeeded'],
  ] as const)('%j %j is %s', (stages, needs, state) => {
    expect(stateOf(stages, needs)).toBe(state);
  });

  test('a job that died without a result is reported by its name', () => {
    expect(stagesOf({ 'app-1': { result: 'failure' }, infra: { result: 'success' } }, [])).toEqual([
      { name: 'app-1', state: 'failed' },
    ]);
  });
});
