import { describe, expect, test } from '@jest/globals';
import { type Candidate, ownDeployment } from './find.ts';

const candidate = (id: string, at: number, taskDefinition: string): Candidate => ({
  serviceDeploymentArn: id,
  createdAt: new Date(at),
  taskDefinition,
});
const wanted = { taskDefinition: 'web:2', notBefore: 10_000, notAfter: 10_600, known: new Set(['before']) };

describe('which deployment is ours', () => {
  test.each<[string, Candidate[], string | undefined]>([
    ['the new one of our revision', [candidate('a', 10_500, 'web:2')], 'a'],
    ['none while only the one before shows', [candidate('before', 9_000, 'web:1')], undefined],
    ['not the one before, even of the same revision', [candidate('before', 10_500, 'web:2')], undefined],
    ['not an old one that was not known', [candidate('x', 5_000, 'web:2')], undefined],
    ['not a new one of another revision', [candidate('x', 10_500, 'web:9')], undefined],
    ['the earlier of two of our revision', [candidate('b', 13_000, 'web:2'), candidate('a', 10_500, 'web:2')], 'a'],
    ['the later of two made during our call', [candidate('b', 10_900, 'web:2'), candidate('a', 10_500, 'web:2')], 'b'],
    ['the later, recorded after our answer', [candidate('b', 12_000, 'web:2'), candidate('a', 11_950, 'web:2')], 'b'],
    ['one created in the second of our call', [candidate('a', 9_200, 'web:2')], 'a'],
  ])('%s', (_, candidates, expected) => {
    expect(ownDeployment(candidates, wanted)?.serviceDeploymentArn).toBe(expected);
  });
});
