import type { Report } from '../../lib/report.ts';
import { type Context, contextOf } from './context.ts';
import { deploy } from './deploy.ts';
import { logs, prune, restart } from './errands.ts';
import type { Operation, SsmInputs } from './inputs.ts';
import type { SsmPorts } from './ports.ts';
import { rollback } from './rollback.ts';
import { status } from './status.ts';

const OPERATIONS: Readonly<Record<Operation, (context: Context, ports: SsmPorts) => Promise<Report>>> = {
  deploy,
  rollback,
  status,
  restart,
  logs,
  prune,
};

/**
 * Carries an operation out on the hosts that the inputs name.
 * @throws Problem for wrong inputs and for what fails before a host was sent anything; every later end is an outcome.
 */
export async function run(inputs: SsmInputs, ports: SsmPorts): Promise<Report> {
  return OPERATIONS[inputs.operation](contextOf(inputs, ports), ports);
}
