import { bool, componentInputs, type Inputs, integer, keyValues, list, oneOf, text } from '../../lib/inputs.ts';
import { LEDGER_KINDS } from '../../lib/ledger/open.ts';

export const fields = {
  ...componentInputs,
  operation: oneOf(['validate', 'build'], 'validate'),
  template: text(),
  vars: keyValues(),
  parameter: text(),
  region: text(),
  regions: list(),
  keep: integer({ min: 1, max: 1000 }),
  'check-format': bool(true),
  plugins: text(),
  version: text(),
  mirror: text(),
  force: list(),
  ledger: oneOf(LEDGER_KINDS, 'github'),
  token: text(),
  'result-directory': text(),
} as const;

export type PackerInputs = Inputs<typeof fields>;
