import { expect, test } from '@jest/globals';
import { latencyChart } from './chart.ts';

test('slowest and median by parts of the time', () => {
  const dots = [10, 30, 20, 400].map((ms, i) => ({ atMs: i * 10_000, ms }));
  expect(latencyChart(dots, 40_000).split('\n').slice(3)).toEqual([
    '    x-axis "seconds" 0 --> 40',
    '    y-axis "ms" 0 --> 440',
    '    line [10, 30, 20, 400]',
    '    line [10, 30, 20, 400]',
    '',
  ]);
});

test('a part without a probe repeats the one before', () => {
  const dots = [0, 1, 2, 999].map((atMs, i) => ({ atMs, ms: i + 1 }));
  expect(latencyChart(dots, 1000)).toContain('line [3, 3, 3, 4]');
});

test('a long run has no more parts than fit', () => {
  const dots = Array.from({ length: 5000 }, (_, i) => ({ atMs: i < 2500 ? i : 90_000 + i, ms: i % 7 }));
  const [, slowest = ''] = /line \[(.*)\]/.exec(latencyChart(dots, 100_000)) ?? [];
  expect(slowest.split(', ')).toHaveLength(40);
  expect(slowest).toMatch(/^[\d., ]+$/);
});

test('one moment is no chart', () => {
  expect([latencyChart([], 1), latencyChart([{ atMs: 0, ms: 1 }], 1)]).toEqual(['', '']);
});
