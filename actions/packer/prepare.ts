import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { regionFrom } from '../../lib/aws/client.ts';
import { systemClock } from '../../lib/clock.ts';
import { openGit } from '../../lib/git/repository.ts';
import { lastDeployed } from '../../lib/ledger/ledger.ts';
import { isForced, type LegPorts, type LegReport } from '../../lib/leg/leg.ts';
import { referencePorts } from '../../lib/leg/references.ts';
import { processes } from '../../lib/process.ts';
import type { Edge } from '../../lib/runner.ts';
import { findOnPath, hashicorpRelease, install } from '../../lib/tools/install.ts';
import type { Background } from './background.ts';
import { fingerprint } from './fingerprint.ts';
import { ec2Images } from './images.ts';
import type { PackerInputs } from './inputs.ts';
import { environmentFor, openPacker } from './packer.ts';
import { ssmParameters } from './parameters.ts';
import { run } from './run.ts';
import { readTarget } from './settings.ts';
import { seriesOf } from './tags.ts';

/** Installed where no version is asked for and none is on PATH. */
const DEFAULT_VERSION = '1.14.2';

/** Builds the real ports around a run. */
export async function runWith(
  inputs: PackerInputs,
  {
    context,
    env,
    log,
    signal,
    onBuild,
  }: Pick<Edge, 'context' | 'env' | 'log' | 'signal'> & { onBuild(started: Background): void },
  { ledger, resultDirectory, config }: Pick<LegPorts, 'ledger' | 'resultDirectory' | 'config'>,
): Promise<LegReport> {
  const { workspace, tempDir } = context;
  const { component, environment, operation } = inputs;
  const lookups = referencePorts({ ledger, environment, resultDirectory, env, signal, log, action: 'packer' });
  const target = await readTarget(inputs, { workspace, config, ...lookups });
  const region = regionFrom(inputs.region, env);
  const git = openGit({ processes: processes(log), workspace, tempDir, env, signal });
  const made = await fingerprint(git, { ...target, region, env }).finally(() => git.dispose());
  const isBuild = operation === 'build' && component !== '';
  const last = isBuild ? lastDeployed((await ledger.read(environment, [component])).get(component)) : undefined;
  const parameters = (where: string) => ssmParameters(where, signal);
  // A build takes minutes; that the parameter cannot be reached is better known before it, and before Packer is fetched.
  if (operation === 'build' && target.parameter !== '') await parameters(region).read(target.parameter);
  const scratch = await mkdtemp(join(tempDir, 'slipway-packer-'));
  let mayGoOn = false;
  try {
    const packer = async () => {
      const plugins = inputs.plugins && resolve(workspace, inputs.plugins);
      if (plugins !== '') await mkdir(plugins, { recursive: true });
      const started = (one: Background) => {
        mayGoOn = true;
        onBuild(one);
      };
      return openPacker(
        await binary(inputs, env, log, signal),
        join(workspace, target.folder),
        target.template,
        target.vars,
        {
          processes: processes(log),
          log,
          env: environmentFor(env, inputs.token, plugins),
          signal,
          scratch,
          onBuild: started,
        },
      );
    };
    const template = join(target.folder, target.template);
    const settings = {
      ...target,
      operation,
      environment,
      region,
      fingerprint: made,
      force: isForced(inputs.force, component),
      checkFormat: inputs['check-format'],
      last,
      series: seriesOf({ repository: context.repository.slug, component, template, environment }),
      commit: context.sha,
      runUrl: context.runUrl,
    };
    return await run(settings, { packer, images: ec2Images(signal), parameters, clock: systemClock, log, signal });
  } finally {
    // A build that was cancelled writes into it until the post step has seen its end.
    if (!(mayGoOn && signal.aborted)) await rm(scratch, { recursive: true, force: true });
  }
}

/** Packer on PATH, or, where a version is asked for or none is there, its release. */
async function binary(
  { version, mirror }: Pick<PackerInputs, 'version' | 'mirror'>,
  env: NodeJS.ProcessEnv,
  log: Edge['log'],
  signal: AbortSignal,
): Promise<string> {
  const found = version === '' ? await findOnPath('packer', env) : undefined;
  return found ?? install(hashicorpRelease('packer', version || DEFAULT_VERSION, mirror), { env, log, signal });
}
