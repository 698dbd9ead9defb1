import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { awsConfig, callAws } from '../../lib/aws/client.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { Problem } from '../../lib/errors.ts';
import type { Parameters } from './run.ts';

/** A launch template's `resolve:ssm:` takes only such a parameter. Source: EC2 User Guide, "Use a Systems Manager parameter instead of an AMI ID". */
const IMAGE_TYPE = 'aws:ec2:image';
/** AWS looks at the image before a parameter of that type shows it. */
const VISIBLE_WITHIN_MS = 60_000;
const LOOK_MS = 1_000;

/** SSM Parameter Store; its client is made with the first call, so that a build without a parameter needs no region. */
export function ssmParameters(region: string, signal: AbortSignal, clock: Clock = systemClock): Parameters {
  let made: SSMClient | undefined;
  const client = () => {
    made ??= new SSMClient(awsConfig({ region, action: 'packer' }));
    return made;
  };
  async function get(name: string) {
    const answer = await callAws({ operation: 'ssm:GetParameter', resource: `parameter ${name}` }, () =>
      client()
        .send(new GetParameterCommand({ Name: name }), { abortSignal: signal })
        .catch((error: unknown) => {
          if (error instanceof ParameterNotFound) return undefined;
          throw error;
        }),
    );
    return answer?.Parameter;
  }
  return {
    read: async (name) => (await get(name))?.Value,
    async write(name, value) {
      // The type of one that is there stays: somebody chose it.
      const type = (await get(name))?.DataType ?? IMAGE_TYPE;
      const put = new PutParameterCommand({
        Name: name,
        Value: value,
        Type: 'String',
        DataType: type,
        Overwrite: true,
      });
      await callAws({ operation: 'ssm:PutParameter', resource: `parameter ${name}` }, () =>
        client().send(put, { abortSignal: signal }),
      );
      const until = clock.now() + VISIBLE_WITHIN_MS;
      while ((await get(name))?.Value !== value) {
        if (clock.now() >= until) {
          throw new Problem({
            what: `parameter ${name}`,
            seen: value,
            cause: `AWS took the value and does not show it after ${VISIBLE_WITHIN_MS / 1000} s`,
            fix: `It is of the type ${type}: the role needs ec2:DescribeImages, and the image has to be in the same region`,
            kind: 'service',
          });
        }
        await clock.sleep(LOOK_MS, signal);
      }
    },
  };
}
