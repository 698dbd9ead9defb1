import { expect, test } from '@jest/globals';
import type { ActEvent, JobRef } from '../act/events.ts';
import { Story } from './story.ts';
import { stageLine, Terminal, tableLines } from './terminal.ts';

const web: JobRef = { id: 'app-1', key: 'app-1 web', matrix: { component: 'web' } };
const detect: JobRef = { id: 'detect', key: 'detect', matrix: {} };

function tell(...events: ActEvent[]): Story {
  const story = new Story();
  for (const event of events) story.take(event);
  return story;
}
const started = (job: JobRef, at = 0): ActEvent => ({ kind: 'job-started', job, at });
const ended = (job: JobRef, at: number): ActEvent => ({ kind: 'job-ended', job, result: 'success', at });
const output = (job: JobRef, name: string, value: string): ActEvent => ({
  kind: 'set-output',
  job,
  step: 's',
  name,
  value,
  at: 1,
});
const failed = (job: JobRef): ActEvent => ({ kind: 'step-ended', job, step: 's', result: 'failure', ms: 1, at: 2 });

test('a good leg ends with its digest', () => {
  const story = tell(
    started(web),
    output(web, 'outcome', 'succeeded'),
    output(web, 'digest', `sha256:${'a'.repeat(64)}`),
    ended(web, 1500),
  );
  expect(story.stages).toMatchObject([
    { name: 'web', state: 'succeeded', note: 'sha256:aaaaaaaaaaaa runs and answers' },
  ]);
  expect(stageLine(story.stages[0] as never)).toBe('  ✓ web          1.5 s  sha256:aaaaaaaaaaaa runs and answers');
});

test('a failed one with its cause and what its step said last', () => {
  const says: ActEvent = { kind: 'output', job: web, step: 's', text: 'boom', at: 1 };
  const story = tell(
    started(web),
    says,
    failed(web),
    output(web, 'outcome', 'rolled-back'),
    output(web, 'cause', 'never healthy\nmore'),
    ended(web, 9),
  );
  expect(story.stages).toMatchObject([{ state: 'rolled-back', note: 'never healthy', tail: ['boom'] }]);
});

test('a step that failed before the action spoke is named', () => {
  expect(tell(started(web), failed(web), ended(web, 9)).stages).toMatchObject([
    { state: 'failed', note: 'the step "s" failed' },
  ]);
});

test('another step’s good outcome does not make a failure good', () => {
  expect(tell(started(web), output(web, 'outcome', 'succeeded'), failed(web), ended(web, 9)).stages).toMatchObject([
    { state: 'failed' },
  ]);
});

test('a blocked leg is skipped, with the reason', () => {
  const story = tell(
    started(web),
    output(web, 'outcome', 'blocked'),
    output(web, 'cause', 'blocked by infra'),
    ended(web, 9),
  );
  expect(story.stages).toMatchObject([{ state: 'skipped', note: 'blocked by infra' }]);
});

test('detection says what ships', () => {
  expect(tell(started(detect), output(detect, 'components', '["a","b"]'), ended(detect, 1)).stages[0]?.note).toBe(
    'a, b ship',
  );
  expect(tell(started(detect), output(detect, 'components', '[]'), ended(detect, 1)).stages[0]?.note).toBe(
    'nothing ships',
  );
});

test('where nobody watches there is no colour and no line that moves', () => {
  const written: string[] = [];
  const terminal = new Terminal({ write: (text) => written.push(text) }, {});
  const story = tell(started(web));
  terminal.live(story.stages, 5, { sent: 1, failed: 0, perSecond: 1, p50: 1, p95: 1, max: 1, failures: {} });
  terminal.heading('Push 1', 'abc');
  expect(written.join('')).toBe('\nPush 1  abc\n');
});

test('on a terminal the line that moves is wiped before the next one stays', () => {
  const written: string[] = [];
  const terminal = new Terminal({ isTTY: true, columns: 40, write: (text) => written.push(text) }, {});
  terminal.live(tell(started(web)).stages, 5000, {
    sent: 100,
    failed: 0,
    perSecond: 1,
    p50: 1,
    p95: 1,
    max: 1,
    failures: {},
  });
  expect(written[0]?.startsWith('\r\u001b[2K')).toBe(true);
  expect(written[0]).toMatch(/ {2}. web 5\.0 s · 100 requests/);
  expect(written[0]?.length).toBeLessThanOrEqual(40 + 5);
  terminal.line('next');
  expect(written.slice(1)).toEqual(['\r\u001b[2K', 'next\n']);
});

test('a table is aligned', () => {
  expect(
    tableLines(
      ['', 'stage'],
      [
        ['Push 1', 'web'],
        ['', 'a longer one'],
      ],
    ),
  ).toEqual(['          stage', '  ──────  ────────────', '  Push 1  web', '          a longer one']);
});
