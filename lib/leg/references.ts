import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { awsConfig, callAws, regionFrom } from '../aws/client.ts';
import type { ReferencePorts } from '../config/references.ts';
import { type Ledger, lastDeployed } from '../ledger/ledger.ts';
import type { Log } from '../log.ts';
import { readResults } from '../result.ts';

/** Looks up `${output:…}` in this run's result files and then in the ledger, and `${ssm:…}` in the run's account and region. */
export function referencePorts(options: {
  ledger: Ledger;
  environment: string;
  resultDirectory: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** Names the action in CloudTrail. */
  action: string;
  log: Pick<Log, 'mask'>;
}): ReferencePorts {
  const { ledger, environment, resultDirectory, env, signal, action, log } = options;
  return {
    async output(component, key) {
      const results = resultDirectory === '' ? new Map() : await readResults(resultDirectory);
      const now = results.get(component)?.outputs?.[key];
      if (now !== undefined) return now;
      return lastDeployed((await ledger.read(environment, [component])).get(component))?.outputs?.[key];
    },
    async ssm(parameter) {
      const client = new SSMClient(awsConfig({ region: regionFrom('', env), action }));
      const call = { operation: 'ssm:GetParameter', resource: `parameter ${parameter}` };
      const get = new GetParameterCommand({ Name: parameter, WithDecryption: true });
      const answer = await callAws(call, () =>
        client.send(get, { abortSignal: signal }).catch((error: unknown) => {
          if (error instanceof ParameterNotFound) return undefined;
          throw error;
        }),
      );
      const { Value: value, Type: type } = answer?.Parameter ?? {};
      if (value !== undefined && type === 'SecureString') log.mask(value);
      return value;
    },
  };
}
