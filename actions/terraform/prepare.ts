import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LegPorts, LegReport } from '../../lib/leg/leg.ts';
import { referencePorts } from '../../lib/leg/references.ts';
import { processes } from '../../lib/process.ts';
import type { Edge } from '../../lib/runner.ts';
import { terraformBinary } from './binary.ts';
import type { TerraformInputs } from './inputs.ts';
import { run } from './run.ts';
import { readSettings } from './settings.ts';
import { environmentFor, openTerraform } from './terraform.ts';

/** Builds the real ports around a run: the config file, the binary, a folder of its own for what nobody else may read. */
export async function runWith(
  inputs: TerraformInputs,
  { context, env, log, signal }: Pick<Edge, 'context' | 'env' | 'log' | 'signal'>,
  { ledger, resultDirectory, config }: Pick<LegPorts, 'ledger' | 'resultDirectory' | 'config'>,
): Promise<LegReport> {
  const { workspace, tempDir } = context;
  const { environment } = inputs;
  const { settings, folder, vars } = await readSettings(inputs, {
    workspace,
    config,
    ...referencePorts({ ledger, environment, resultDirectory, env, signal, log, action: 'terraform' }),
  });
  const ports = { processes: processes(log), log, env, signal };
  const binary = await terraformBinary(inputs, ports);
  const pluginCache = join(env.RUNNER_TOOL_CACHE || tempDir, 'slipway-terraform-plugins');
  const scratch = await mkdtemp(join(tempDir, 'slipway-terraform-'));
  try {
    const childEnv = environmentFor(env, { vars, environment, pluginCache });
    const terraform = await openTerraform(binary, folder, { ...ports, env: childEnv, scratch });
    return await run(settings, { terraform, log, tempDir });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
