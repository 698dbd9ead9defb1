import { expect, test } from '@jest/globals';
import { latencyChart } from './chart.ts';

test('slowest and median by parts of the time', () => {
  const dots = [10, 30, 20, 400].map((ms, i) => ({ atMs: i * 10_000, ms }));
  expect(latencyChart(dots, 40_000).split('\n').slice(2)).toEqual([
    '    x-axis ["5s", "15s", "25s", "35s"]',
    '    y-axis "ms" 0 --> 440',
    '    line [10, 30, 20, 400]',
    '    line [10, 30, 20, 400]',
    '',
  ]);
});

test('a long run has no more points than fit, and parts without a probe are left out', () => {
  const dots = Array.from({ length: 5000 }, (_, i) => ({ atMs: i < 2500 ? i : 90_000 + i, ms: i % 7 }));
  const [, slowest = ''] = /line \[(.*)\]/.exec(latencyChart(dots, 100_000)) ?? [];
  expect(slowest.split(', ').length).toBeGreaterThan(1);
  expect(slowest.split(', ').length).toBeLessThanOrEqual(40);
  expect(slowest).toMatch(/^[\d., ]+$/);
});

test('one moment is no chart', () => {
  expect([latencyChart([], 1), latencyChart([{ atMs: 0, ms: 1 }], 1)]).toEqual(['', '']);
});
