import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

const read = (path: string) => parse(readFileSync(new URL(path, import.meta.url), 'utf8'));

test('slipway/slipway and slipway/slipway/actions/ship are the same action', () => {
  const { name, runs, ...door } = read('../../action.yml');
  const { name: _, runs: own, ...room } = read('./action.yml');
  expect(door).toEqual(room);
  expect([name, runs]).toEqual(['Slipway', { ...own, main: 'dist/ship/index.js', post: 'dist/ship/index.js' }]);
});
