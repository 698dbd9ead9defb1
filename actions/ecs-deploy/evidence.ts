import type { CredentialProvider } from '../../lib/aws/client.ts';
import { awsConfig, callAws } from '../../lib/aws/client.ts';
import { logReads } from '../../lib/aws/log-reads.ts';
import type { JsonObject } from '../../lib/ecs/json.ts';
import { isObject, objects, textOf } from '../../lib/ecs/json.ts';
import { shortName } from '../../lib/ecs/names.ts';
import type { FailedTask } from './deployment/failures.ts';

export interface LogPlace {
  container: string;
  group: string;
  stream: string;
  region: string;
}

export interface TargetState {
  target: string;
  state: string;
  /** As AWS describes it; '' for a healthy one. */
  reason: string;
}

/** What other services know of a deployment that failed. Asked only then: their clients are not even loaded before. */
export interface Evidence {
  /** The last lines of a log stream, oldest first; none when there is no such stream. */
  lastLines(place: LogPlace, count: number): Promise<string[]>;
  targetHealth(targetGroupArn: string): Promise<TargetState[]>;
  /** Digests of the platform images of an index; none when the image is no index. */
  platformDigests(repository: string, digest: string): Promise<string[]>;
}

export interface EvidenceOptions {
  region: string;
  signal: AbortSignal;
  credentials?: CredentialProvider | undefined;
}

const ACTION = 'ecs-deploy';

export function awsEvidence({ region, signal, credentials }: EvidenceOptions): Evidence {
  const options = { abortSignal: signal };
  const logs = logReads({ region, action: ACTION, credentials });
  return {
    lastLines: (place, count) => logs.tail(place, count, signal),

    async targetHealth(targetGroupArn) {
      // Taken apart at once, so that the bundler sees what is used of it.
      const { DescribeTargetHealthCommand, ElasticLoadBalancingV2Client } = await import(
        '@aws-sdk/client-elastic-load-balancing-v2'
      );
      const client = new ElasticLoadBalancingV2Client(awsConfig({ region, action: ACTION, credentials }));
      const command = new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn });
      const call = {
        operation: 'elasticloadbalancing:DescribeTargetHealth',
        resource: `target group ${targetGroupArn.split('/').at(-2) ?? targetGroupArn}`,
      };
      const { TargetHealthDescriptions = [] } = await callAws(call, () => client.send(command, options));
      return TargetHealthDescriptions.map(({ Target, TargetHealth }) => ({
        target: `${Target?.Id ?? ''}${Target?.Port === undefined ? '' : `:${Target.Port}`}`,
        state: TargetHealth?.State ?? 'unknown',
        reason: TargetHealth?.Description ?? TargetHealth?.Reason ?? '',
      }));
    },

    async platformDigests(repository, digest) {
      const { BatchGetImageCommand, ECRClient } = await import('@aws-sdk/client-ecr');
      const client = new ECRClient(awsConfig({ region, action: ACTION, credentials }));
      const command = new BatchGetImageCommand({
        repositoryName: repository,
        imageIds: [{ imageDigest: digest }],
        acceptedMediaTypes: INDEX_TYPES,
      });
      const call = { operation: 'ecr:BatchGetImage', resource: `repository ${repository}` };
      const { images } = await callAws(call, () => client.send(command, options));
      return childrenOf(images?.[0]?.imageManifest ?? '');
    },
  };
}

const INDEX_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

/** The digests that an image index lists; none for a plain manifest. Source: OCI image index specification. */
export function childrenOf(manifest: string): string[] {
  try {
    const value: unknown = JSON.parse(manifest);
    return isObject(value) ? objects(value.manifests).map((m) => textOf(m.digest)) : [];
  } catch {
    return [];
  }
}

/**
 * Where a task's containers wrote their logs with the awslogs driver: PREFIX/CONTAINER/TASK, or the container's id without a
 * prefix. Source: ECS developer guide, "Send Amazon ECS logs to CloudWatch".
 */
export function logPlaces(definition: JsonObject, task: Pick<FailedTask, 'id' | 'containers'>): LogPlace[] {
  return objects(definition.containerDefinitions).flatMap((container): LogPlace[] => {
    const name = textOf(container.name);
    const logging = container.logConfiguration;
    if (!isObject(logging) || logging.logDriver !== 'awslogs' || !isObject(logging.options)) return [];
    const option = (key: string) => (isObject(logging.options) ? textOf(logging.options[key]) : '');
    const prefix = option('awslogs-stream-prefix');
    const runtimeId = task.containers.find((c) => c.name === name)?.runtimeId;
    const stream = prefix === '' ? runtimeId : `${prefix}/${name}/${shortName(task.id)}`;
    if (option('awslogs-group') === '' || !stream) return [];
    return [{ container: name, group: option('awslogs-group'), stream, region: option('awslogs-region') }];
  });
}
