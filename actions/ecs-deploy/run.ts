import { Problem } from '../../lib/errors.ts';
import type { Report } from '../../lib/report.ts';
import { continueDeployment } from './continue.ts';
import { deploy } from './deploy.ts';
import { familyStatus } from './family-status.ts';
import type { EcsDeployInputs } from './inputs.ts';
import { deployMany } from './many/deploy-many.ts';
import { settled } from './moved.ts';
import type { EcsDeployPorts } from './ports.ts';
import { registerOnly } from './register.ts';
import { renderFile, renderInstead } from './render-file.ts';
import { isRenderStep } from './render-step.ts';
import { rollback } from './rollback.ts';
import { status } from './status.ts';

const OPERATIONS = {
  deploy,
  continue: continueDeployment,
  rollback,
  status,
  register: registerOnly,
  render: renderFile,
};
/** The inputs without which an operation has nothing to work on. */
const NEEDS: Readonly<Record<keyof typeof OPERATIONS, readonly ('cluster' | 'service')[]>> = {
  deploy: ['cluster', 'service'],
  continue: ['cluster', 'service'],
  rollback: ['cluster', 'service'],
  status: ['cluster', 'service'],
  register: [],
  render: [],
};

/**
 * Deploys a revision to an ECS service (or to several), sets the service back, tells what it runs, or registers or renders a
 * definition alone.
 * @throws Problem for wrong inputs and for what fails before the service was touched; every later end is an outcome.
 */
export async function run(given: EcsDeployInputs, ports: EcsDeployPorts): Promise<Report> {
  const inputs = settled(given, ports.log);
  if (isRenderStep(given, ports.namesNoService ?? false)) return renderInstead(inputs, ports);
  if (inputs.services && inputs.operation === 'deploy') return deployMany(inputs, inputs.services, ports);
  if (inputs.operation === 'status' && inputs.service === '' && inputs['task-definition'] !== '')
    return familyStatus(inputs, ports);
  const lacking = NEEDS[inputs.operation].filter((name) => inputs[name] === '');
  if (lacking.length > 0) throw missing(lacking, inputs.operation);
  return OPERATIONS[inputs.operation](inputs, ports);
}

function missing(names: readonly ('cluster' | 'service')[], operation: EcsDeployInputs['operation']): Problem {
  const inputs = names.map((name) => `\`${name}\``).join(' and ');
  const renders = operation === 'deploy' && names.length === 2;
  const more = renders ? '; to write the definition to a file alone, set `operation: render`' : '';
  return new Problem({
    what: names.length === 2 ? "inputs 'cluster' and 'service'" : `input '${names[0]}'`,
    cause:
      'it is required and was not given, and no component gives it; the expression of a variable that is not set is empty as well',
    fix: `Set ${inputs} (look at the variable behind it), or \`component\` with ${names.map((n) => `\`deploy.${n}\``).join(' and ')} in the config file${more}`,
  });
}
