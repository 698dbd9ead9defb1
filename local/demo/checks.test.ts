import { expect, test } from '@jest/globals';
import { judge, type Witness } from './checks.ts';
import { PUSHES } from './pushes.ts';

const probe = { sent: 1000, failed: 0, perSecond: 25, p50: 1, p95: 2, max: 3, failures: {} };
const [first, , third] = PUSHES;

function witness(push: typeof first, change: Partial<Witness> = {}, status: Record<string, string> = {}): Witness {
  if (!push) throw new Error('there are three pushes');
  const shipped = Object.entries(push.expected).filter(([, expected]) => expected !== 'absent');
  const fails = shipped.some(([, expected]) => expected === 'rolled-back');
  const cause = fails ? 'it never passed its health checks' : '';
  return {
    push,
    travelled: {
      title: push.title,
      sha: 'new',
      files: [],
      exitCode: fails ? 1 : 0,
      startedAt: 0,
      ms: 1,
      stages: [],
      reasons: { infra: 'unchanged since 0123456789', bot: 'unchanged since 0123456789' },
      probe,
      results: shipped.map(([component, expected]) => ({
        component,
        environment: 'dev',
        stage: 'service',
        outcome: { status: (status[component] ?? expected) as 'succeeded', cause },
        digest: 'sha256:new',
        startedAt: '',
        endedAt: '',
      })),
    },
    identity: fails ? { revision: 'old', digest: 'sha256:old' } : { revision: 'new', digest: 'sha256:new' },
    message: `rolled back: web bot infra ${cause}`,
    migrated: ['new'],
    ...change,
  };
}

const before = witness(first, { identity: { revision: 'old', digest: 'sha256:old' } });
const wrong = (witnesses: readonly Witness[], seen = probe) =>
  judge(witnesses, seen)
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);

test('what happens as it should passes', () => {
  expect(wrong([witness(first)])).toEqual([]);
  expect(wrong([before, witness(third)]).filter((name) => name.startsWith('Push 3'))).toEqual([]);
});

const mistakes: [string, Witness[], string][] = [
  ['a migration that did not run', [witness(first, { migrated: ['old'] })], 'Push 1: the migration ran before web'],
  [
    'a run that fails',
    [{ ...witness(first), travelled: { ...witness(first).travelled, exitCode: 1 } }],
    'Push 1: the run succeeds',
  ],
  ['a component that did not end well', [witness(first, {}, { bot: 'failed' })], 'Push 1: bot is succeeded'],
  [
    'another version that answers',
    [witness(first, { identity: { revision: 'x', digest: 'y' } })],
    'Push 1: the new version answers',
  ],
  ['a silent channel', [witness(first, { message: '' })], 'Push 1: Discord names what shipped'],
  [
    'a broken version that stays',
    [before, witness(third, { identity: { revision: 'new', digest: 'sha256:new' } })],
    'Push 3: the old version still answers',
  ],
  [
    'a message without the cause',
    [before, witness(third, { message: 'web failed' })],
    'Push 3: Discord says that it failed, and why',
  ],
  ['a broken push that succeeds', [before, witness(third, {}, { web: 'succeeded' })], 'Push 3: web is rolled-back'],
];
test.each(mistakes)('%s is found', (_, witnesses, name) => expect(wrong(witnesses)).toContain(name));

test('a failed request and a slow prober are found', () => {
  expect(wrong([], { ...probe, failed: 1 })).toEqual(['no request of the prober failed']);
  expect(wrong([], { ...probe, perSecond: 19 })).toEqual(['the prober sent at least 20 requests a second']);
});
