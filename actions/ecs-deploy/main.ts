import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { regionFrom } from '../../lib/aws/client.ts';
import { systemClock } from '../../lib/clock.ts';
import { configuredInputs } from '../../lib/config/action.ts';
import { ecsApi } from '../../lib/ecs/api.ts';
import { readInputs } from '../../lib/inputs.ts';
import { runAction } from '../../lib/runner.ts';
import { defaults } from './defaults.ts';
import { awsEvidence } from './evidence.ts';
import { fields } from './inputs.ts';
import { awsAccount } from './preflight/account.ts';
import { run } from './run.ts';
import { awsTaskLogs } from './tasks/logs.ts';

await runAction('ecs-deploy', async ({ input, env, log, signal, context }) => {
  const inputs = readInputs(fields, await configuredInputs(input, context.workspace, defaults));
  const region = regionFrom(inputs.region, env);
  return run(inputs, {
    ecs: ecsApi({ region, action: 'ecs-deploy', signal, attempts: inputs['max-retries'] }),
    evidence: awsEvidence({ region, signal }),
    clock: systemClock,
    log,
    signal,
    readText: (path) => readFile(resolve(context.workspace, path), 'utf8'),
    writeText: async (name, text) => {
      const path = join(context.tempDir, name);
      await writeFile(path, text);
      return path;
    },
    account: { ...awsAccount({ region, signal, endpoint: env.AWS_ENDPOINT_URL }), region },
    taskLogs: awsTaskLogs({ region, signal }),
  });
});
