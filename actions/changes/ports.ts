import type { GitHubContext } from '../../lib/context.ts';
import type { Git } from '../../lib/git/repository.ts';
import type { Ledger } from '../../lib/ledger/ledger.ts';
import type { Log } from '../../lib/log.ts';
import type { Compare } from './compare-api.ts';
import type { Files } from './lists.ts';

export interface ChangesPorts {
  git: Git;
  /** Opened only when the ledger is asked. */
  ledger(): Promise<Ledger>;
  compare: Compare;
  /** Text of a file of the checkout, or undefined when there is none. */
  readFile(path: string): Promise<string | undefined>;
  /** Keeps files for later steps, and tells the folder. */
  writeFiles(files: Files): Promise<string>;
  /** An input as it was written, spaces and all; '' when not given. */
  rawInput(name: string): string;
  context: GitHubContext;
  log: Log;
}
