import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Note } from './note.ts';
import type { Outputs } from './outputs.ts';
import type { KnownSecret } from './spec/guard.ts';
import type { Ssm } from './ssm.ts';

export interface SsmPorts {
  ssm: Ssm;
  /** Where the output of a command lies beside SSM. */
  outputs: Outputs;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Region of the hosts, for their own calls. */
  region: string;
  /** What must not travel. */
  known: readonly KnownSecret[];
  /** Keeps what the post step has to know when this process is cut. */
  remember(note: Note): void;
}
