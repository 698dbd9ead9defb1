import { describe, expect, test } from '@jest/globals';
import { expiredBy, lifecycleMistake } from './lifecycle.ts';

const DAY = 24 * 3600 * 1000;
const rule = (rulePriority: number, selection: object) => ({
  rulePriority,
  selection: { tagStatus: 'tagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 7, ...selection },
  action: { type: 'expire' },
});
const policy = (...rules: object[]) => JSON.stringify({ rules });

test.each([
  [policy(rule(1, { tagPatternList: ['pr-*'] })), undefined],
  ['{', /not valid JSON/],
  ['{}', /no 'rules'/],
  [policy(rule(1, { tagPatternList: ['a'] }), rule(1, { tagPatternList: ['b'] })), /unique/],
  [policy(rule(1, {})), /either tagPatternList or tagPrefixList/],
  [policy(rule(1, { tagPatternList: ['a'], tagPrefixList: ['b'] })), /either/],
  [policy(rule(1, { tagPatternList: ['*a*b*c*d*'] })), /four wildcards/],
  [policy(rule(1, { tagPatternList: ['a'], countUnit: undefined })), /countUnit/],
  [policy(rule(1, { tagPatternList: ['a'], countNumber: 0 })), /countNumber/],
  [policy({ ...rule(1, { tagPatternList: ['a'] }), action: { type: 'keep' } }), /action keep/],
])('%s', (text, mistake) => {
  if (mistake === undefined) expect(lifecycleMistake(text)).toBeUndefined();
  else expect(lifecycleMistake(text)).toMatch(mistake);
});

describe('what expires', () => {
  const image = (digest: string, days: number, ...tags: string[]) => ({ digest, tags, pushedAt: -days * DAY });
  test('by age, and only with every pattern met', () => {
    const images = [image('old', 8, 'pr-1'), image('new', 6, 'pr-2'), image('other', 9, 'v1')];
    expect(expiredBy(policy(rule(1, { tagPatternList: ['pr-*'] })), images, 0)).toEqual(['old']);
    expect(expiredBy(policy(rule(1, { tagPatternList: ['pr-*', 'x'] })), images, 0)).toEqual([]);
  });
  test('a rule of lower priority does not reach what an earlier one selects', () => {
    const text = policy(
      rule(1, { tagPatternList: ['fp-*'], countNumber: 36_500 }),
      rule(2, { tagPatternList: ['branch-*'] }),
    );
    expect(expiredBy(text, [image('kept', 30, 'fp-1', 'branch-a'), image('gone', 30, 'branch-b')], 0)).toEqual([
      'gone',
    ]);
  });
  test('by count, the newest stay', () => {
    const count = { tagStatus: 'any', countType: 'imageCountMoreThan', countUnit: undefined, countNumber: 1 };
    expect(expiredBy(policy(rule(1, count)), [image('a', 2), image('b', 1)], 0)).toEqual(['a']);
  });
});
