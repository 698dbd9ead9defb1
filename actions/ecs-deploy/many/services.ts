import * as v from 'valibot';

/** One service of several that are deployed with the same images. What it does not say is taken from the other inputs. */
const oneService = v.strictObject({
  service: v.pipe(v.string(), v.nonEmpty('it is empty')),
  cluster: v.exactOptional(v.pipe(v.string(), v.nonEmpty('it is empty'))),
  'task-definition': v.exactOptional(v.string()),
  container: v.exactOptional(v.string()),
  'desired-count': v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  /** Waves follow each other by number; services of one wave are deployed side by side. */
  wave: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(0))),
});

export const servicesSchema = v.pipe(v.array(oneService), v.minLength(1, 'the list is empty'));
export type OneService = v.InferOutput<typeof oneService>;

/** The waves in their order. A service without a number is in the first. */
export function wavesOf(services: readonly OneService[]): OneService[][] {
  const byWave = Map.groupBy(services, (s) => s.wave ?? 0);
  return [...byWave].sort(([a], [b]) => a - b).map(([, wave]) => wave);
}
