import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { awsConfig, callAws } from '../../lib/aws/client.ts';
import type { Parameters } from './run.ts';

/** SSM Parameter Store; its client is made with the first call, so that a build without a parameter needs no region. */
export function ssmParameters(region: string, signal: AbortSignal): Parameters {
  let made: SSMClient | undefined;
  const client = () => {
    made ??= new SSMClient(awsConfig({ region, action: 'packer' }));
    return made;
  };
  return {
    async read(name) {
      const answer = await callAws({ operation: 'ssm:GetParameter', resource: `parameter ${name}` }, () =>
        client()
          .send(new GetParameterCommand({ Name: name }), { abortSignal: signal })
          .catch((error: unknown) => {
            if (error instanceof ParameterNotFound) return undefined;
            throw error;
          }),
      );
      return answer?.Parameter?.Value;
    },
    async write(name, value) {
      const put = new PutParameterCommand({ Name: name, Value: value, Type: 'String', Overwrite: true });
      await callAws({ operation: 'ssm:PutParameter', resource: `parameter ${name}` }, () =>
        client().send(put, { abortSignal: signal }),
      );
    },
  };
}
