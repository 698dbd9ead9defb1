import type { LedgerEntry } from '../../../lib/ledger/ledger.ts';
import type { Log } from '../../../lib/log.ts';
import type { ToolPorts } from '../checks/tool.ts';
import type { GitHubPlace } from '../github/place.ts';
import type { Operation } from '../inputs.ts';
import type { Limits } from '../plan/limits.ts';
import type { Terraform } from '../terraform.ts';

export interface Settings {
  operation: Operation;
  /** '' when the action is used by itself. */
  component: string;
  /** Folder of the root, relative to the workspace: how messages name it. */
  root: string;
  /** The same folder, absolute. */
  folder: string;
  environment: string;
  varFiles: readonly string[];
  backendConfig: readonly string[];
  /** A saved plan to apply; '' makes one. */
  plan: string;
  /** SHA-256 of the saved plan that was approved; '' where nobody had to. */
  planDigest: string;
  /** Where to save the plan, encrypted; '' for not at all. */
  savePlan: string;
  planKey: string;
  /** Input variables and the contents of variable files by name: what a plan depends on beside the configuration. */
  planInputs: Readonly<Record<string, string>>;
  confirm: string;
  lockId: string;
  lockTimeoutMs: number;
  failOnDrift: boolean;
  /** Whether values are shown where they are not sensitive. */
  values: boolean;
  lint: boolean;
  /** Folder with policies, absolute; '' for none. */
  policy: string;
  limits: Limits;
  /** Whether a plan is written into the pull request, and drift into an issue. */
  comment: boolean;
  issue: boolean;
}

/** Who and where this run is. */
export interface RunIdentity {
  repository: string;
  commit: string;
  runId: string;
  runAttempt: number;
  actor: string;
}

export interface RunPorts {
  terraform: Terraform;
  log: Log;
  /** Where plans are kept; they hold secrets, so nobody else's folder. */
  tempDir: string;
  tools: ToolPorts;
  /** Undefined without a token. */
  github: GitHubPlace | undefined;
  identity: RunIdentity;
  now(): number;
  /** What the ledger says was applied last; undefined where it says nothing. */
  lastApplied(): Promise<LedgerEntry | undefined>;
}

/** What a root is called where people read of it. */
export function nameOf({ component, root }: Pick<Settings, 'component' | 'root'>): string {
  return component || root;
}
