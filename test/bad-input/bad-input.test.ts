import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ActionRun, runAction } from '../support/action.ts';
import { CASES, type Case, GOOD } from './cases.ts';
import { makeSurroundings, type Surroundings } from './surroundings.ts';

/** Milliseconds within which every mistake has to be told, on a machine that is busy with other tests. */
const PATIENCE_MS = 20_000;
/** Actions at work at the same time. */
const SIDE_BY_SIDE = 3;

let surroundings: Surroundings;
const runs = new Map<Case, Promise<ActionRun>>();

beforeAll(async () => {
  surroundings = await makeSurroundings();
}, 60_000);
afterAll(() => surroundings?.stop(), 30_000);

/** Starts this case and the ones that follow it, so that a few are always on their way. */
function run(wanted: Case): Promise<ActionRun> {
  const from = CASES.indexOf(wanted);
  for (const one of CASES.slice(from, from + SIDE_BY_SIDE)) if (!runs.has(one)) runs.set(one, start(one));
  return runs.get(wanted) ?? start(wanted);
}

function start({ action, inputs, env, bare }: Case): Promise<ActionRun> {
  const cwd = bare ? surroundings.bare : surroundings.checkout;
  const all: Record<string, string | undefined> = {
    ...surroundings.local.env(),
    GITHUB_WORKSPACE: cwd,
    GITHUB_REPOSITORY: 'acme/sample',
    GITHUB_SHA: 'f'.repeat(40),
    GITHUB_REF: 'refs/heads/main',
    GITHUB_EVENT_NAME: 'push',
    ...env?.(surroundings),
  };
  const given = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return runAction(action, { ...GOOD[action], ...inputs }, { cwd, env: Object.fromEntries(given) });
}

/** The text of a workflow command as the runner shows it. */
const shown = (text: string) => text.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%');

describe.each(CASES)('$fault: $action', (one) => {
  test('is one error that says what, why and what to do', async () => {
    const { code, log, outputs, summary, ms } = await run(one);
    const errors = log.split('\n').filter((line) => line.startsWith('::error'));
    expect({ code, errors: errors.length, log }).toEqual({ code: 1, errors: 1, log });
    const text = shown(errors[0] ?? '');
    for (const words of one.says) {
      if (typeof words === 'string') expect(text).toContain(words);
      else expect(text).toMatch(words);
    }
    const said = log.replace(/^::add-mask::.*$/gm, '') + summary;
    expect(said).not.toMatch(/^\s+at |%0A {4}at |\[object Object\]|undefined|of-a-test/m);
    expect(outputs.outcome).toMatch(/^(failed|timed-out)$/);
    expect(outputs.cause?.length).toBeGreaterThan(20);
    expect(summary).not.toBe('');
    expect(ms).toBeLessThan(PATIENCE_MS);
  }, 60_000);
});

test('every action has its cases', () => {
  const rooms = readdirSync(join(import.meta.dirname, '../../actions'));
  expect(Object.keys(GOOD).sort()).toEqual(rooms.sort());
  expect(new Set(CASES.map((c) => c.action))).toEqual(new Set(rooms));
});
