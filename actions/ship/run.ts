import { messageOf } from '../../lib/errors.ts';
import type { Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { deploy } from './deploy.ts';
import type { ShipInputs } from './inputs.ts';
import { Journal, outcomeOf } from './journal.ts';
import type { ShipPorts } from './ports.ts';
import { refresh } from './refresh.ts';
import { rollback } from './rollback.ts';
import { identityOf, newShipment, portable, resultOf, type Shipment } from './shipment.ts';
import { record, status } from './status.ts';
import { summaryOf } from './summary.ts';

const OPERATIONS = { deploy, refresh, rollback, status, record };

/** Ships one component to one environment, or goes back, or tells or records what runs. Every end leaves a result file. */
export async function run(inputs: ShipInputs, ports: ShipPorts): Promise<Report> {
  const shipment = newShipment(inputs, new Journal(ports.clock, ports.log), ports);
  let outcome: Outcome;
  try {
    outcome = await OPERATIONS[inputs.operation](shipment, ports);
  } catch (error) {
    outcome = outcomeOf(error);
    ports.log.debug(messageOf(error instanceof Error ? (error.cause ?? error) : error));
  }
  await ports.saveResult(resultOf(shipment, outcome, ports));
  return reportOf(shipment, outcome, ports);
}

function reportOf(shipment: Shipment, outcome: Outcome, ports: ShipPorts): Report {
  const { images, blocked, annotations, inputs } = shipment;
  const { digest, revision } = identityOf(images);
  const [first] = images;
  if (blocked !== '')
    annotations.push({ level: 'warning', title: `${inputs.component} was not shipped`, message: outcome.cause });
  return {
    outcome,
    outputs: {
      image: first ? portable(first.reference) : '',
      digest,
      revision,
      'release-fingerprint': shipment.releaseFingerprint,
      'task-definition-arn': shipment.taskDefinition,
      'blocked-by': blocked,
      ...shipment.outputs,
    },
    summary: summaryOf(shipment, outcome, ports),
    annotations,
  };
}
