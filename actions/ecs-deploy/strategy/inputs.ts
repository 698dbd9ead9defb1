import * as v from 'valibot';
import { list, oneOf, parseDuration, text, yamlValue } from '../../../lib/inputs.ts';
import { isPauseStage, LIFECYCLE_STAGES, STAGES, type WaitFor } from '../deployment/stages.ts';

/** The strategies as inputs write them; ECS writes BLUE_GREEN. */
export const STRATEGIES = ['rolling', 'blue-green', 'linear', 'canary'] as const;
export type Strategy = (typeof STRATEGIES)[number];

// A message is "cause|fix", as lib/inputs.ts puts it together.
const trimmed = v.pipe(v.string(), v.trim());
const LONGEST_MINUTES = 1440;

/** One of the words, or undefined when it was not given. */
function choice<const T extends readonly string[]>(values: T) {
  const choices = values.join(', ');
  return v.pipe(
    trimmed,
    v.check((s) => s === '' || values.includes(s), `it is none of ${choices}|Write one of ${choices}`),
    v.transform((s) => (s === '' ? undefined : (s as T[number]))),
  );
}

/** A duration in whole minutes, as ECS counts bake times; undefined when it was not given. */
function minutes() {
  const inMinutes = (s: string) => (parseDuration(s) ?? Number.NaN) / 60_000;
  const valid = (s: string) => Number.isInteger(inMinutes(s)) && inMinutes(s) <= LONGEST_MINUTES;
  return v.pipe(
    trimmed,
    v.check(
      (s) => s === '' || valid(s),
      'it is no duration of whole minutes up to 24h, and ECS counts in minutes|Write for instance 5m or 1h30m',
    ),
    v.transform((s) => (s === '' ? undefined : inMinutes(s))),
  );
}

/** A percentage in steps of 0.1, as the ECS API takes it; undefined when it was not given. */
function percent(least: number) {
  const range = `from ${least} to 100 in steps of 0.1`;
  return v.pipe(
    trimmed,
    v.check(
      (s) => s === '' || (/^\d+(?:\.\d)?$/.test(s) && +s >= least && +s <= 100),
      `it is no percentage ${range}|Write a number ${range}, for instance 10`,
    ),
    v.transform((s) => (s === '' ? undefined : Number(s))),
  );
}

const stage = v.picklist(LIFECYCLE_STAGES, `it is no lifecycle stage; the stages are ${LIFECYCLE_STAGES.join(', ')}`);
const minute = v.pipe(v.number(), v.integer('it is no whole number of minutes'), v.minValue(1, 'it is below 1 minute'));

/** ECS's own shape of a hook, checked for what ECS would refuse; members that are newer than this action are kept. */
const hook = v.pipe(
  v.looseObject({
    targetType: v.optional(v.picklist(['AWS_LAMBDA', 'PAUSE'], 'it is neither AWS_LAMBDA nor PAUSE')),
    hookTargetArn: v.optional(v.string()),
    roleArn: v.optional(v.string()),
    lifecycleStages: v.pipe(v.array(stage), v.minLength(1, 'a hook needs at least one of `lifecycleStages`')),
    timeoutConfiguration: v.optional(
      v.looseObject({
        timeoutInMinutes: v.optional(minute),
        action: v.optional(v.picklist(['CONTINUE', 'ROLLBACK'], 'it is neither CONTINUE nor ROLLBACK')),
      }),
    ),
  }),
  v.check(
    (h) => h.targetType === 'PAUSE' || h.hookTargetArn !== undefined,
    'a Lambda hook needs `hookTargetArn` (write `targetType: PAUSE` for a pause)',
  ),
  v.check(
    (h) => h.targetType !== 'PAUSE' || h.lifecycleStages.every(isPauseStage),
    'ECS cannot pause at TEST_TRAFFIC_SHIFT or PRODUCTION_TRAFFIC_SHIFT; name the stage before or after it',
  ),
);

/** completed, healthy, paused, or a lifecycle stage: in ECS's own spelling, or as blue-green is written here (bake-time). */
function waitFor() {
  const choices = ['completed', 'healthy', 'paused', ...STAGES];
  const spelled = (s: string) =>
    s === '' ? 'completed' : /^(?:completed|healthy|paused)$/.test(s) ? s : s.toUpperCase().replaceAll('-', '_');
  return v.pipe(
    trimmed,
    v.transform(spelled),
    v.check((s) => choices.includes(s), `it is none of ${choices.join(', ')}|Write one of ${choices.join(', ')}`),
    v.transform((s) => s as WaitFor),
  );
}

export const strategyFields = {
  strategy: choice(STRATEGIES),
  'bake-time': minutes(),
  'canary-percent': percent(0.1),
  'canary-bake-time': minutes(),
  'linear-step-percent': percent(3),
  'linear-step-bake-time': minutes(),
  'lifecycle-hooks': yamlValue(v.array(hook), 'a list of hooks'),
  'rollback-alarms': list(),
  'wait-for': waitFor(),
  deployment: text(),
  answer: oneOf(['continue', 'rollback'], 'continue'),
} as const;
