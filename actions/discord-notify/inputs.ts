import * as v from 'valibot';
import {
  bool,
  componentInputs,
  duration,
  type Inputs,
  lines,
  list,
  oneOf,
  secret,
  text,
  yamlValue,
} from '../../lib/inputs.ts';

const needsSchema = v.record(
  v.string(),
  // act writes null for the outputs of a job that did not run, where GitHub writes {}.
  v.object({ result: v.string(), outputs: v.nullish(v.record(v.string(), v.string()), {}) }),
);

export const fields = {
  environment: componentInputs.environment,
  webhook: secret(lines()),
  // By place: the n-th is of the n-th webhook, and may be empty.
  'message-id': v.pipe(
    v.string(),
    v.transform((s) => s.split(',').map((id) => id.trim())),
  ),
  title: text(),
  status: oneOf(['', 'started', 'succeeded', 'failed', 'cancelled'], ''),
  needs: yamlValue(needsSchema, 'JSON'),
  results: text(),
  mention: list(),
  token: secret(text()),
  'time-limit': duration('10s'),
  'fail-on-error': bool(false),
  'dry-run': bool(false),
} as const;

export type NotifyInputs = Inputs<typeof fields>;
