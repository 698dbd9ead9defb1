import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { loadConfig } from '../config/load.ts';
import { cancelled, Problem } from '../errors.ts';
import type { LedgerEntry } from '../ledger/ledger.ts';
import { recordingLog } from '../log.ts';
import type { Outcome } from '../outcome.ts';
import { writeResult } from '../result.ts';
import { ancestry } from './ancestry.ts';
import { isForced, type Leg, type LegReport, runLeg } from './leg.ts';

const base = mkdtempSync(join(tmpdir(), 'slipway-leg-'));
afterAll(() => rmSync(base, { recursive: true }));
let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(base, 'run-'));
});

const SHA = 'a'.repeat(40);
const NEWER = 'b'.repeat(40);
const CONFIG = loadConfig(
  `version: 1
components:
  ami: { kind: ami, template: ami, paths: ['ami/**'] }
  infra: { kind: terraform, root: infra, depends-on: [ami] }
  other: { kind: terraform, root: other }
`,
  'slipway.yml',
);

interface Options {
  leg?: Partial<Leg>;
  before?: Record<string, Outcome['status'] | 'blocked'>;
  last?: string;
  older?: boolean;
  body?: Partial<LegReport> | Error;
}

async function go({ leg = {}, before = {}, last, older = false, body = {} }: Options) {
  for (const [component, status] of Object.entries(before)) {
    const outcome = { status, cause: 'because' };
    await writeResult(directory, { component, environment: 'dev', stage: 'ami', outcome, startedAt: '', endedAt: '' });
  }
  const entries: LedgerEntry[] = [];
  const old: LedgerEntry[] = last
    ? [
        {
          component: 'infra',
          environment: 'dev',
          commit: last,
          state: 'deployed',
          runUrl: '',
          at: '2026-01-01T00:00:00Z',
        },
      ]
    : [];
  let ran = false;
  const ports = {
    ledger: {
      read: async () => new Map([['infra', old]]),
      record: async (entry: LedgerEntry) => void entries.push(entry),
    },
    clock: { now: () => 0, sleep: async () => undefined },
    log: recordingLog(),
    context: { sha: SHA, runUrl: 'https://ci.test/1' },
    resultDirectory: directory,
    config: async () => CONFIG,
    isAncestor: async () => older,
  };
  const whole: Leg = {
    component: 'infra',
    environment: 'dev',
    stage: 'terraform',
    deploys: true,
    force: false,
    ...leg,
  };
  const settled = await runLeg(whole, ports, async () => {
    ran = true;
    if (body instanceof Error) throw body;
    return { outcome: { status: 'succeeded', cause: '' }, outputs: {}, summary: '', ...body };
  }).then(
    (report) => ({ report, error: undefined }),
    (error: unknown) => ({ report: undefined, error }),
  );
  const result = JSON.parse(readFileSync(join(directory, `result-${whole.component}.json`), 'utf8'));
  return { ...settled, ran, entries, result };
}

test.each(['succeeded', 'unchanged'] as const)('a leg that %s is in the ledger with its outputs', async (status) => {
  const componentOutputs = { url: 'http://x' };
  const { entries, result } = await go({ body: { outcome: { status, cause: '' }, componentOutputs } });
  expect(entries).toEqual([expect.objectContaining({ state: 'deployed', commit: SHA, outputs: componentOutputs })]);
  expect(result).toMatchObject({
    component: 'infra',
    stage: 'terraform',
    outcome: { status },
    outputs: componentOutputs,
  });
});

test('a failed leg is in the ledger as that, with its cause and without outputs', async () => {
  const outcome: Outcome = { status: 'failed', cause: 'no quota' };
  const { entries } = await go({ body: { outcome, componentOutputs: { url: 'old' } } });
  expect(entries).toEqual([expect.objectContaining({ state: 'failed', cause: 'no quota' })]);
  expect(entries[0]).not.toHaveProperty('outputs');
});

test.each(['denied', 'stopped'] as const)('of a leg that ended as %s the ledger keeps nothing', async (status) => {
  expect((await go({ body: { outcome: { status, cause: 'x' } } })).entries).toEqual([]);
});

test('the body may say more for the ledger', async () => {
  const { entries } = await go({ body: { entry: { state: 'destroyed', cause: 'destroyed' } } });
  expect(entries).toEqual([expect.objectContaining({ state: 'destroyed', cause: 'destroyed' })]);
});

