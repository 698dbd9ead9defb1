import { describe, expect, test } from '@jest/globals';
import { decodeName } from '../../lib/git/names.ts';
import type { Change } from '../../lib/git/plumbing.ts';
import { firstMatch, matcher } from './patterns.ts';

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
];

test.each(rows)('%j on %j gives %j', (patterns, name, pattern) => {
  const hit = matcher(patterns)(name, 'M');
  expect(hit?.included ? hit.pattern : undefined).toBe(pattern);
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
