import { type AwsSettings, awsConfig, callAws } from '../../../lib/aws/client.ts';
import { logReads } from '../../../lib/aws/log-reads.ts';
import { isObject, objects, textOf } from '../../../lib/ecs/json.ts';
import { Problem } from '../../../lib/errors.ts';
import { roleExists } from './iam.ts';
import type { ImageId } from './questions.ts';

export interface ImagePlatform {
  os: string;
  /** As OCI writes it: amd64, arm64. */
  architecture: string;
}

export interface AskedImage {
  registry: string;
  region: string;
  repository: string;
  id: ImageId;
}

/** What preflight asks of the account. Every method throws a Problem when it cannot look; that is no finding. */
export interface Account {
  /**
   * The platforms of an image; undefined when there is no such image. Empty when its manifest does not tell, or when it is
   * not asked for (`whether: 'there'`): of an image that is no index it takes two more requests.
   */
  platforms(image: AskedImage, whether: 'there' | 'fits'): Promise<ImagePlatform[] | undefined>;
  roleExists(name: string): Promise<boolean>;
  /** Those of the names that are no parameters of the region. */
  missingParameters(names: readonly string[], region: string): Promise<string[]>;
  /** Why the secret cannot be read by anybody; '' when it can. */
  secretTrouble(id: string, region: string): Promise<string>;
  logGroupExists(group: string, region: string): Promise<boolean>;
}

const ACTION = 'ecs-deploy';
/** Time for one question; a deployment must not wait for what it can do without. */
const LIMIT_MS = 4_000;
/** DescribeParameters takes so many values in one filter. Source: Systems Manager API reference, ParameterStringFilter. */
const NAMES_A_CALL = 50;

const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];

export interface AccountOptions {
  region: string;
  signal: AbortSignal;
  credentials?: AwsSettings['credentials'];
}

/** The account through the SDK. Each client is loaded with the first question that needs it. */
export function awsAccount({ region: own, signal, credentials }: AccountOptions): Account {
  const patience = () => AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
  // Two tries: what does not answer at once is not worth a wait, and is told as not looked at.
  const settings = (region: string) => ({ region: region || own, action: ACTION, credentials, attempts: 2 });
  const config = (region: string) => awsConfig(settings(region));
  const options = {
    get abortSignal() {
      return patience();
    },
  };
  return {
    async platforms({ registry, region, repository, id }, whether) {
      const { BatchGetImageCommand, ECRClient, GetDownloadUrlForLayerCommand } = await import('@aws-sdk/client-ecr');
      const ecr = new ECRClient(config(region));
      const resource = `repository ${repository}`;
      const command = new BatchGetImageCommand({
        registryId: registry,
        repositoryName: repository,
        imageIds: [id],
        acceptedMediaTypes: MANIFESTS,
      });
      const call = { operation: 'ecr:BatchGetImage', resource };
      const { images } = await callAws(call, () => ecr.send(command, options)).catch(noneIfMissing);
      const manifest = parsed(images?.[0]?.imageManifest ?? '');
      if (!images?.[0]) return undefined;
      if (whether === 'there') return [];
      const children = objects(manifest.manifests).map((m) => platformOf(isObject(m.platform) ? m.platform : {}));
      // Attestations are listed beside the images, with a platform of "unknown".
      if (children.length > 0) return children.filter((p) => p.architecture !== '' && p.architecture !== 'unknown');
      const layerDigest = textOf(isObject(manifest.config) ? manifest.config.digest : undefined);
      if (layerDigest === '') return [];
      const ask = new GetDownloadUrlForLayerCommand({ registryId: registry, repositoryName: repository, layerDigest });
      const { downloadUrl } = await callAws({ operation: 'ecr:GetDownloadUrlForLayer', resource }, () =>
        ecr.send(ask, options),
      );
      const answer = await fetch(downloadUrl ?? '', { signal: patience() });
      return answer.ok ? [platformOf(parsed(await answer.text()))] : [];
    },

    roleExists: (name) => roleExists(name, settings(own), patience()),

    async missingParameters(names, region) {
      const { DescribeParametersCommand, SSMClient } = await import('@aws-sdk/client-ssm');
      const ssm = new SSMClient(config(region));
      const wanted = [...new Set(names)];
      const found = new Set<string>();
      for (let i = 0; i < wanted.length; i += NAMES_A_CALL) {
        const Values = wanted.slice(i, i + NAMES_A_CALL);
        const call = { operation: 'ssm:DescribeParameters', resource: 'the parameter store' };
        let NextToken: string | undefined;
        // A page may hold less than fits, or nothing, and still not be the last: what stands on another would count as missing.
        do {
          const command = new DescribeParametersCommand({
            ParameterFilters: [{ Key: 'Name', Option: 'Equals', Values }],
            MaxResults: NAMES_A_CALL,
            ...(NextToken && { NextToken }),
          });
          const page = await callAws(call, () => ssm.send(command, options));
          for (const { Name } of page.Parameters ?? []) found.add(Name ?? '');
          NextToken = page.NextToken;
        } while (NextToken);
      }
      return wanted.filter((name) => !found.has(name));
    },

    async secretTrouble(id, region) {
      const call = { operation: 'secretsmanager:DescribeSecret', resource: id };
      const { DescribeSecretCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
      const secrets = new SecretsManagerClient(config(region));
      const command = new DescribeSecretCommand({ SecretId: id });
      try {
        const { DeletedDate } = await callAws(call, () => secrets.send(command, options));
        return DeletedDate ? 'it is marked for deletion' : '';
      } catch (error) {
        if (error instanceof Problem && error.kind === 'not-found') return 'there is no such secret';
        throw error;
      }
    },

    async logGroupExists(group, region) {
      const logs = logReads(settings(own));
      return (await logs.groups(group, region, patience())).includes(group);
    },
  };
}

function parsed(text: string) {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function platformOf(value: ReturnType<typeof parsed>): ImagePlatform {
  return { os: textOf(value.os), architecture: textOf(value.architecture) };
}

function noneIfMissing(error: unknown): { images?: undefined } {
  if (error instanceof Problem && error.kind === 'not-found') return {};
  throw error;
}
