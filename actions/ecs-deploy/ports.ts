import type { Clock } from '../../lib/clock.ts';
import type { EcsApi } from '../../lib/ecs/api.ts';
import type { Ledger } from '../../lib/ledger/ledger.ts';
import type { Log } from '../../lib/log.ts';
import type { CodeDeployApi } from './codedeploy/api.ts';
import type { Evidence } from './evidence.ts';
import type { RolloutNote } from './note.ts';
import type { Account } from './preflight/account.ts';
import type { TaskLogs } from './tasks/logs.ts';

/** What a run reaches the world with. */
export interface EcsDeployPorts {
  ecs: EcsApi;
  evidence: Evidence;
  /** For services that CodeDeploy deploys; its client is loaded with the first call. */
  codeDeploy?: CodeDeployApi | undefined;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Reads a text file by its path in the workspace. */
  readText(path: string): Promise<string>;
  /** Opens the ledger that the input names. Only a rollback asks it, so that nothing of it is loaded before. */
  openLedger?: (() => Promise<Ledger>) | undefined;
  /** Keeps for the post step how far a rollout has come; without it nothing is finished after a run that was cut. */
  remember?: ((note: RolloutNote) => void) | undefined;
  /** Writes a text file for later steps. @returns its path */
  writeText?(name: string, text: string): Promise<string>;
  /** What preflight may ask of the account; without it only what is written can be judged. */
  account?: (Account & { region: string }) | undefined;
  /** The step writes neither `cluster` nor `service`, not even as an expression that is empty. */
  namesNoService?: boolean | undefined;
  /** Reads the logs of tasks that run beside the deployment; without it they are not shown. */
  taskLogs?: TaskLogs | undefined;
}
