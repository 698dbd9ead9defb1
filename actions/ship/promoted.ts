import { ECRClient } from '@aws-sdk/client-ecr';
import { awsConfig, regionFrom } from '../../lib/aws/client.ts';
import { imagesOf } from '../../lib/config/defaults.ts';
import type { EnvironmentView } from '../../lib/config/load.ts';
import type { AppComponent } from '../../lib/config/schema.ts';
import { pinnedDigest, repositoryOf } from '../../lib/ecs/names.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import type { Edge } from '../../lib/runner.ts';
import type { PromoteRequest } from '../ecr-build-push/promote/ports.ts';
import { openRepository } from '../ecr-build-push/repository.ts';
import type { Image } from './ports.ts';

export interface PromotedOptions {
  config: EnvironmentView;
  component: AppComponent;
  edge: Pick<Edge, 'env' | 'log' | 'signal'>;
}

/** Where an image of the environment before is, and where this environment wants it. */
export type Journey = Pick<PromoteRequest, 'from' | 'to'> & {
  /** Container in this environment's own words; '' for the only one. */
  container: string;
};

/**
 * The way of each image that a ledger entry names: the same repository of the registry, unless this environment has a registry
 * or repository of its own.
 */
export function journeysOf(entry: LedgerEntry, { config, component, edge }: PromotedOptions): Journey[] {
  const region = regionFrom(config.registry?.region ?? '', edge.env);
  const images = imagesOf(component);
  const [only] = images;
  return Object.entries(entry.images ?? {}).map(([name, image]) => {
    const wanted = component.image ? only : images.find(({ container }) => container === name);
    const from = {
      repository: repositoryOf(image),
      reference: pinnedDigest(image) ?? '',
      region: config.promotedFrom?.region ?? region,
      registryId: config.promotedFrom?.account ?? config.registry?.account ?? '',
      role: '',
    };
    return {
      container: component.image ? (only?.container ?? '') : name,
      from,
      // An image that the config file no longer tells of is where it was.
      to: {
        repository: wanted?.repository ?? from.repository,
        region,
        registryId: config.registry?.account ?? '',
      },
    };
  });
}

export function staysInPlace({ from, to }: Pick<Journey, 'from' | 'to'>): boolean {
  return from.repository === to.repository && from.region === to.region && from.registryId === to.registryId;
}

/** The images that a ledger entry names, in this environment's registry: found there, or copied to it, digest by digest. */
export async function promotedImages(entry: LedgerEntry, options: PromotedOptions): Promise<Image[]> {
  const images: Image[] = [];
  for (const journey of journeysOf(entry, options)) {
    const reference = staysInPlace(journey) ? await inPlace(journey, options) : await copied(journey, options);
    images.push({
      container: journey.container,
      reference,
      revision: entry.revision ?? '',
      buildFingerprint: entry.buildFingerprint ?? '',
    });
  }
  return images;
}

async function inPlace({ from, to }: Journey, { edge }: PromotedOptions): Promise<string> {
  const ecr = new ECRClient(awsConfig({ region: to.region, action: 'ship' }));
  const { repository: name, registryId } = to;
  const { uri } = await openRepository({ ecr, name, registryId: registryId || undefined, signal: edge.signal });
  return `${uri}@${from.reference}`;
}

async function copied({ from, to }: Journey, { edge }: PromotedOptions): Promise<string> {
  const [{ promotePorts }, { promote }] = await Promise.all([
    import('../ecr-build-push/promote/ports.ts'),
    import('../ecr-build-push/promote/run.ts'),
  ]);
  // A tag of the digest's own never belongs to another image, and lifecycle rules for untagged images pass it by.
  const tags = [`promoted-${from.reference.slice('sha256:'.length, 'sha256:'.length + 16)}`];
  const { outputs } = await promote(await promotePorts({ from, to, tags, referrers: true }, edge));
  return outputs.image ?? '';
}
