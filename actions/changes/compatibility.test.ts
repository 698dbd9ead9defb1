import { beforeAll, describe, expect, test } from '@jest/globals';
import { listText } from './compatibility/list-text.ts';
import { at, changes, DEPTHS, origin, pullRequest, repository, useWorld, workspaceAt, ZERO } from './test/world.ts';

useWorld();

let head: string;
beforeAll(() => {
  origin.git('checkout', '--quiet', '-b', 'compatibility', at.setting ?? '');
  origin.git('mv', 'web/a', 'web/moved');
  head = origin.commit({ 'web/new': '1', 'bot/a': '9', "docs/it's": '1' });
});

const run = async (inputs: Record<string, string>, depth: (typeof DEPTHS)[number] = 'depth 1', more = {}) => {
  const given = { head, event: { before: at.setting, repository }, inputs, ...more };
  return (await changes(workspaceAt(given.head, depth), given)).report;
};

describe('compatibility: paths-filter', () => {
  const filters =
    "shared: &shared ['bot/**']\nweb:\n  - web/**\n  - *shared\ngone:\n  - deleted: 'web/**'\nnone: [infra/**]";
  const mode = { compatibility: 'paths-filter', filters };

  test.each(DEPTHS)('booleans, counts, lists and changes (%s)', async (depth) => {
    const { outputs } = await run({ ...mode, 'list-files': 'json' }, depth);
    expect(outputs).toEqual({
      shared: 'true',
      shared_count: '1',
      shared_files: '["bot/a"]',
      web: 'true',
      web_count: '4',
      web_files: '["bot/a","web/a","web/moved","web/new"]',
      gone: 'true',
      gone_count: '1',
      gone_files: '["web/a"]',
      none: 'false',
      none_count: '0',
      none_files: '[]',
      changes: '["shared","web","gone"]',
    });
  });

  test('a negated pattern matches everything else, and that is told', async () => {
    const { outputs, annotations } = await run({ ...mode, filters: "web: ['web/**', '!web/new']" });
    expect(outputs.web_count).toBe('5');
    expect(annotations?.[0]?.message).toMatch(/^web: with compatibility: paths-filter, a pattern that starts with !/);
    const every = { ...mode, filters: "web: ['web/**', '!web/new']", 'predicate-quantifier': 'every' };
    expect((await run(every)).outputs.web_count).toBe('2');
  });

  test('another branch than the default one is compared with where it left it, or with the branch given', async () => {
    const push = { ref: 'refs/heads/compatibility' };
    expect((await run(mode, 'full', push)).outputs.changes).toBe('["shared","web","gone"]');
    const topic = { head: at.topic2, ref: 'refs/heads/topic', event: { before: at.topic, repository } };
    expect((await run({ ...mode, filters: 'bot: bot/**' }, 'depth 1', topic)).outputs.bot_count).toBe('1');
    const base = { ...mode, filters: 'bot: bot/**', base: at.topic ?? '' };
    expect((await run(base, 'depth 1', topic)).outputs.bot_count).toBe('0');
  });

  test('a pull request, and the first push of the default branch, where every file counts as added', async () => {
    const pull = { head: at.merge, eventName: 'pull_request', event: pullRequest() };
    expect((await run(mode, 'depth 1', pull)).outputs.changes).toBe('["shared","web","none"]');
    const { outputs, annotations } = await run(mode, 'depth 1', { event: { before: ZERO, repository } });
    expect(outputs).toMatchObject({ none: 'true', gone: 'false' });
    expect(annotations?.[0]?.message).toMatch(/^Every file counts as added, .* first push of main/);
  });

  test.each([
    [{ base: 'HEAD' }, /changes that are not committed/],
    [{ filters: 'filters.yml' }, /it names a file that there is not/],
    [{ filters: 'changes: [a]' }, /"changes": a filter has the name of an output/],
    [{ filters: 'a: [{moved: b}]' }, /"moved": filter 'a' has a rule that is none/],
  ])('%j is refused', async (inputs, message) => {
    await expect(run({ ...mode, ...inputs })).rejects.toThrow(message);
  });
});

describe('compatibility: changed-files', () => {
  const mode = { compatibility: 'changed-files' };

  test.each(DEPTHS)('lists, counts and flags (%s)', async (depth) => {
    const { outputs } = await run({ ...mode, files: 'web/\n!web/new' }, depth);
    expect(outputs).toMatchObject({
      added_files: 'web/moved',
      any_added: 'true',
      deleted_files: 'web/a',
      renamed_files: '',
      all_changed_files: 'web/moved',
      all_modified_files: 'web/moved web/a',
      all_modified_files_count: '2',
      all_changed_and_modified_files_count: '2',
      any_changed: 'true',
      only_changed: 'false',
      only_deleted: 'true',
      any_modified: 'true',
      other_changed_files_count: '3',
    });
  });

  test('files_yaml gives outputs by key', async () => {
    const files_yaml = 'web:\n  - web/**\ninfra: infra/**';
    const { outputs } = await run({ ...mode, files_yaml, json: 'true', escape_json: 'false' });
    expect(outputs).toMatchObject({
      web_all_changed_files: '["web/moved","web/new"]',
      web_any_changed: 'true',
      infra_any_changed: 'false',
      infra_all_changed_files: '[]',
      changed_keys: '["web"]',
      modified_keys: '["web"]',
    });
    expect(outputs.any_changed).toBeUndefined();
    expect((await run({ ...mode, files_yaml, json: 'true' })).outputs.changed_keys).toBe('[\\"web\\"]');
  });

  test('separator, ignored files, commits of one’s own', async () => {
    const given = { ...mode, files_ignore: '**/a\ndocs/**', separator: '\n', base_sha: at.setting ?? '', sha: head };
    expect((await run(given)).outputs.all_changed_files).toBe('web/moved\nweb/new');
  });

  test('what surprises is told', async () => {
    const { outputs, annotations } = await run(mode);
    expect(outputs).toMatchObject({ any_changed: 'true', only_changed: 'false', all_changed_files_count: '4' });
    expect(annotations?.map((a) => a.message)).toEqual([expect.stringContaining('use json: true')]);
  });

  test('an input that would change the answer is refused', async () => {
    await expect(run({ ...mode, dir_names: 'true' })).rejects.toThrow(/input 'dir_names' is "true": compatibility/);
    await expect(run({ ...mode, base_sha: 'main' })).rejects.toThrow(/'base_sha' is "main": it is no full commit id/);
  });
});

test('without compatibility no list is shell text', async () => {
  await expect(run({ 'list-files': 'shell' })).rejects.toThrow(/input 'list-files' is "shell": .* Write one of none/);
});

test.each([
  ['csv', 'a b/c,"it\'s","x""y","1,2"'],
  ['json', '["a b/c","it\'s","x\\"y","1,2"]'],
  ['shell', "'a b/c' 'it'\\''s' 'x\"y' 1,2"],
  ['escape', 'a\\ b/c it\\\'s x\\"y 1,2'],
] as const)('%s', (format, expected) => {
  const text = listText(['a b/c', "it's", 'x"y', '1,2'], format);
  expect(text).toBe(format === 'csv' ? `"a b/c",${expected.slice(6)}` : expected);
});
