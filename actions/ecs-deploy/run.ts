import type { Clock } from '../../lib/clock.ts';
import type { EcsApi } from '../../lib/ecs/api.ts';
import { Problem } from '../../lib/errors.ts';
import type { Ledger } from '../../lib/ledger/ledger.ts';
import type { Log } from '../../lib/log.ts';
import type { Report } from '../../lib/report.ts';
import type { CodeDeployApi } from './codedeploy/api.ts';
import { continueDeployment } from './continue.ts';
import { deploy } from './deploy.ts';
import type { Evidence } from './evidence.ts';
import type { EcsDeployInputs } from './inputs.ts';
import type { RolloutNote } from './note.ts';
import { rollback } from './rollback.ts';
import { status } from './status.ts';

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
}

const OPERATIONS = { deploy, continue: continueDeployment, rollback, status };

/**
 * Deploys a revision to an ECS service, sets the service back, or tells what it runs.
 * @throws Problem for wrong inputs and for what fails before the service was touched; every later end is an outcome.
 */
export async function run(inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<Report> {
  for (const name of ['cluster', 'service'] as const) if (inputs[name] === '') throw missing(name);
  return OPERATIONS[inputs.operation](inputs, ports);
}

function missing(name: 'cluster' | 'service'): Problem {
  return new Problem({
    what: `input '${name}'`,
    cause: 'it is required and was not given, and no component gives it',
    fix: `Set \`${name}\`, or \`component\` with a \`deploy.${name}\` in the config file`,
  });
}
