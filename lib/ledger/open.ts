import type { GitHubContext } from '../context.ts';
import { Problem } from '../errors.ts';
import { github } from '../github/client.ts';
import { processes } from '../process.ts';
import { gitLedger } from './git.ts';
import { githubLedger } from './github.ts';
import type { LedgerKind } from './kinds.ts';
import type { Ledger, LedgerHistory } from './ledger.ts';

export { LEDGER_KINDS, type LedgerKind } from './kinds.ts';

export interface OpenLedgerOptions {
  kind: LedgerKind;
  token: string;
  context: GitHubContext;
  signal?: AbortSignal | undefined;
}

/** The ledger that an action's `ledger` input names. @throws Problem when GitHub is asked for without a token. */
export function openLedger({ kind, token, context, signal }: OpenLedgerOptions): Ledger & LedgerHistory {
  if (kind === 'none') return { read: async () => new Map(), survey: async () => [], record: async () => undefined };
  if (kind === 'git') {
    const credentials = { serverUrl: context.serverUrl, token };
    return gitLedger({ processes: processes(), cwd: context.workspace, credentials, signal });
  }
  if (token === '') {
    throw new Problem({
      what: "input 'token'",
      cause: 'the ledger is kept as GitHub Deployments, and no token was given',
      fix: 'Pass `token: ${{ github.token }}` and `permissions: deployments: write`, or choose `ledger: git` or `ledger: none`',
    });
  }
  return githubLedger(github({ context, token, signal }), context);
}
