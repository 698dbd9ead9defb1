import { expect, test } from '@jest/globals';
import { parseJsonPath, valuesAt } from './json-path.ts';

const DATA = { a: { b: [{ c: 1 }, { c: 2 }], 'x.y': 3, "it's": 4 }, list: [1, 2, 3], none: null };

test.each<[string, unknown[]]>([
  ['a.b[0].c', [1]],
  ['$.a.b[1].c', [2]],
  ['$', [DATA]],
  ['a.b[*].c', [1, 2]],
  ['a["x.y"]', [3]],
  ["$['a']['it\\'s']", [4]],
  ['list[-1]', [3]],
  ['list[7]', []],
  ['list.length', []],
  ['none', [null]],
  ['none.deeper', []],
  ['toString', []],
  ['', [DATA]],
])('%s', (path, values) => {
  expect(valuesAt(DATA, parseJsonPath(path) ?? [{ key: 'unreadable' }])).toEqual(values);
});

test.each(['a..b', 'a[', 'a[x]', 'a]b', 'a.', '$..a', 'a[?(@.b)]', '.'])('%s is no path', (path) => {
  expect(parseJsonPath(path)).toBeUndefined();
});

test('an item of [*] without a value can be told from one that is not there', () => {
  const missing = Symbol('missing');
  const at = (path: string, data: unknown) => valuesAt(data, parseJsonPath(path) ?? [], missing);
  expect(at('nodes[*].a.b', { nodes: [{ a: { b: 1 } }, { a: {} }, {}] })).toEqual([1, missing, missing]);
  expect([at('nodes[*].a', { nodes: [] }), at('nodes[*]', {}), at('a.b', {})]).toEqual([[], [], []]);
});
