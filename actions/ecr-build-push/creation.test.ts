import { describe, expect, test } from '@jest/globals';
import { type AgedImage, expiredBy, lifecycleMistake } from '../../local/aws/ecr/lifecycle.ts';
import { creationInput, lifecyclePolicy, MOVING_TAGS } from './creation.ts';
import { isImmutable } from './repository.ts';

const DAY = 24 * 3600 * 1000;
const create = { encryption: 'AES256', mutableTags: [], expireDays: 14 };

describe('a new repository', () => {
  test('is scanned on push and immutable but for the tags that must move', () => {
    expect(creationInput('web', create)).toEqual({
      repositoryName: 'web',
      imageScanningConfiguration: { scanOnPush: true },
      imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
      imageTagMutabilityExclusionFilters: MOVING_TAGS.map((filter) => ({ filterType: 'WILDCARD', filter })),
      encryptionConfiguration: { encryptionType: 'AES256' },
    });
  });

  test.each([
    [[], ['latest', 'branch-main', 'pr-7', 'cache-app']],
    [
      [...MOVING_TAGS, '1'],
      ['latest', 'branch-main', 'pr-7', 'cache-app', '1'],
    ],
  ])('with the filters %j, of the tags of this suite these move: %j', (mutableTags, moving) => {
    const { imageTagMutability, imageTagMutabilityExclusionFilters = [] } = creationInput('web', {
      ...create,
      mutableTags,
    });
    const tags = ['latest', 'branch-main', 'pr-7', 'cache-app', '1', '1.2', '1.2.3', '10', 'sha-0123', 'fp-1-r1'];
    const made = { imageTagMutability, imageTagMutabilityExclusionFilters } as Parameters<typeof isImmutable>[0];
    expect(tags.filter((tag) => !isImmutable(made, tag))).toEqual(moving);
  });

  test.each([
    ['AES256', { encryptionType: 'AES256' }],
    ['KMS', { encryptionType: 'KMS' }],
    ['alias/images', { encryptionType: 'KMS', kmsKey: 'alias/images' }],
  ])('encryption %s', (encryption, wanted) => {
    expect(creationInput('web', { ...create, encryption }).encryptionConfiguration).toEqual(wanted);
  });

  test.each([
    [['a', 'b', 'c', 'd', 'e', 'f'], /these are 6 filters, and ECR takes at most 5/],
    [['a b'], /"a b": a filter has at most 128 letters/],
  ])('filters %j are refused before any call', (mutableTags, message) => {
    expect(() => creationInput('web', { ...create, mutableTags })).toThrow(message);
  });
});

describe('the lifecycle policy', () => {
  const text = lifecyclePolicy(14) ?? '';
  const image = (digest: string, days: number, ...tags: string[]): AgedImage => ({
    digest,
    tags,
    pushedAt: -days * DAY,
  });

  test('is one that ECR takes; 0 days make none', () => {
    expect(lifecycleMistake(text)).toBeUndefined();
    expect(lifecyclePolicy(0)).toBeUndefined();
  });

  test.each([
    ['a pull request’s', image('x', 15, 'pr-7'), true],
    ['a young pull request’s', image('x', 13, 'pr-7'), false],
    ['a branch’s', image('x', 15, 'branch-feature'), true],
    ['one that a fingerprint stands for, also as a branch’s newest', image('x', 400, 'fp-1-r1', 'branch-main'), false],
    ['a commit’s, also as a branch’s newest', image('x', 400, 'sha-0123', 'branch-main'), false],
    ['a version', image('x', 4000, '1.2.3', 'branch-main'), false],
    ['one without a tag', image('x', 4000), false],
    ['latest', image('x', 4000, 'latest'), false],
    ['a cache', image('x', 4000, 'cache'), false],
  ])('%s expires: %#', (_, aged, gone) => {
    expect(expiredBy(text, [aged], 0)).toEqual(gone ? ['x'] : []);
  });
});
