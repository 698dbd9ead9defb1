import { bool, componentInputs, duration, type Inputs, integer, lines, text, yamlValue } from '../../lib/inputs.ts';
import { expectSchema } from './expect.ts';

export const fields = {
  ...componentInputs,
  url: lines(),
  expect: yamlValue(expectSchema),
  revision: text(),
  digest: text(),
  timeout: duration('5m'),
  interval: duration('2s'),
  'attempt-timeout': duration('10s'),
  successes: integer({ min: 1, max: 1000, default: 3 }),
  'fail-fast': bool(true),
} as const;

export type VerifyInputs = Inputs<typeof fields>;
