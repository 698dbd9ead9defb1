import type { LegReport } from '../../../lib/leg/leg.ts';
import { readOutputs, type TerraformOutputs } from '../outputs.ts';
import { outputsSection } from '../report/summary.ts';
import { report } from './reporting.ts';
import type { RunPorts, Settings } from './settings.ts';

export async function output(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const outputs = await outputsOf(ports);
  const body = outputsSection(outputs.plain, outputs.sensitive) || 'No outputs.\n\n';
  return report(settings, { status: 'succeeded', cause: '' }, body, { outputs });
}

/** The outputs, the sensitive ones masked before anybody could print them. */
export async function outputsOf({ terraform, log }: Pick<RunPorts, 'terraform' | 'log'>): Promise<TerraformOutputs> {
  const outputs = readOutputs(await terraform.output());
  for (const secret of outputs.secrets) log.mask(secret);
  return outputs;
}
