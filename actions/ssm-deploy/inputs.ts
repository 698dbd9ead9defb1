import * as v from 'valibot';
import { componentInputs, duration, type Inputs, integer, keyValues, lines, oneOf, text } from '../../lib/inputs.ts';

const share = v.pipe(
  v.string(),
  v.trim(),
  v.check(
    (s) => /^(\d{1,3}%|\d{1,7})?$/.test(s),
    'it is neither a number nor a percentage|Write for instance 1 or 25%',
  ),
);

export const fields = {
  ...componentInputs,
  operation: oneOf(['deploy', 'rollback', 'status'], 'deploy'),
  region: text(),
  targets: lines(),
  minimum: integer({ min: 1, default: 1 }),
  image: text(),
  revision: text(),
  name: text(),
  port: text(),
  'environment-variables': keyValues(),
  secrets: keyValues(),
  volumes: lines(),
  network: text(),
  memory: text(),
  order: oneOf(['stop-first', 'start-first'], 'stop-first'),
  'stable-for': duration('5s'),
  'healthy-within': duration('2m'),
  timeout: duration('15m'),
  'max-concurrency': share,
  'max-errors': share,
} as const;

export type SsmInputs = Inputs<typeof fields>;
