import { describe, expect, test } from '@jest/globals';
import { createFaults, type FaultSpec } from './faults.ts';
import { createLag } from './lag.ts';
import { createWorld, fillIn } from './world.ts';

describe('faults', () => {
  const throttle = { throttle: true } as const;
  const pattern = (spec: Partial<FaultSpec>, seed = 1) => {
    const faults = createFaults(seed);
    faults.add({ service: 'ecs', effect: throttle, ...spec });
    return Array.from({ length: 8 }, () => faults.strike('ecs', 'UpdateService', { service: 'web' }).length).join('');
  };

  test.each([
    ['for ever', {}, '11111111'],
    ['as often as told', { times: 2 }, '11000000'],
    ['after some', { after: 3, times: 1 }, '00010000'],
    ['another operation', { operation: 'RunTask' }, '00000000'],
    ['any service', { service: '*', times: 1 }, '10000000'],
    ['what matches', { match: { service: 'web' }, times: 1 }, '10000000'],
    ['not what does not', { match: { service: 'api' } }, '00000000'],
  ])('strike: %s', (_name, spec, expected) => expect(pattern(spec)).toBe(expected));

  test('chance is repeated by the seed', () => {
    const drawn = pattern({ probability: 0.5 }, 7);
    expect(pattern({ probability: 0.5 }, 7)).toBe(drawn);
    expect(new Set([1, 2, 3, 4, 5].map((seed) => pattern({ probability: 0.5 }, seed))).size).toBeGreaterThan(1);
  });

  test('named ones are asked for by name, about something', () => {
    const faults = createFaults(1);
    faults.add({ service: 'ecs', match: { service: 'web' }, times: 1, effect: { ecs: 'crash-loop' } });
    expect(faults.strike('ecs', 'UpdateService', { service: 'web' })).toEqual([]);
    expect(faults.named('image-missing', { service: 'web' })).toBe(false);
    expect(faults.named('crash-loop', { service: 'api' })).toBe(false);
    expect(faults.named('crash-loop', { service: 'web' })).toBe(true);
    expect(faults.named('crash-loop', { service: 'web' })).toBe(false);
    expect(faults.list()[0]?.struck).toBe(1);
  });

  test.each([
    [{ service: '', effect: throttle }, /'service'/],
    [{ service: 'ecs', effect: { what: 1 } }, /'effect'/],
    [{ service: 'ecs', effect: throttle, probability: 2 }, /'probability'/],
    [{ service: 'ecs', effect: throttle, times: -1 }, /'times'/],
  ])('%j is refused', (spec, message) =>
    expect(() => createFaults(1).add(spec as unknown as FaultSpec)).toThrow(message),
  );
});

describe('lags', () => {
  test('are none when off, and else drawn by name, key and count within their range', () => {
    expect(createLag({ mode: 'off', seed: 1 }).of('ssm.delivery')).toBe(0);
    const lag = createLag({ mode: 'real', seed: 1 });
    const drawn = Array.from({ length: 20 }, () => lag.of('ssm.delivery', 'a'));
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(800);
    const again = createLag({ mode: 'real', seed: 1 });
    // What others ask for meanwhile does not matter.
    expect(Array.from({ length: 20 }, () => [again.of('ssm.delivery', 'b'), again.of('ssm.delivery', 'a')][1])).toEqual(
      drawn,
    );
    expect(lag.of('mine', '', [5, 5])).toBe(5);
    expect(() => lag.of('mine')).toThrow(/'mine' has no range/);
  });
});

describe('a world', () => {
  test('has defaults, and names what is wrong with it', () => {
    const world = createWorld({
      repositories: ['web'],
      parameters: { '/a': 'b' },
      balancers: [{ name: 'web', targetGroups: [{ name: 'web' }] }],
    });
    expect(world).toMatchObject({
      account: '123456789012',
      repositories: [{ name: 'web', tagMutability: 'MUTABLE' }],
      parameters: { '/a': { value: 'b', type: 'String' } },
      balancers: [{ targetGroups: [{ healthCheck: { path: '/health', matcher: '200' } }] }],
    });
    expect(createWorld(world)).toEqual(world);
    expect(() => createWorld({ account: '1', repositorys: [] })).toThrow(/account.*12 digits.*repositorys/);
  });

  test('is filled in with what is known only after the start', () => {
    expect(
      fillIn({ a: ['{registry}/web:1', { b: '{account}.{other}' }], n: 1 }, { registry: 'r', account: '1' }),
    ).toEqual({
      a: ['r/web:1', { b: '1.{other}' }],
      n: 1,
    });
  });
});
