import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '../../lib/errors.ts';
import { github } from '../../lib/github/client.ts';
import { lastDeployed } from '../../lib/ledger/ledger.ts';
import type { LegPorts, LegReport } from '../../lib/leg/leg.ts';
import { referencePorts } from '../../lib/leg/references.ts';
import { processes } from '../../lib/process.ts';
import type { Edge } from '../../lib/runner.ts';
import { escapeText, heading } from '../../lib/summary.ts';
import { findOnPath } from '../../lib/tools/install.ts';
import { terraformBinary } from './binary.ts';
import type { TerraformInputs } from './inputs.ts';
import { run } from './run.ts';
import { readSettings } from './settings.ts';
import { environmentFor, openTerraform } from './terraform.ts';

/**
 * A root that reads an output of one that was never applied cannot be planned before that is. It is left out of what is approved: the
 * others are applied, and the next run plans it. @throws the error when it is another.
 */
function plannedLater({ component, 'save-plan': savePlan }: TerraformInputs, error: unknown): LegReport {
  const reference = error instanceof Problem ? (error.parts.seen ?? '') : '';
  if (!(error instanceof Problem) || savePlan === '' || !reference.startsWith('${output:')) throw error;
  const cause = `not planned: it needs ${reference}, which nothing has been applied for yet; once that is applied, a new run plans ${component}`;
  const summary = `${heading(3, `Terraform plan: ${component}`)}${escapeText(cause)}.\n\n`;
  return { outcome: { status: 'unchanged', cause }, outputs: { 'plan-digest': '' }, summary };
}

/** Builds the real ports around a run: the config file, the binary, a folder of its own for what nobody else may read. */
export async function runWith(
  inputs: TerraformInputs,
  { context, env, log, signal }: Pick<Edge, 'context' | 'env' | 'log' | 'signal'>,
  { ledger, resultDirectory, config, clock }: Pick<LegPorts, 'ledger' | 'resultDirectory' | 'config' | 'clock'>,
): Promise<LegReport> {
  const { workspace, tempDir } = context;
  const { environment, component, token } = inputs;
  const references = referencePorts({ ledger, environment, resultDirectory, env, signal, log, action: 'terraform' });
  const target = await readSettings(inputs, { workspace, config, ...references }).catch((error: unknown) =>
    plannedLater(inputs, error),
  );
  if ('outcome' in target) return target;
  const { settings, folder, vars } = target;
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
