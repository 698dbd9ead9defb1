import { describe, expect, test } from '@jest/globals';
import { blockedBy, dependentsOf, graphMistakes, needs, order, stillNeededBy } from './graph.ts';
import type { Component, Kind } from './schema.ts';

type Row = [kind: Kind, dependsOn?: string[], after?: string[]];

function config(rows: Record<string, Row>) {
  const components: Record<string, Component> = {};
  for (const [name, [kind, dependsOn, after]] of Object.entries(rows)) {
    components[name] = { kind, ...(dependsOn && { 'depends-on': dependsOn }), ...(after && { after }) } as Component;
  }
  return { components };
}

const SAMPLE = config({
  ami: ['ami'],
  infra: ['terraform', ['ami']],
  api: ['service', [], ['infra']],
  web: ['service', [], ['infra', 'api']],
  cron: ['task', ['web']],
  bot: ['bot', ['ami'], ['infra']],
});

test('order puts components into stages and waves', () => {
  expect(order(SAMPLE)).toEqual({
    ami: ['ami'],
    terraform: [['infra'], [], []],
    app: [['api'], ['web'], ['cron']],
    bot: [['bot'], [], []],
  });
});

test('roots have waves too', () => {
  const roots = config({
    app: ['terraform', [], ['net']],
    dns: ['terraform'],
    net: ['terraform'],
    edge: ['terraform', ['app']],
  });
  expect(order(roots).terraform).toEqual([['dns', 'net'], ['app'], ['edge']]);
});

test('needs goes through both kinds of arrows, however far', () => {
  expect(needs(SAMPLE, 'cron').sort()).toEqual(['ami', 'api', 'infra', 'web']);
  expect(needs(SAMPLE, 'ami')).toEqual([]);
});

test('a component is blocked by what took part and failed, and by nothing else', () => {
  expect(
    blockedBy(
      SAMPLE,
      'cron',
      new Map([
        ['api', false],
        ['bot', false],
      ]),
    ),
  ).toEqual(['api']);
  expect(blockedBy(SAMPLE, 'cron', new Map([['api', true]]))).toEqual([]);
});

test('what something that stays stands on is still needed, however far', () => {
  const ended = new Map([
    ['cron', false],
    ['bot', true],
  ]);
  expect(stillNeededBy(SAMPLE, 'infra', ended)).toEqual(['cron']);
  expect(stillNeededBy(SAMPLE, 'bot', ended)).toEqual([]);
  expect(stillNeededBy(SAMPLE, 'infra', new Map([['web', true]]))).toEqual([]);
});

test('a change of content cascades along depends-on alone, with its path', () => {
  expect(dependentsOf(SAMPLE, ['ami'])).toEqual(
    new Map([
      ['infra', ['ami', 'infra']],
      ['bot', ['ami', 'bot']],
    ]),
  );
  expect(dependentsOf(SAMPLE, ['infra'])).toEqual(new Map());
  expect(dependentsOf(SAMPLE, ['api', 'web'])).toEqual(new Map([['cron', ['web', 'cron']]]));
});

describe('graphMistakes', () => {
  const tables: [string, Record<string, Row>, string | undefined, string | undefined][] = [
    ['nothing wrong', { a: ['service'], b: ['service', ['a']] }, undefined, undefined],
    ['itself', { a: ['service', ['a']] }, 'a → a', 'cannot need itself'],
    [
      'a cycle through both keys',
      { web: ['service', [], ['infra']], infra: ['terraform', ['web']] },
      'web → infra → web',
      'cycle',
    ],
    [
      'a cycle behind a tail',
      { x: ['service', ['a']], a: ['service', ['b']], b: ['service', ['a']] },
      'a → b → a',
      'cycle',
    ],
    ['an unknown name', { a: ['service', ['bb']], bbb: ['service'] }, 'bb', "Did you mean 'bbb'?"],
    ['a later stage', { infra: ['terraform', [], ['web']], web: ['service'] }, 'web', 'comes after stage terraform'],
    ['app and bot', { web: ['service', [], ['bot']], bot: ['bot'] }, 'bot', 'side by side'],
    ['roots in waves', { net: ['terraform'], app: ['terraform', ['net']] }, undefined, undefined],
    ['two images', { base: ['ami'], own: ['ami', ['base']] }, 'base', 'side by side in one job matrix'],
    [
      'four waves of roots',
      { a: ['terraform'], b: ['terraform', ['a']], c: ['terraform', ['b']], d: ['terraform', [], ['c']] },
      'd → c → b → a',
      'Terraform roots ship in at most 3 waves',
    ],
    [
      'four waves',
      { a: ['service'], b: ['worker', ['a']], c: ['task', ['b']], d: ['service', [], ['c']], e: ['service', ['d']] },
      'd → c → b → a',
      'at most 3 waves',
    ],
  ];
  test.each(tables)('%s', (_, rows, seen, words) => {
    const mistakes = graphMistakes(config(rows).components);
    expect(mistakes.map((m) => m.seen)).toEqual(seen === undefined ? [] : [seen]);
    if (words) expect(`${mistakes[0]?.cause}. ${mistakes[0]?.fix}`).toContain(words);
  });

  test('a prototype member is no component', () => {
    expect(graphMistakes(config({ a: ['service', ['constructor']] }).components)).toHaveLength(1);
  });
});
