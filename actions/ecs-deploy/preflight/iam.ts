import { type AwsSettings, awsConfig, callAws } from '../../../lib/aws/client.ts';
import { Problem } from '../../../lib/errors.ts';

/** @throws Problem when IAM cannot be asked */
export async function roleExists(name: string, settings: AwsSettings, signal: AbortSignal): Promise<boolean> {
  // Taken apart at once, so that the bundler sees what is used of it.
  const { GetRoleCommand, IAMClient } = await import('@aws-sdk/client-iam');
  const iam = new IAMClient(awsConfig(settings));
  const call = { operation: 'iam:GetRole', resource: `role ${name}` };
  try {
    await callAws(call, () => iam.send(new GetRoleCommand({ RoleName: name }), { abortSignal: signal }));
    return true;
  } catch (error) {
    if (error instanceof Problem && error.kind === 'not-found') return false;
    throw error;
  }
}
