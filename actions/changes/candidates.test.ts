import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeName, encodeName } from '../../lib/git/names.ts';
import type { Change } from '../../lib/git/plumbing.ts';
import { spansOf } from './candidates.ts';
import { firstMatch, matcher, matchingNames } from './patterns.ts';

const change = (name: string): Change => ({ status: 'M', name });
/** As git lists them: by bytes, none twice. */
const listed = (names: readonly string[]) =>
  [...new Set(names)].sort((a, b) => Buffer.compare(encodeName(a), encodeName(b))).map(change);

test.each<[prefixes: string[], spans: [number, number][]]>([
  [['bot'], [[0, 2]]],
  [['web'], [[3, 6]]],
  [['web/'], [[4, 5]]],
  [['web/', 'bot', 'bot/a'], [[0, 2], [4, 5]]], // biome-ignore format: spans read best side by side
  [['docs', 'bot'], [[0, 3]]],
  [['x'], []],
  [['web', ''], [[0, 6]]],
  [[], []],
])('names that begin with %j stand at %j', (prefixes, spans) => {
  expect(spansOf(prefixes, listed(['bot', 'bot/a', 'docs/b', 'web', 'web/a', 'website/x']))).toEqual(spans);
});

// Few letters, so that names and patterns meet; among them a byte that is not UTF-8, and two that UTF-8 and UTF-16 order differently.
const letter = fc.constantFrom('a', 'b', '.', '-', '"', '\n', decodeName(Buffer.from([0xff])), '\uffee', '\u{1f680}');
const segment = fc.string({ unit: letter, minLength: 1, maxLength: 3 });
const names = fc.array(
  fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/')),
  {
    maxLength: 30,
  },
);
const glob = fc.oneof(
  segment,
  fc.constantFrom('*', '**', 'a*', '?', '{a,b}', '[ab]', '@(a|b)', '\\a', '\\*', '(a)', '!(a)'),
);
const pattern = fc
  .tuple(fc.constantFrom('', '!'), fc.array(glob, { minLength: 1, maxLength: 3 }))
  .map(([sign, parts]) => sign + parts.join('/'));

test('matching within spans finds what matching every file finds', () => {
  fc.assert(
    fc.property(names, fc.array(pattern, { minLength: 1, maxLength: 4 }), (some, patterns) => {
      const changes = listed(some);
      const match = matcher(patterns);
      const all = changes.filter(({ name, status }) => match(name, status)?.included).map(({ name }) => name);
      expect(matchingNames(match, changes)).toEqual(all);
      expect(firstMatch(match, changes)?.files ?? 0).toBe(all.length);
      expect(firstMatch(match, changes)?.file).toBe(all[0]);
    }),
    { numRuns: 1000 },
  );
});
