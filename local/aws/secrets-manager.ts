import type { GetSecretValueRequest } from '@aws-sdk/client-secrets-manager';
import type { LocalContext } from '../context.ts';
import { AwsFault, type AwsService } from './service.ts';

/** Secrets Manager: the current string of a secret, by name or ARN. Source: Secrets Manager API reference, GetSecretValue. */
export function createSecretsManager(
  { account, region, clock }: Pick<LocalContext, 'account' | 'region' | 'clock'>,
  secrets: Readonly<Record<string, string>>,
): AwsService {
  const createdAt = clock.now();
  // AWS ends an ARN with six characters of its own; the ARN without them is accepted too.
  const arnOf = (name: string) => `arn:aws:secretsmanager:${region}:${account}:secret:${name}-Local1`;
  return {
    id: 'secretsmanager',
    operations: {
      GetSecretValue: ({ SecretId, VersionStage, VersionId }: GetSecretValueRequest) => {
        if (VersionId !== undefined || (VersionStage ?? 'AWSCURRENT') !== 'AWSCURRENT')
          throw new AwsFault('InvalidParameterException', 'The local Secrets Manager has only the current version.');
        const name = Object.keys(secrets).find((known) =>
          [known, arnOf(known), arnOf(known).replace(/-Local1$/, '')].includes(String(SecretId)),
        );
        if (name === undefined)
          throw new AwsFault('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
        return {
          ARN: arnOf(name),
          Name: name,
          SecretString: secrets[name],
          VersionId: '00000000-0000-4000-8000-000000000001',
          VersionStages: ['AWSCURRENT'],
          CreatedDate: new Date(createdAt),
        };
      },
    },
  };
}
