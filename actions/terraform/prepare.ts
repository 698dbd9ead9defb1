import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { github } from '../../lib/github/client.ts';
import { lastDeployed } from '../../lib/ledger/ledger.ts';
import type { LegPorts, LegReport } from '../../lib/leg/leg.ts';
import { referencePorts } from '../../lib/leg/references.ts';
import { processes } from '../../lib/process.ts';
import type { Edge } from '../../lib/runner.ts';
import { findOnPath } from '../../lib/tools/install.ts';
import { terraformBinary } from './binary.ts';
import type { TerraformInputs } from './inputs.ts';
import { run } from './run.ts';
import { readSettings } from './settings.ts';
import { environmentFor, openTerraform } from './terraform.ts';

/** Builds the real ports around a run: the config file, the binary, a folder of its own for what nobody else may read. */
export async function runWith(
  inputs: TerraformInputs,
  { context, env, log, signal }: Pick<Edge, 'context' | 'env' | 'log' | 'signal'>,
  { ledger, resultDirectory, config, clock }: Pick<LegPorts, 'ledger' | 'resultDirectory' | 'config' | 'clock'>,
): Promise<LegReport> {
  const { workspace, tempDir } = context;
  const { environment, component, token } = inputs;
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
    if (settings.planKey !== '') log.mask(settings.planKey);
    const { repository, sha: commit, runId, runAttempt, actor } = context;
    return await run(settings, {
      terraform,
      log,
      tempDir,
      tools: { ...ports, env: childEnv, find: (tool) => findOnPath(tool, env) },
      github: token === '' ? undefined : { client: github({ context, token, signal }), context, log },
      identity: { repository: repository.slug, commit, runId, runAttempt, actor },
      now: () => clock.now(),
      lastApplied: async () =>
        component === '' ? undefined : lastDeployed((await ledger.read(environment, [component])).get(component)),
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
