import { expect, test } from '@jest/globals';
import { countChanges, hasChanges, sayCounts, summarisePlan } from './plan.ts';

const resource = (address: string, actions: string[], more: object = {}, outer: object = {}) => ({
  address,
  mode: 'managed',
  change: { actions, before: { a: 1, secret: 'x' }, after: { a: 1, secret: 'x' }, ...more },
  ...outer,
});

test('every kind of change is told apart, and the worst comes first', () => {
  const plan = summarisePlan({
    format_version: '1.2',
    resource_changes: [
      resource('a.move', ['no-op'], {}, { previous_address: 'a.old' }),
      resource('a.import', ['no-op'], { importing: { id: 'i-1' } }),
      resource('a.create', ['create'], { before: null }),
      resource('a.update', ['update'], { after: { a: 2, secret: 'y' }, after_unknown: { arn: true } }),
      resource('a.forget', ['forget'], { after: null }),
      resource('a.destroy', ['delete'], { after: null }),
      resource('a.cbd', ['create', 'delete'], { after: { a: 1, secret: 'z' }, replace_paths: [['secret'], ['b', 0]] }),
      resource('a.replace', ['delete', 'create'], {}),
      resource('a.same', ['no-op']),
      resource('data.read', ['read'], {}, { mode: 'data' }),
    ],
    resource_drift: [resource('a.update', ['update']), resource('a.same', ['no-op'])],
    output_changes: { url: { actions: ['update'] }, same: { actions: ['no-op'] } },
  });
  expect(plan.changes.map(({ action, address }) => `${action} ${address}`)).toEqual([
    'replace a.cbd',
    'replace a.replace',
    'destroy a.destroy',
    'forget a.forget',
    'update a.update',
    'create a.create',
    'import a.import',
    'move a.move',
  ]);
  expect(plan.changes[0]).toMatchObject({ forcedBy: ['secret', 'b'], attributes: ['secret'] });
  expect(plan.changes[4]).toMatchObject({ attributes: ['a', 'arn', 'secret'] });
  expect(plan.outputs).toEqual(['url']);
  expect(plan.drifted).toEqual(['a.update']);
  expect(countChanges(plan)).toEqual({
    create: 1,
    update: 1,
    replace: 2,
    destroy: 1,
    import: 1,
    move: 1,
    forget: 1,
    outputs: 1,
  });
  expect(sayCounts(countChanges(plan))).toMatch(/^2 to replace, 1 to destroy, .*1 output to change$/);
  expect(plan.changes[0]?.values).toEqual([{ path: 'secret', before: '"x"', after: '"z"' }]);
});

test('an output tells all that changes in it, and nothing of one that is sensitive in part', () => {
  const before = { a: 1, b: { c: 'x' }, d: [1] };
  const { outputValues } = summarisePlan({
    format_version: '1.2',
    output_changes: {
      all: { actions: ['update'], before, after: { ...before, a: 2, b: { c: 'y' } } },
      part: { actions: ['update'], before: { p: 'old' }, after: { p: 'new' }, after_sensitive: { p: true } },
      mark: { actions: ['update'], before: 'same', after: 'same', before_sensitive: true },
    },
  });
  expect(outputValues).toEqual([
    { path: 'all.a', before: '1', after: '2' },
    { path: 'all.b.c', before: '"x"', after: '"y"' },
    { path: 'mark' },
    { path: 'part', before: '{"p":"old"}', after: '(sensitive value)' },
  ]);
});

test('an empty plan has no changes', () => {
  const plan = summarisePlan({ format_version: '1.0' });
  expect(hasChanges(plan)).toBe(false);
  expect(sayCounts(countChanges(plan))).toBe('no changes');
});

test('a format from the future is refused', () => {
  expect(() => summarisePlan({ format_version: '2.0' })).toThrow(/"2.0": only format version 1/);
});
