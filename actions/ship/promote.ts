import { Problem } from '../../lib/errors.ts';
import { lastDeployed } from '../../lib/ledger/ledger.ts';
import type { Report } from '../../lib/report.ts';
import { code, escapeText, heading, table } from '../../lib/summary.ts';
import type { Image, ShipPorts } from './ports.ts';
import { portable, type Shipment } from './shipment.ts';

export interface Prepared {
  report: Report;
  images: Image[];
  /** The commit that was verified in the environment before; undefined when it was built here. */
  commit?: string;
}

/**
 * The images to deploy: built here, or, in an environment that comes after another, those that the ledger holds as verified
 * there, digest by digest.
 * @throws Problem when the environment before holds none.
 */
export async function imagesFrom({ inputs }: Shipment, { config, steps, ledger }: ShipPorts): Promise<Prepared> {
  const { component } = inputs;
  const from = config.environment.after;
  if (from === undefined) return steps.build();
  const entry = lastDeployed((await ledger.read(from, [component])).get(component));
  if (!entry?.images) {
    throw new Problem({
      what: `component ${component} in environment ${inputs.environment}`,
      cause: `it is promoted from ${from}, and the ledger holds no verified deployment of it there`,
      fix: `Deploy it to ${from} first`,
      kind: 'not-found',
    });
  }
  const images = await steps.promoted(entry);
  const rows = images.map((i) => [i.container || component, code(portable(i.reference))]);
  return {
    images,
    commit: entry.commit,
    report: {
      outcome: {
        status: 'unchanged',
        cause: `verified in ${from} at ${entry.at}, commit ${entry.commit.slice(0, 12)}`,
      },
      outputs: {},
      summary: heading(3, `Promoted from ${escapeText(from)}`) + table(['Container', 'Image'], rows),
    },
  };
}
