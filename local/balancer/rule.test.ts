import { expect, test } from '@jest/globals';
import { ListenerRule } from './rule.ts';
import type { TargetGroup } from './target-group.ts';

const group = (name: string) => ({ name }) as TargetGroup;
const [blue, green] = [group('blue'), group('green')];

test.each([
  [100, 0],
  [95, 5],
  [90, 10],
  [50, 50],
  [0, 100],
])('of a hundred requests %i go to one group and %i to the other', (a, b) => {
  const rule = new ListenerRule('production', 'arn', [
    { group: blue, weight: a },
    { group: green, weight: b },
  ]);
  const chosen = Array.from({ length: 100 }, () => rule.choose());
  expect([chosen.filter((g) => g === blue).length, chosen.filter((g) => g === green).length]).toEqual([a, b]);
});

test('a change of weights is told once and takes effect with the next request', () => {
  let told = 0;
  const rule = new ListenerRule('production', 'arn', [{ group: blue, weight: 100 }], () => told++);
  expect(rule.choose()).toBe(blue);
  const after = [
    { group: blue, weight: 0 },
    { group: green, weight: 100 },
  ];
  rule.forward(after);
  rule.forward([...after]);
  expect([rule.choose(), rule.weightOf(green), told]).toEqual([green, 100, 1]);
});

test('a rule without weight forwards nowhere', () => {
  expect(new ListenerRule('test', 'arn', [{ group: blue, weight: 0 }]).choose()).toBeUndefined();
});
