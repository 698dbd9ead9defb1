import { messageOf } from '../../../lib/errors.ts';
import { jsonOf, type ToolPorts } from './tool.ts';

/** What a plan changes in the bill, as texts of a month's costs. */
export interface Cost {
  before: string;
  after: string;
  /** With its sign. */
  difference: string;
  currency: string;
}

/**
 * Asks infracost where it is installed and has its key; undefined otherwise. A plan is never refused for lack of a price, so what
 * goes wrong here is a warning.
 * @param planJson file with `show -json` of the plan
 */
export async function infracost(planJson: string, folder: string, ports: ToolPorts): Promise<Cost | undefined> {
  const program = ports.env.INFRACOST_API_KEY ? await ports.find('infracost') : undefined;
  if (program === undefined) return undefined;
  try {
    const argv = ['breakdown', `--path=${planJson}`, '--format=json', '--no-color'];
    return readInfracost(await jsonOf([program, ...argv], folder, ports));
  } catch (error) {
    if (ports.signal.aborted) throw error;
    ports.log.warning(`What the plan costs is not known: ${messageOf(error)}`);
    return undefined;
  }
}

interface Output {
  currency?: string;
  totalMonthlyCost?: string | null;
  pastTotalMonthlyCost?: string | null;
  diffTotalMonthlyCost?: string | null;
}

/** Source: infracost/infracost, schema/infracost.schema.json. */
export function readInfracost(json: unknown): Cost {
  const { currency, totalMonthlyCost, pastTotalMonthlyCost, diffTotalMonthlyCost } = json as Output;
  const amount = (text: string | null | undefined) => Number(text ?? 0);
  const difference = amount(diffTotalMonthlyCost);
  return {
    before: amount(pastTotalMonthlyCost).toFixed(2),
    after: amount(totalMonthlyCost).toFixed(2),
    difference: `${difference < 0 ? '' : '+'}${difference.toFixed(2)}`,
    currency: currency || 'USD',
  };
}
