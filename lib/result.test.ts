import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type Result, readResults, writeResult } from './result.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slipway-result-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const result: Result = {
  component: 'web',
  environment: 'dev',
  stage: 'service',
  outcome: { status: 'succeeded', cause: '' },
  startedAt: '2026-11-21T00:00:00.000Z',
  endedAt: '2026-11-21T00:00:09.000Z',
};

test('results are read wherever download-artifact put them', async () => {
  const path = await writeResult(join(directory, 'made'), result);
  mkdirSync(join(directory, 'result-web'));
  renameSync(path, join(directory, 'result-web', 'result-web.json'));
  expect(await readResults(directory)).toEqual(new Map([['web', result]]));
});

test('a directory that is not there holds no results', async () => {
  expect(await readResults(join(directory, 'none'))).toEqual(new Map());
});

test('a broken result file is an error, not a missing result', async () => {
  writeFileSync(join(directory, 'result-web.json'), '{"component":"web"');
  await expect(readResults(directory)).rejects.toThrow(/result file is ".*result-web\.json": it cannot be used/);
});
