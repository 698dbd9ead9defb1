import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { backOff, isSteady, type ScheduledTask, schedule } from './scheduler.ts';

/**
 * One letter a task, oldest first: o old, n new; then h healthy, s starting (pending), r running but not yet healthy,
 * u unhealthy, x stopping.
 */
function tasks(text: string): ScheduledTask[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word, i) => ({
      id: `${word}${i}`,
      primary: word.startsWith('n'),
      phase: word.endsWith('x') ? 'stopping' : word.endsWith('s') ? 'pending' : 'running',
      healthy: word.endsWith('h'),
      unhealthy: word.endsWith('u'),
    }));
}

interface Row {
  what: string;
  desired?: number;
  min?: number;
  max?: number;
  mayStart?: boolean;
  have: string;
  start: number;
  stop: string[];
}

test.each<Row>([
  { what: 'a new service starts all at once', have: '', start: 2, stop: [] },
  { what: '100/200 doubles first and stops nothing yet', have: 'oh oh', start: 2, stop: [] },
  { what: 'the old stay while the new start', have: 'oh oh ns nr', start: 0, stop: [] },
  { what: 'one healthy new task replaces one old', have: 'oh oh nh nr', start: 0, stop: ['oh0'] },
  { what: 'both replaced', have: 'oh oh nh nh', start: 0, stop: ['oh0', 'oh1'] },
  { what: 'stopping tasks take no room', have: 'ox ox nh nh', start: 0, stop: [] },
  { what: '50/100 makes room by stopping half', min: 50, max: 100, have: 'oh oh', start: 0, stop: ['oh0'] },
  { what: '50/100 starts into the room made', min: 50, max: 100, have: 'ox oh', start: 1, stop: [] },
  { what: '50/100 waits for the new one', min: 50, max: 100, have: 'oh nr', start: 0, stop: [] },
  { what: '50/100 goes on when the new one is healthy', min: 50, max: 100, have: 'oh nh', start: 0, stop: ['oh0'] },
  { what: '0/100 stops everything to make room', min: 0, max: 100, have: 'oh oh', start: 0, stop: ['oh0', 'oh1'] },
  { what: '100/100 cannot move, as at AWS', min: 100, max: 100, have: 'oh oh', start: 0, stop: [] },
  { what: '100/150 rounds down to one more', max: 150, have: 'oh oh', start: 1, stop: [] },
  { what: '100/150 of one task has no room', desired: 1, max: 150, have: 'oh', start: 0, stop: [] },
  {
    what: '33 % of four rounds up to two',
    desired: 4,
    min: 33,
    max: 100,
    have: 'oh oh oh oh',
    start: 0,
    stop: ['oh0', 'oh1'],
  },
  { what: 'old tasks that never got healthy go at once', have: 'oh oh os or ns ns', start: 0, stop: ['os2', 'or3'] },
  { what: 'an unhealthy new task is replaced', have: 'nh nu', start: 1, stop: ['nu1'] },
  { what: 'an unhealthy new task is replaced without room', max: 100, have: 'nh nu', start: 1, stop: ['nu1'] },
  { what: 'all new tasks unhealthy: the old ones stay', have: 'oh oh nu nu', start: 2, stop: ['nu2', 'nu3'] },
  { what: 'a failed deployment starts nothing', mayStart: false, have: 'oh oh nu', start: 0, stop: ['nu2'] },
  { what: 'a failed deployment leaves the old ones alone', mayStart: false, have: 'oh oh', start: 0, stop: [] },
  {
    what: 'rolling back: the failed ones go, the old ones are primary again',
    have: 'nh nh or os',
    start: 0,
    stop: ['or2', 'os3'],
  },
  { what: 'scaling in stops the youngest', desired: 1, have: 'nh nh nh', start: 0, stop: ['nh2', 'nh1'] },
  { what: 'scaling in takes what is not healthy first', desired: 1, have: 'nr nh nh', start: 0, stop: ['nr0', 'nh2'] },
  { what: 'scaling out', desired: 4, have: 'nh nh', start: 2, stop: [] },
  { what: 'to zero', desired: 0, have: 'nh oh', start: 0, stop: ['nh0', 'oh1'] },
  { what: 'a dead task is replaced', have: 'nh', start: 1, stop: [] },
])('schedule: $what', ({ desired = 2, min = 100, max = 200, mayStart = true, have, start, stop }) => {
  const plan = schedule({ desired, minimumHealthyPercent: min, maximumPercent: max, mayStart, tasks: tasks(have) });
  expect({ start: plan.start, stop: plan.stop.map(({ id }) => id) }).toEqual({ start, stop });
});

test.each([
  ['', 0, true],
  ['nh nh', 2, true],
  ['nh nr', 2, false],
  ['nh nh ox', 2, false],
  ['nh nh oh', 2, false],
  ['nh', 2, false],
])('tasks "%s" with %i desired are steady: %s', (have, desired, expected) => {
  expect(isSteady({ desired, tasks: tasks(have) })).toBe(expected);
});

const anyTask = fc.constantFrom('oh', 'os', 'or', 'ou', 'ox', 'nh', 'ns', 'nr', 'nu', 'nx');

test('whatever the tasks are, the limits hold and nothing is both kept and stopped', () => {
  fc.assert(
    fc.property(
      fc.array(anyTask, { maxLength: 12 }),
      fc.integer({ min: 0, max: 6 }),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 100, max: 200 }),
      (words, desired, min, max) => {
        const have = tasks(words.join(' '));
        const plan = schedule({
          desired,
          minimumHealthyPercent: min,
          maximumPercent: max,
          mayStart: true,
          tasks: have,
        });
        const stopped = new Set(plan.stop.map(({ id }) => id));
        const live = have.filter(({ phase }) => phase !== 'stopping');
        const healthyBefore = live.filter(({ healthy }) => healthy).length;
        const healthyAfter = live.filter(({ id, healthy }) => healthy && !stopped.has(id)).length;
        const most = Math.floor((desired * max) / 100);
        const sound = live.filter(({ unhealthy }) => !unhealthy).length;
        expect(stopped.size).toBe(plan.stop.length);
        expect(healthyAfter).toBeGreaterThanOrEqual(Math.min(healthyBefore, Math.ceil((desired * min) / 100)));
        if (plan.start > 0) expect(sound + plan.start).toBeLessThanOrEqual(most);
      },
    ),
  );
});

test('simulated to its end, every rollout whose limits allow it replaces every task', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 100 }),
      fc.integer({ min: 100, max: 200 }),
      (desired, min, max) => {
        const room = Math.floor((desired * max) / 100) > desired || Math.ceil((desired * min) / 100) < desired;
        let have = tasks(Array.from({ length: desired }, () => 'oh').join(' '));
        for (let round = 0; round < 50; round++) {
          const plan = schedule({
            desired,
            minimumHealthyPercent: min,
            maximumPercent: max,
            mayStart: true,
            tasks: have,
          });
          have = have.filter(({ id }) => !plan.stop.some((stop) => stop.id === id));
          for (let i = 0; i < plan.start; i++)
            have.push({ id: `n${round}.${i}`, primary: true, phase: 'running', healthy: true, unhealthy: false });
        }
        expect(isSteady({ desired, tasks: have })).toBe(room);
      },
    ),
  );
});

test.each([
  [0, 0],
  [2, 0],
  [3, 250],
  [5, 1000],
  [30, 10_000],
])('after %i failed starts the next waits %i ms', (failed, expected) => {
  expect(backOff(failed)).toBe(expected);
});
