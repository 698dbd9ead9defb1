import { type LedgerEntry, lastDeployed } from '../../lib/ledger/ledger.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { deploy } from './deploy.ts';
import type { ShipPorts } from './ports.ts';
import type { Shipment } from './shipment.ts';

/**
 * Builds what runs once more where its images have aged (a base image moved, `max-age`, a fixable finding), and ships what
 * became of it. It is started by a clock, so nothing that a person has not shipped may travel with it: content or settings
 * that differ from what runs, such as those of a push that was rolled back, are left to the pipeline.
 */
export async function refresh(shipment: Shipment, ports: ShipPorts): Promise<Outcome> {
  const { component, environment } = shipment.inputs;
  const running = await newest(environment, component, ports);
  if (!running) return left(`the ledger holds no deployment of ${component} in ${environment} that could be refreshed`);
  const from = ports.config.environment.after;
  const source = from === undefined ? ports.context.sha : (await newest(from, component, ports))?.commit;
  if (source === undefined) return left(`${from} holds no verified deployment to promote`);
  if (source !== running.commit && !(await ports.sameContent(source, running.commit)))
    return left(`commit ${short(source)} has other content than ${short(running.commit)}, which runs`);
  if (running.images && running.releaseFingerprint !== undefined) {
    const settings = await ports.steps.fingerprint(await ports.steps.promoted(running));
    if (settings !== running.releaseFingerprint)
      return left(`the settings of the deployment differ from those that ${short(running.commit)} was deployed with`);
  }
  return deploy(shipment, ports);
}

async function newest(environment: string, component: string, { ledger }: ShipPorts): Promise<LedgerEntry | undefined> {
  return lastDeployed((await ledger.read(environment, [component])).get(component));
}

const short = (commit: string) => commit.slice(0, 12);

function left(why: string): Outcome {
  return {
    status: 'unchanged',
    cause: `not refreshed: ${why}`,
    next: 'Deploy it with the pipeline; a refresh ships only newer builds of what runs',
  };
}
