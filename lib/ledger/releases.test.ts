import { expect, test } from '@jest/globals';
import type { LedgerEntry } from './ledger.ts';
import { releaseBefore } from './releases.ts';

const entry = (state: LedgerEntry['state'], revision: number): LedgerEntry => ({
  component: 'web',
  environment: 'dev',
  commit: `c${revision}`,
  state,
  taskDefinition: `web:${revision}`,
  releaseFingerprint: `f${revision}`,
  runUrl: '',
  at: '2026-01-01T00:00:00Z',
});

// Newest first.
test.each<[string, LedgerEntry[], string, string | undefined]>([
  ['the release before the one that runs', [entry('deployed', 2), entry('deployed', 1)], 'web:2', 'web:1'],
  [
    'the last verified one, when something unknown runs',
    [entry('deployed', 2), entry('deployed', 1)],
    'web:7',
    'web:2',
  ],
  ['the last verified one, when a failed one runs', [entry('failed', 3), entry('deployed', 2)], 'web:3', 'web:2'],
  [
    'none that is held back',
    [entry('deployed', 3), entry('held', 2), entry('deployed', 2), entry('deployed', 1)],
    'web:3',
    'web:1',
  ],
  ['not the same release again', [entry('deployed', 2), entry('deployed', 2), entry('deployed', 1)], 'web:2', 'web:1'],
  ['nothing before the first', [entry('deployed', 1)], 'web:1', undefined],
  ['nothing in an empty ledger', [], 'web:1', undefined],
])('%s', (_, entries, running, expected) => {
  expect(releaseBefore(entries, running)?.taskDefinition).toBe(expected);
});
