import { bool, componentInputs, duration, type Inputs, keyValues, lines, list, oneOf, text } from '../../lib/inputs.ts';
import { LEDGER_KINDS } from '../../lib/ledger/open.ts';

export const OPERATIONS = ['validate', 'plan', 'apply', 'destroy', 'output', 'drift'] as const;
export type Operation = (typeof OPERATIONS)[number];

export const fields = {
  ...componentInputs,
  operation: oneOf(OPERATIONS, 'plan'),
  root: text(),
  vars: keyValues(),
  'var-files': list(),
  'backend-config': lines(),
  plan: text(),
  confirm: text(),
  'lock-timeout': duration('5m'),
  'fail-on-drift': bool(true),
  tool: oneOf(['auto', 'terraform', 'tofu'], 'auto'),
  version: text(),
  mirror: text(),
  force: list(),
  ledger: oneOf(LEDGER_KINDS, 'github'),
  token: text(),
  'result-directory': text(),
} as const;

export type TerraformInputs = Inputs<typeof fields>;
