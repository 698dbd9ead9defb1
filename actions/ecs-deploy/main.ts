import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { regionFrom } from '../../lib/aws/client.ts';
import { expiryWarning, renewingCredentials } from '../../lib/aws/renewal.ts';
import { systemClock } from '../../lib/clock.ts';
import { configuredInputs } from '../../lib/config/action.ts';
import { ecsApi } from '../../lib/ecs/api.ts';
import { readInputs } from '../../lib/inputs.ts';
import { type Edge, runAction } from '../../lib/runner.ts';
import { codeDeployApi } from './codedeploy/api.ts';
import { defaults } from './defaults.ts';
import { awsEvidence } from './evidence.ts';
import { fields } from './inputs.ts';
import { isPostStep, postStep, remembering } from './post.ts';
import { awsAccount } from './preflight/account.ts';
import { leftOut } from './render-step.ts';
import { run } from './run.ts';
import { awsTaskLogs } from './tasks/logs.ts';

/** What a run takes at most unless its `timeout` says otherwise. */
const USUAL_MS = 15 * 60_000;

await runAction('ecs-deploy', (edge) => (isPostStep(edge) ? postStep(edge) : deploy(edge)));

async function deploy(edge: Edge) {
  const { input, env, log, signal, context, idToken } = edge;
  const inputs = readInputs(fields, await configuredInputs(input, context.workspace, defaults));
  const region = regionFrom(inputs.region, env);
  const credentials = renewingCredentials({ env, region, idToken, log });
  const ending = expiryWarning(env, systemClock.now(), inputs.timeout ?? USUAL_MS);
  if (ending !== '') log.warning(ending);
  return run(inputs, {
    ecs: ecsApi({ region, action: 'ecs-deploy', signal, credentials, attempts: inputs['max-retries'] }),
    evidence: awsEvidence({ region, signal, credentials }),
    codeDeploy: codeDeployApi({ region, signal, credentials }),
    clock: systemClock,
    log,
    signal,
    readText: (path) => readFile(resolve(context.workspace, path), 'utf8'),
    openLedger: async () => {
      const { openLedger } = await import('../../lib/ledger/open.ts');
      return openLedger({ kind: inputs.ledger, token: inputs.token, context, signal });
    },
    remember: remembering(edge, region),
    writeText: async (name, text) => {
      const path = join(context.tempDir, name);
      await writeFile(path, text);
      return path;
    },
    account: { ...awsAccount({ region, signal, credentials }), region },
    namesNoService: leftOut(env),
    taskLogs: awsTaskLogs({ region, signal, credentials }),
  });
}
