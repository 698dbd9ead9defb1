import { expect, test } from '@jest/globals';
import { isOver, median, table } from './benchmark.ts';

test.each([
  [[3], 3],
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
])('the median of %p is %p', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('nothing has no median', () => {
  expect(() => median([])).toThrow('no values');
});

test('the table marks what is over its limit and compares with the peer', () => {
  const ours = { name: 'a', measures: [{ name: 'code', value: 2, unit: 'MB' as const, limit: 1.5 }] };
  const peer = { name: 'p', measures: [{ name: 'code', value: 4, unit: 'MB' as const }], peer: true };
  expect(isOver({ name: 'code', value: 1.5, unit: 'MB', limit: 1.5 })).toBe(false);
  const apart = { name: 'c', measures: [{ name: 'code', value: 1, unit: 'MB' as const }], apart: true };
  expect(table([ours, { name: 'b', measures: [] }, apart, peer])).toBe(
    [
      '                          code',
      'a  2.00 MB (x0.50) OVER 1.5 MB',
      'b                            -',
      'c                      1.00 MB',
      'p                      4.00 MB',
    ].join('\n'),
  );
});
