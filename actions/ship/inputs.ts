import { componentInputs, type Inputs, list, oneOf, required, secret, text } from '../../lib/inputs.ts';
import { LEDGER_KINDS } from '../../lib/ledger/open.ts';

export const OPERATIONS = ['deploy', 'refresh', 'rollback', 'status', 'record'] as const;

export const fields = {
  ...componentInputs,
  component: required('web, a component of the config file'),
  environment: required('dev, an environment of the config file'),
  operation: oneOf(OPERATIONS, 'deploy'),
  force: list(),
  ledger: oneOf(LEDGER_KINDS, 'github'),
  token: secret(text()),
  'result-directory': text(),
  'task-definition': text(),
  webhook: secret(text()),
} as const;

export type ShipInputs = Inputs<typeof fields>;
