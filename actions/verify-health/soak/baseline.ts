import * as v from 'valibot';
import { Problem } from '../../../lib/errors.ts';
import type { Figures } from './soak.ts';

const figures = v.object({
  samples: v.pipe(v.number(), v.integer(), v.minValue(0)),
  failed: v.pipe(v.number(), v.integer(), v.minValue(0)),
  p50: v.exactOptional(v.number()),
  p95: v.exactOptional(v.number()),
  p99: v.exactOptional(v.number()),
});
const balancer = v.object({ requests: v.number(), errors: v.number() });
const schema = v.object({
  version: v.literal(1),
  at: v.string(),
  connections: v.picklist(['keep', 'new']),
  endpoints: v.record(v.string(), figures),
  'load-balancer': v.exactOptional(balancer),
});

/** What served before the deployment, in numbers. */
export type Baseline = v.InferOutput<typeof schema>;

export function baselineText(
  at: number,
  connections: 'keep' | 'new',
  endpoints: ReadonlyMap<string, Figures>,
  loadBalancer: { requests: number; errors: number } | undefined,
): string {
  const rounded = (ms: number | undefined) => (ms === undefined ? undefined : Math.round(ms * 100) / 100);
  const entries = [...endpoints].map(([name, { samples, failed, p50, p95, p99 }]) => [
    name,
    { samples, failed, p50: rounded(p50), p95: rounded(p95), p99: rounded(p99) },
  ]);
  const baseline = {
    version: 1,
    at: new Date(at).toISOString(),
    connections,
    endpoints: Object.fromEntries(entries),
    ...(loadBalancer && { 'load-balancer': loadBalancer }),
  };
  return JSON.stringify(baseline);
}

/** @throws Problem for a text that is no baseline: comparing with nothing would pass anything */
export function parseBaseline(text: string): Baseline {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    data = undefined;
  }
  const result = v.safeParse(schema, data);
  if (result.success) return result.output;
  throw new Problem({
    what: "input 'baseline'",
    seen: text.slice(0, 200),
    cause: 'it is neither a baseline that this action recorded nor the path of one',
    fix: 'Pass the output `baseline` (or `baseline-file`) of a step with `operation: baseline` that ran before the deployment',
  });
}
