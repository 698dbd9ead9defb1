import { Problem } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import type { Report } from '../../../lib/report.ts';
import { code, heading, table } from '../../../lib/summary.ts';
import { MANIFEST_TYPES, type Repository, type StoredImage, tagTaken } from '../repository.ts';
import { type Copied, type CopyPorts, copyImage } from './copy.ts';
import type { Manifest } from './registry-client.ts';

export interface PromotePorts extends CopyPorts {
  /** Digest or tag of the source. */
  reference: string;
  /** The tags that the image gets at the target. */
  tags: readonly string[];
  /** The target as ECR's API knows it. */
  repository: Repository;
  /** The labels of the image at the target. */
  labels(manifest: string): Promise<Record<string, string>>;
  log: Log;
}

/** Ends in the same digest at the target, all its platforms and what is about it with it, proved by the target's own bytes. */
export async function promote(ports: PromotePorts): Promise<Report> {
  const { source, target, repository, reference, tags, log } = ports;
  const root = await source.manifest(reference);
  if (!root) throw noSource(source.repository, reference);
  log.info(`Promoting ${source.repository}@${root.digest} to ${target.repository}`);
  const owners = await repository.byTags(tags);
  const taken = owners.find(({ tag, digest }) => digest !== root.digest && repository.immutable(tag));
  if (taken) throw tagTaken(repository.name, taken.tag, taken.digest, root.digest);

  const copied = await copyImage(root, ports);
  const missing = tags.filter((tag) => owners.find((o) => o.tag === tag)?.digest !== root.digest);
  for (const tag of missing) await repository.addTag(storedAs(root, tag), tag);
  for (const { tag, manifest } of copied.tags) await addIfAbsent(tag, manifest, repository);

  const served = await target.manifest(root.digest);
  if (served?.digest !== root.digest) throw otherDigest(repository.name, root.digest, served?.digest);
  const revision = (await ports.labels(root.body))['org.opencontainers.image.revision'] ?? '';
  const changed = copied.manifests > 0 || missing.length > 0;
  if (copied.copied > 0 && (await source.host()) === (await target.host())) log.info(NOT_MOUNTED);
  return {
    outcome: changed
      ? { status: 'succeeded', cause: '' }
      : { status: 'unchanged', cause: `${repository.name} has this image and its tags already` },
    outputs: {
      image: `${repository.uri}@${root.digest}`,
      digest: root.digest,
      'index-digest': isIndex(root) ? root.digest : '',
      repository: repository.name,
      tags: tags.join('\n'),
      built: 'false',
      revision,
    },
    summary: summaryOf(root.digest, copied, ports),
  };
}

const NOT_MOUNTED =
  'Both repositories are of one registry, and yet layers had to be copied: ECR mounts them when they have the same encryption and the account setting BLOB_MOUNTING is ENABLED (aws ecr put-account-setting --name BLOB_MOUNTING --value ENABLED)';

/** A signature's tag moves with its image; one that is there is taken as it is, since its tag may be immutable. */
async function addIfAbsent(tag: string, manifest: Manifest, repository: Repository): Promise<void> {
  const [owner] = await repository.byTags([tag]);
  if (owner?.digest === manifest.digest || (owner && repository.immutable(tag))) return;
  await repository.addTag(storedAs(manifest, tag), tag);
}

function storedAs({ digest, mediaType, body }: Manifest, tag: string): StoredImage {
  return { digest, mediaType, manifest: body, tag };
}

function isIndex({ mediaType }: Manifest): boolean {
  return MANIFEST_TYPES.slice(0, 2).includes(mediaType);
}

function summaryOf(digest: string, copied: Copied, { source, target, tags }: PromotePorts): string {
  const { manifests, present, mounted, copied: moved, copiedBytes } = copied;
  return (
    heading(3, manifests > 0 ? 'Image promoted' : 'Image was promoted before') +
    table(
      ['', ''],
      [
        ['From', code(source.repository)],
        ['To', code(target.repository)],
        ['Digest', code(digest)],
        ['Tags', tags.map(code).join(' ')],
        ['Manifests', `${manifests} written`],
        [
          'Layers',
          `${present} there already, ${mounted} mounted, ${moved} copied (${(copiedBytes / 1_000_000).toFixed(1)} MB)`,
        ],
      ],
    )
  );
}

function noSource(repository: string, reference: string): Problem {
  return new Problem({
    what: "input 'from'",
    seen: `${repository}${reference.startsWith('sha256:') ? '@' : ':'}${reference}`,
    cause: 'the source repository has no such image',
    fix: 'Check repository, account and region of the source; prune may have deleted an image that nobody used',
    kind: 'not-found',
  });
}

function otherDigest(repository: string, wanted: string, served: string | undefined): Problem {
  return new Problem({
    what: `image ${repository}@${wanted}`,
    seen: served ?? 'nothing',
    cause: 'the target does not serve what was copied to it',
    fix: 'Run it again; do not deploy this image until it passes',
    kind: 'service',
  });
}
