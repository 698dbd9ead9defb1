import * as v from 'valibot';
import { Problem } from '../../lib/errors.ts';
import { bool, componentInputs, type Inputs, list, oneOf, secret, text } from '../../lib/inputs.ts';
import type { LedgerKind } from '../../lib/ledger/open.ts';
import { LIST_FORMATS } from './lists.ts';

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

// Named here too, since the module that opens them brings the API's client, which most runs do not need.
const LEDGERS = ['github', 'git', 'none'] as const satisfies readonly LedgerKind[];

function commit() {
  return v.pipe(
    text(),
    v.check((s) => s === '' || COMMIT.test(s), 'it is no full commit id|Write all 40 (or 64) hexadecimal digits'),
  );
}

export const fields = {
  environment: componentInputs.environment,
  config: componentInputs.config,
  base: text('ledger'),
  force: list(),
  'on-unknown': oneOf(['all', 'error'], 'all'),
  ledger: oneOf(LEDGERS, 'github'),
  token: secret(text()),
  filters: text(),
  'list-files': oneOf([...LIST_FORMATS, 'csv', 'shell', 'escape'], 'none'),
  fingerprints: bool(false),
  compatibility: oneOf(['none', 'paths-filter', 'changed-files'], 'none'),
  ref: text(),
  'predicate-quantifier': oneOf(['some', 'every'], 'some'),
  files: text(),
  files_yaml: text(),
  files_ignore: text(),
  base_sha: commit(),
  sha: commit(),
  json: bool(false),
} as const;

export type ChangesInputs = Inputs<typeof fields>;

/** What means something else, or nothing, without `compatibility`. @throws Problem that names the input. */
export function checkOwnMode({ base, 'list-files': format }: ChangesInputs): void {
  if (base !== 'ledger' && base !== 'event' && !COMMIT.test(base)) {
    const cause = 'it is neither ledger, event nor a full commit id';
    const fix = 'Write ledger, event, or all 40 (or 64) hexadecimal digits of a commit';
    throw new Problem({ what: "input 'base'", seen: base, cause, fix });
  }
  if ((LIST_FORMATS as readonly string[]).includes(format)) return;
  const cause = 'a list of names that strangers choose is given as data, never as text that is parsed again';
  throw new Problem({
    what: "input 'list-files'",
    seen: format,
    cause,
    fix: `Write one of ${LIST_FORMATS.join(', ')}`,
  });
}
