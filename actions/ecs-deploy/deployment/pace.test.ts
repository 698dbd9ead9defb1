import { describe, expect, test } from '@jest/globals';
import { nextRead, pause, penaltyAfter } from './pace.ts';

/** What is read in the polls of a rollout in which nothing changes but at the given polls. */
function reads(
  polls: number,
  { record = true, breaker = true, ending = false, changes = [] as number[] } = {},
): string {
  let sinceService = 0;
  let sinceDeployment = Number.MAX_SAFE_INTEGER;
  let changed = false;
  let all = '';
  for (let poll = 1; poll <= polls; poll++) {
    sinceService++;
    sinceDeployment++;
    const read = nextRead({ record, breaker, sinceService, sinceDeployment, changed, ending });
    if (read !== 'deployment') [sinceService, changed] = [0, false];
    if (read !== 'service') sinceDeployment = 0;
    if (changes.includes(poll)) changed = true;
    all += read.slice(0, 1);
  }
  return all;
}

describe('what a poll reads', () => {
  test.each<[string, Parameters<typeof reads>[1], string]>([
    ['the service every third time', {}, 'ddsddsdds'],
    ['the service after a change', { changes: [1, 6] }, 'dsddsdsdd'],
    ['not the service after a change when only the end is missing', { changes: [1, 6], ending: true }, 'ddsddsdds'],
    ['never the service twice in a row', { changes: [1, 2, 3, 4, 5] }, 'dsdsdsdds'],
    ['the service each time where only it counts failed tasks', { breaker: false }, 'bssbssbss'],
    ['only the service where ECS keeps no record', { record: false }, 'sssssssss'],
  ])('%s', (_, options, expected) => {
    expect(reads(9, options)).toBe(expected);
  });
});

describe('how long until the next poll', () => {
  test.each([
    ['under 2.5 s while things change', { quietMs: 0, tense: false, ending: false, penaltyMs: 0 }, 2_400],
    ['a little less when the end may be next', { quietMs: 0, tense: false, ending: true, penaltyMs: 0 }, 2_250],
    ['2 s when something is about to be decided', { quietMs: 10_000, tense: true, ending: false, penaltyMs: 0 }, 2_000],
    [
      '5 s when nothing has happened for a minute',
      { quietMs: 60_001, tense: true, ending: false, penaltyMs: 0 },
      5_000,
    ],
    ['as long as throttling asks for', { quietMs: 0, tense: true, ending: false, penaltyMs: 10_000 }, 10_000],
  ])('%s', (_, facts, expected) => {
    expect(pause(facts)).toBe(expected);
  });

  test('throttling doubles it up to 20 s, and success takes that back', () => {
    const up = [5_000, 10_000, 20_000, 20_000];
    let penalty = 0;
    for (const expected of up) {
      penalty = penaltyAfter(true, penalty);
      expect(penalty).toBe(expected);
    }
    expect([penaltyAfter(false, 20_000), penaltyAfter(false, 10_000), penaltyAfter(false, 2_500)]).toEqual([
      10_000, 5_000, 0,
    ]);
  });
});
