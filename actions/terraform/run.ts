import { Problem } from '../../lib/errors.ts';
import type { LegReport } from '../../lib/leg/leg.ts';
import { change } from './operations/apply.ts';
import { drift } from './operations/drift.ts';
import { output } from './operations/output.ts';
import { planOnly } from './operations/plan.ts';
import { refused } from './operations/reporting.ts';
import type { RunPorts, Settings } from './operations/settings.ts';
import { status } from './operations/status.ts';
import { unlock } from './operations/unlock.ts';
import { validate } from './operations/validate.ts';
import { checkKey } from './saved/seal.ts';

/**
 * Runs one operation in one root.
 * @throws Problem for a wrong input, a cancellation and a Terraform that cannot be run; what Terraform refuses is a report.
 */
export async function run(settings: Settings, ports: RunPorts): Promise<LegReport> {
  checkConfirmation(settings);
  checkApproval(settings);
  // Before anything is asked, so that a plan of minutes is not thrown away.
  if (settings.savePlan !== '') checkKey(settings.planKey);
  const { terraform, log } = ports;
  const { operation } = settings;
  log.info(`${terraform.product} ${terraform.version}: ${operation} in ${settings.root}`);
  const backend = operation !== 'validate';
  const init = await log.group('terraform init', () =>
    terraform.init({ backend, backendConfig: settings.backendConfig }),
  );
  if (!init.ok) return refused(settings, init.diagnostics, 'init');
  const operations = { validate, output, plan: planOnly, drift, status, unlock, apply: change, destroy: change };
  return operations[operation](settings, ports);
}

/** Fails closed: a workflow that forgot to hand the approval on must not apply what nobody has seen. */
function checkApproval({ operation, planKey, plan, component }: Settings): void {
  if (operation !== 'apply' || planKey === '' || plan !== '') return;
  throw new Problem({
    what: component === '' ? "input 'plan'" : `component '${component}'`,
    cause: 'it has a plan-key, so only a plan that was saved and approved is applied, and none was given',
    fix: "Call plan.yml before the approval and hand its output 'plans' to pipeline.yml as 'approved'; or take plan-key away where nobody approves",
    kind: 'denied',
  });
}

const CONFIRMED = { destroy: 'destroy it', unlock: 'take its lock away' } as const;

function checkConfirmation({ operation, confirm, environment }: Settings): void {
  if (operation !== 'destroy' && operation !== 'unlock') return;
  if (environment !== '' && confirm === environment) return;
  throw new Problem({
    what: "input 'confirm'",
    seen: confirm,
    cause:
      environment === ''
        ? `there is no environment to ${operation}`
        : `it is not the environment's name, '${environment}'`,
    fix:
      environment === ''
        ? "Set 'environment', and 'confirm' to the same"
        : `Type ${environment} to ${CONFIRMED[operation]}`,
  });
}
