import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { cancelled } from '../../lib/errors.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import type { Outcome } from '../../lib/outcome.ts';
import type { Operation } from './inputs.ts';
import { recorded } from './record.ts';

const directory = mkdtempSync(join(tmpdir(), 'slipway-record-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function record(operation: Operation, outcome: Outcome | Error) {
  const entries: LedgerEntry[] = [];
  const ledger = { read: async () => new Map(), record: async (entry: LedgerEntry) => void entries.push(entry) };
  const clock = { now: () => 0, sleep: async () => undefined };
  const context = { sha: 'a'.repeat(40), runUrl: 'https://ci.test/1' };
  const ports = { ledger, clock, context, resultDirectory: directory };
  const target = { component: 'infra', environment: 'dev', operation };
  const thrown = await recorded(target, ports, async () => {
    if (outcome instanceof Error) throw outcome;
    return { outcome, outputs: {}, summary: '', plainOutputs: { url: 'http://x', ports: [80] } };
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { entries, thrown, result: JSON.parse(readFileSync(join(directory, 'result-infra.json'), 'utf8')) };
}

const OUTPUTS = { url: 'http://x', ports: '[80]' };

test.each(['succeeded', 'unchanged'] as const)('an apply that %s is in the ledger with its outputs', async (status) => {
  const { entries, result } = await record('apply', { status, cause: '' });
  expect(entries).toEqual([expect.objectContaining({ state: 'deployed', commit: 'a'.repeat(40), outputs: OUTPUTS })]);
  expect(result).toMatchObject({ component: 'infra', stage: 'terraform', outcome: { status }, outputs: OUTPUTS });
});

test('a failed apply is in the ledger as that, with its cause', async () => {
  const { entries } = await record('apply', { status: 'failed', cause: 'no quota' });
  expect(entries).toEqual([expect.objectContaining({ state: 'failed', cause: 'no quota' })]);
  expect(entries[0]).not.toHaveProperty('outputs');
});

test('what was destroyed is not deployed', async () => {
  const { entries } = await record('destroy', { status: 'succeeded', cause: '' });
  expect(entries).toEqual([expect.objectContaining({ state: 'failed', cause: 'destroyed' })]);
});

test.each(['plan', 'validate', 'output', 'drift'] as const)('%s leaves the ledger alone', async (operation) => {
  const { entries, result } = await record(operation, { status: 'succeeded', cause: '' });
  expect(entries).toEqual([]);
  expect(result.outcome.status).toBe('succeeded');
});

test('an error leaves a result file too', async () => {
  const { thrown, result } = await record('apply', cancelled('terraform'));
  expect(thrown).toBeInstanceOf(Error);
  expect(result.outcome.status).toBe('stopped');
});
