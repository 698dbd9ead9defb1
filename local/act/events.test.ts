import { expect, test } from '@jest/globals';
import { readLine } from './events.ts';

const base = { job: 'deploy/pipeline/ship web', jobID: 'app-1', matrix: { component: 'web' }, level: 'info' };
const job = { id: 'app-1', key: 'app-1 web', matrix: { component: 'web' } };
const main = { ...base, step: 'Ship', stage: 'Main' };
const read = (line: object) => readLine(JSON.stringify(line), 7);

const lines: [string, object, object | undefined][] = [
  ['a job that begins', { ...base, step: 'Set up job', msg: '⭐ Run Set up job' }, { kind: 'job-started', job, at: 7 }],
  [
    'a job that ends',
    { ...base, jobResult: 'failure', msg: '🏁  Job failed' },
    { kind: 'job-ended', job, result: 'failure', at: 7 },
  ],
  ['a step that begins', { ...main, msg: '⭐ Run Main Ship' }, { kind: 'step-started', job, step: 'Ship', at: 7 }],
  [
    'a step that ends',
    { ...main, msg: '  ❌  Failure - Main Ship [2s]', stepResult: 'failure', executionTime: 2e9 },
    { kind: 'step-ended', job, step: 'Ship', result: 'failure', ms: 2000, at: 7 },
  ],
  ['its end in the post stage', { ...main, stage: 'Post', stepResult: 'success', msg: 'x' }, undefined],
  [
    'what it prints',
    { ...main, raw_output: true, msg: 'hello\n' },
    { kind: 'output', job, step: 'Ship', text: 'hello', at: 7 },
  ],
  [
    'an output',
    { ...main, command: 'set-output', name: 'digest', arg: 'sha256:1' },
    { kind: 'set-output', job, step: 'Ship', name: 'digest', value: 'sha256:1', at: 7 },
  ],
  ['an output of the post stage', { ...main, stage: 'Post', command: 'set-output', name: 'x', arg: 'y' }, undefined],
  [
    'an error',
    { ...main, command: 'error', arg: 'no', kvPairs: { title: 'T' } },
    { kind: 'annotation', job, step: 'Ship', level: 'error', message: 'no', title: 'T', at: 7 },
  ],
  [
    'a summary',
    { ...main, command: 'summary', content: '# a' },
    { kind: 'summary', job, step: 'Ship', markdown: '# a', at: 7 },
  ],
  ['talk of its own', { ...base, msg: 'Cleaning up container' }, undefined],
  ['a line without a job', { level: 'info', msg: 'Using docker host' }, undefined],
];
test.each(lines)('%s', (_, line, event) => expect(read(line)).toEqual(event));

test('a line that is no JSON says nothing', () => {
  expect(readLine("Error: Job 'x' failed", 0)).toBeUndefined();
  expect(readLine('{"cut', 0)).toBeUndefined();
});
