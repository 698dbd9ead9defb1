import {
  bool,
  componentInputs,
  duration,
  type Inputs,
  integer,
  keyValues,
  lines,
  list,
  oneOf,
  secret,
  text,
} from '../../lib/inputs.ts';
import { LEDGER_KINDS } from '../../lib/ledger/open.ts';

export const OPERATIONS = ['validate', 'plan', 'apply', 'destroy', 'output', 'drift', 'status', 'unlock'] as const;
export type Operation = (typeof OPERATIONS)[number];

export const fields = {
  ...componentInputs,
  operation: oneOf(OPERATIONS, 'plan'),
  root: text(),
  vars: keyValues(),
  'var-files': list(),
  'backend-config': lines(),
  plan: text(),
  'plan-digest': text(),
  'plan-key': secret(text()),
  'save-plan': text(),
  values: bool(true),
  comment: bool(false),
  issue: bool(false),
  lint: bool(true),
  policy: text(),
  protected: lines(),
  'max-destroy': integer(),
  confirm: text(),
  'lock-id': text(),
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
