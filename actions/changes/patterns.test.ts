import { describe, expect, test } from '@jest/globals';
import { decodeName } from '../../lib/git/names.ts';
import type { Change } from '../../lib/git/plumbing.ts';
import { firstMatch, matcher } from './patterns.ts';
import { NAMES } from './test/names.ts';

const rows: [patterns: string[], name: string, pattern: string | undefined][] = [
  [['web/**'], 'web/a', 'web/**'],
  [['web/**'], 'web/a/b/.hidden', 'web/**'],
  [['web/**'], 'web', 'web/**'],
  [['web/**'], 'website/a', undefined],
  [['web/*'], 'web/a/b', undefined],
  [['*.js'], 'a.js', '*.js'],
  [['*.js'], 'a/b.js', undefined],
  [['**/*.js'], 'a.js', '**/*.js'],
  [['**.js'], 'a/b/c.js', '**.js'],
  [['**.js'], 'c.js', '**.js'],
  [['docs**'], 'docs/a/b', 'docs**'],
  [['docs**'], 'docs-old/a', 'docs**'],
  [['docs**'], 'docs.md', 'docs**'],
  [['docs**'], 'docs', 'docs**'],
  [['docs**'], 'a/docs', undefined],
  [['{docs**,web}'], 'docs/a', '{docs**,web}'],
  [['@(docs**|web)'], 'docs/a', '@(docs**|web)'],
  [['a**b'], 'a/x/b', 'a**b'],
  [['a**b'], 'axb', 'a**b'],
  [['a**b'], 'a/x/bc', undefined],
  [['a/b**/c'], 'a/bx/y/c', 'a/b**/c'],
  [['a/\\**'], 'a/*b', 'a/\\**'],
  [['docs/**.md'], 'docs/a/b.md', 'docs/**.md'],
  [['{web/**,bot/**}'], 'bot/a', '{web/**,bot/**}'],
  [['**'], '.github/x', '**'],
  [['**'], 'a\nb', '**'],
  [['web/*'], 'web/a\nb', 'web/*'],
  [['web/**', '!web/**/*.md'], 'web/a.md', undefined],
  [['web/**', '!web/**/*.md', 'web/README.md'], 'web/README.md', 'web/README.md'],
  [['web/README.md', '!web/**', 'web/a'], 'web/README.md', undefined],
  [['!web/**', 'web/**'], 'web/a', 'web/**'],
  [['a[1].txt'], 'a1.txt', 'a[1].txt'],
  [['a\\[1\\].txt'], 'a[1].txt', 'a\\[1\\].txt'],
  [['web/**'], 'web/caf\u00e9', 'web/**'],
  [['web/cafe\u0301'], 'web/caf\u00e9', undefined],
  [['web/**'], decodeName(Buffer.from([0x77, 0x65, 0x62, 0x2f, 0xff])), 'web/**'],
  [['web/**'], `web/${'x/'.repeat(2000)}y`, 'web/**'],
  [['**/-rf'], '-rf', '**/-rf'],
  [['web/Dockerfile'], 'web/Dockerfile', 'web/Dockerfile'],
  [['web/Dockerfile'], 'web/dockerfile', undefined],
  [['@(web|bot)/**'], 'bot/x', '@(web|bot)/**'],
  [['web/"a b"/**'], 'web/"a b"/c', 'web/"a b"/**'],
  [['web/"a b"/**'], 'web/a b/c', undefined],
  [['./web/**'], 'web/a', './web/**'],
  [['app/(shop)/**'], 'app/(shop)/page.tsx', 'app/(shop)/**'],
  [['app/(shop)/**'], 'app/shop/page.tsx', undefined],
  [['app/\\(shop)/[id]/*'], 'app/(shop)/[id]/page.tsx', 'app/\\(shop)/[id]/*'],
  [['app/@(shop|(x))/*'], 'app/(x)/page.tsx', 'app/@(shop|(x))/*'],
  [['a)b(c'], 'a)b(c', 'a)b(c'],
];

test.each(rows)('%j on %j gives %j', (patterns, name, pattern) => {
  const hit = matcher(patterns)(name, 'M');
  expect(hit?.included ? hit.pattern : undefined).toBe(pattern);
});

test('each awkward name is matched by itself as a pattern, glob signs escaped, and by no other', () => {
  const names = Object.entries(NAMES).map(([kind, bytes]) => [kind, `web/${decodeName(Buffer.from(bytes))}`] as const);
  const matched = names.map(([kind, name]) => {
    const match = matcher([name.replace(/[\\*?[\]{}()!@+|]/g, '\\$&')]);
    return [kind, names.filter(([, other]) => match(other)?.included).map(([found]) => found)];
  });
  expect(matched).toEqual(names.map(([kind]) => [kind, [kind]]));
});

describe('firstMatch', () => {
  const change = (name: string): Change => ({ status: 'M', name });
  test('tells the first file, its pattern and how many there are', () => {
    const changes = ['bot/a', 'web/x.md', 'web/b', 'web/c'].map(change);
    expect(firstMatch(matcher(['web/**', '!**/*.md']), changes)).toEqual({
      file: 'web/b',
      pattern: 'web/**',
      files: 2,
    });
    expect(firstMatch(matcher(['infra/**']), changes)).toBeUndefined();
  });
});
