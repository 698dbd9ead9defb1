import * as v from 'valibot';
import { bool, componentInputs, type Inputs, list, oneOf, secret, text } from '../../lib/inputs.ts';
import { LEDGER_KINDS } from '../../lib/ledger/open.ts';
import { LIST_FORMATS } from './lists.ts';

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

export const fields = {
  environment: componentInputs.environment,
  config: componentInputs.config,
  base: v.pipe(
    text('ledger'),
    v.check(
      (s) => s === 'ledger' || s === 'event' || COMMIT.test(s),
      'it is neither ledger, event nor a full commit id|Write ledger, event, or all 40 (or 64) hexadecimal digits of a commit',
    ),
  ),
  force: list(),
  'on-unknown': oneOf(['all', 'error'], 'all'),
  ledger: oneOf(LEDGER_KINDS, 'github'),
  token: secret(text()),
  filters: text(),
  'list-files': oneOf(LIST_FORMATS, 'none'),
  fingerprints: bool(false),
} as const;

export type ChangesInputs = Inputs<typeof fields>;
