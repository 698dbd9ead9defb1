import { ECSClient, ListClustersCommand } from '@aws-sdk/client-ecs';
import { isObject, type JsonObject } from '../ecs/json.ts';
import { captureAnswer, sendExactly } from '../ecs/wire.ts';
import { awsConfig } from './client.ts';
import type { CredentialProvider } from './renewal.ts';

export interface JsonServiceOptions {
  /** As it is signed for and as its endpoint is called: codedeploy. */
  service: string;
  /** Prefix of X-Amz-Target: CodeDeploy_20141006. */
  target: string;
  region: string;
  action: string;
  credentials?: CredentialProvider | undefined;
}

/** One operation of the service; timestamps in its answer are seconds since the epoch, as they come. */
export type JsonService = (operation: string, input: JsonObject, signal: AbortSignal) => Promise<JsonObject>;

/**
 * A service of which a few operations are needed, and whose own client would weigh more than an action may. It speaks the
 * protocol of ECS (AWS JSON 1.1), so the client of ECS carries its calls: with its retries, time-outs, credentials and
 * signature, under another name and to another endpoint. Sources: Smithy, "AWS JSON 1.1 protocol"; SigV4 signing properties.
 */
export function jsonService({ service, target, region, action, credentials }: JsonServiceOptions): JsonService {
  let made: ECSClient | undefined;
  const client = () => {
    const config = awsConfig({ region, action, credentials });
    made ??= new ECSClient({
      ...config,
      endpoint: endpointOf(service, config.region),
      httpAuthSchemeProvider: () => [
        {
          schemeId: 'aws.auth#sigv4',
          signingProperties: { signingName: service, signingRegion: config.region },
          // The signer wants the client's configuration and the request's context back, as every SDK client hands them on.
          propertiesExtractor: (given, context) => ({ signingProperties: { config: given, context } }),
        },
      ],
    });
    return made;
  };
  return async (operation, input, signal) => {
    const command = new ListClustersCommand({});
    sendExactly(command, input, { 'x-amz-target': `${target}.${operation}` });
    const captured = captureAnswer(command, { body: true });
    await client().send(command, { abortSignal: signal });
    return isObject(captured.body) ? captured.body : {};
  };
}

/** What AWS_ENDPOINT_URL says, as the SDK reads it; else where ECS is in this partition, by the service's own name. */
export function endpointOf(service: string, region: string): string {
  const { env } = process;
  const given = env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] || env.AWS_ENDPOINT_URL;
  if (given) return given;
  const ecs = new ECSClient({ region }).config;
  const { url } = ecs.endpointProvider({ Region: region, UseFIPS: env.AWS_USE_FIPS_ENDPOINT === 'true' });
  return `https://${url.hostname.replace(/^ecs/, service)}`;
}
