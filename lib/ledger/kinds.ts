/** The stores that a ledger can be kept in. Apart from them, so that reading an input loads no client. */
export const LEDGER_KINDS = ['github', 'git', 'none'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];