test('a leg that only looks leaves the ledger alone and is never held back', async () => {
  const { ran, entries, result } = await go({
    leg: { deploys: false },
    before: { ami: 'failed' },
    last: NEWER,
    older: true,
  });
  expect([ran, entries, result.outcome.status]).toEqual([true, [], 'succeeded']);
});

test.each(['failed', 'rolled-back', 'blocked', 'stopped', 'denied', 'timed-out', 'superseded'] as const)(
  'a leg whose need ended as %s is blocked',
  async (status) => {
    const { ran, entries, result, report } = await go({ before: { ami: status } });
    expect([ran, entries]).toEqual([false, []]);
    expect(result.outcome).toMatchObject({
      status: 'blocked',
      cause: `it needs ami, which ended as ${status}: because`,
    });
    expect(report?.outcome.status).toBe('unchanged');
  },
);

test.each(['succeeded', 'unchanged'] as const)('a leg whose need ended as %s runs', async (status) => {
  expect((await go({ before: { ami: status } })).ran).toBe(true);
});

test('a leg that destroys waits for what needs it, not for what it needs', async () => {
  const before = { infra: 'denied' } as const;
  const held = await go({ leg: { component: 'ami', destroys: true }, before });
  expect(held.ran).toBe(false);
  expect(held.result.outcome).toMatchObject({
    status: 'blocked',
    cause: expect.stringMatching(/^infra needs it, which ended as denied/),
  });
  expect((await go({ leg: { destroys: true }, before: { ami: 'failed', infra: 'succeeded' } })).ran).toBe(true);
});

test('what it does not need does not block it; nor does the plan’s own entry of it', async () => {
  expect((await go({ before: { other: 'failed', infra: 'failed' } })).ran).toBe(true);
});

test('a run of an older commit than the one there is superseded', async () => {
  const { ran, entries, result, report } = await go({ last: NEWER, older: true });
  expect([ran, entries]).toEqual([false, []]);
  expect(result.outcome).toMatchObject({
    status: 'superseded',
    cause: expect.stringMatching(/^b{12}, which is newer/),
  });
  expect(report?.outcome.status).toBe('superseded');
});

test.each<[string, Options]>([
  ['the same commit', { last: SHA, older: true }],
  ['a newer commit than the one there', { last: NEWER, older: false }],
  ['force', { last: NEWER, older: true, leg: { force: true } }],
])('%s ships', async (_, options) => {
  expect((await go(options)).ran).toBe(true);
});

test('an error leaves a result file too, and stays an error', async () => {
  const { error, result, entries } = await go({ body: cancelled('terraform') });
  expect(error).toBeInstanceOf(Error);
  expect(result.outcome.status).toBe('stopped');
  expect(entries).toEqual([]);
});

test('force names components, or all', () => {
  expect([isForced(['web', 'infra'], 'infra'), isForced(['all'], 'x'), isForced([], 'x')]).toEqual([true, true, false]);
});

test('ancestry asks GitHub where the checkout cannot tell, and does not guess', async () => {
  const repository = { owner: 'o', name: 'r', slug: 'o/r' };
  const answering = (rest: () => Promise<unknown>) => ({ rest, graphql: async () => ({}) }) as never;
  const saying = (status: string) => answering(async () => ({ status: 200, data: { status } }));
  const cut = { repository, git: { isAncestor: async () => undefined } };
  expect(await ancestry('a', 'b', { ...cut, github: saying('ahead') })).toBe(true);
  expect(await ancestry('a', 'b', { ...cut, github: saying('diverged') })).toBe(false);
  expect(await ancestry('a', 'b', { ...cut, github: saying('behind') })).toBe(false);
  const unknown = new Problem({ what: 'x', cause: 'y', fix: 'z', kind: 'not-found' });
  expect(await ancestry('a', 'b', { ...cut, github: answering(() => Promise.reject(unknown)) })).toBe(false);
  expect(
    await ancestry('a', 'b', { repository, git: { isAncestor: async () => true }, github: saying('behind') }),
  ).toBe(true);
  await expect(ancestry('a', 'b', { ...cut, github: undefined })).rejects.toThrow(/fetch-depth: 0/);
});
