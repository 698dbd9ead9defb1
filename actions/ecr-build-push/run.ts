import type { GitHubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Report } from '../../lib/report.ts';
import { code, heading } from '../../lib/summary.ts';
import type { BuildRequest } from './build.ts';
import type { Content } from './content.ts';
import { fingerprintTag, fingerprintTags, newestBuild } from './fingerprint-tag.ts';
import type { BuildInputs } from './inputs.ts';
import type { ServedImage } from './registry.ts';
import { type Repository, type StoredImage, tagTaken } from './repository.ts';
import type { GateResult } from './scan/gate.ts';
import type { BuildSettings } from './settings.ts';
import { summaryOf } from './summary.ts';
import { pullNumber, tagsFor, versionFor } from './tags.ts';

export interface RegistryPort {
  /** What the registry serves for a tag or digest. */
  manifest(reference: string): Promise<ServedImage>;
  labels(manifest: string): Promise<Record<string, string>>;
}

export interface BuildPorts {
  log: Log;
  context: GitHubContext;
  runNumber: string;
  /** The content that would be built: its fingerprint, and the commit it stands at. */
  content(): Promise<Content>;
  repository(): Promise<Repository>;
  /** The registry of the repository; asks for a password when first used. */
  registry(repository: Repository): Promise<RegistryPort>;
  build(request: BuildRequest, repository: Repository | undefined): Promise<void>;
  /** The scan gate; undefined when there is none. */
  scan?: ((image: StoredImage, repository: Repository) => Promise<GateResult>) | undefined;
}

interface Plan {
  content: Content;
  tags: string[];
  version: string;
}

/** Ends in a digest that the registry serves: of the image built for this content before, or of the one built now. */
export async function run(inputs: BuildInputs, settings: BuildSettings, ports: BuildPorts): Promise<Report> {
  const content = await ports.content();
  refuseCommitInArguments(settings.buildArgs, content.commit);
  const tags = tagsFor(inputs.tags.length > 0 ? inputs.tags : ['sha'], { sha: content.commit, context: ports.context });
  const plan = { content, tags, version: versionFor(ports.context, content.commitTime, ports.runNumber) };
  return inputs.push ? buildOrReuse(inputs, settings, plan, ports) : buildOnly(inputs, settings, plan, ports);
}

/** A commit id among the arguments makes every image new: nothing could be reused, and no digest promoted. */
export function refuseCommitInArguments(buildArgs: Record<string, string>, commit: string): void {
  const short = commit.slice(0, 7);
  const guilty = Object.entries(buildArgs).find(([, value]) => short !== '' && value.includes(short));
  if (!guilty) return;
  throw new Problem({
    what: "input 'build-args'",
    seen: guilty.join('='),
    cause: 'it contains the commit id, so that every commit would build a new image although its content is the same',
    fix: 'Leave it out: the image has the label org.opencontainers.image.revision, and the deploy actions set SLIPWAY_REVISION',
  });
}

async function buildOrReuse(
  inputs: BuildInputs,
  settings: BuildSettings,
  plan: Plan,
  ports: BuildPorts,
): Promise<Report> {
  const { log } = ports;
  const { content } = plan;
  const repository = await ports.repository();
  const stored = content.reusable ? await repository.byTags(fingerprintTags(content.fingerprint)) : [];
  const { newest, next } = newestBuild(stored);
  if (newest && !inputs['force-build']) {
    log.info(`Fingerprint ${content.fingerprint.slice(0, 12)} was built before: ${newest.digest} (${newest.tag})`);
    return finish(
      { built: false, image: newest, why: `the content was built before, as ${newest.tag}` },
      plan,
      repository,
      ports,
    );
  }
  await refuseTakenTags(plan.tags, repository);
  const buildTag = tagForBuild(plan, next, ports.context);
  log.info(inputs['force-build'] && newest ? 'Building anew because force-build is set' : content.why);
  await ports.build(request(settings, content, `${repository.uri}:${buildTag}`, inputs, true), repository);
  const served = await (await ports.registry(repository)).manifest(buildTag);
  const image = { digest: served.digest, manifest: served.manifest, mediaType: served.mediaType, tag: buildTag };
  return finish({ built: true, image, why: newest ? 'force-build is set' : content.why }, plan, repository, ports);
}

/** The tag that the builder pushes: of the fingerprint, which later runs look for; never for pull requests, whose images no deploying run may use. */
function tagForBuild({ content, tags }: Plan, generation: number, context: GitHubContext): string {
  const pull = pullNumber(context);
  if (pull !== undefined) return tags[0] ?? `pr-${pull}`;
  if (content.reusable) return fingerprintTag(content.fingerprint, generation);
  return tags[0] ?? `sha-${content.commit.slice(0, 12)}`;
}

/** Finds out before the build, not after, that an immutable tag belongs to another image. */
async function refuseTakenTags(tags: readonly string[], repository: Repository): Promise<void> {
  const fixed = tags.filter((tag) => repository.immutable(tag));
  const [taken] = fixed.length > 0 ? await repository.byTags(fixed) : [];
  if (taken) throw tagTaken(repository.name, taken.tag, taken.digest, 'the content of this commit');
}

async function finish(
  result: { built: boolean; image: StoredImage; why: string },
  plan: Plan,
  repository: Repository,
  ports: BuildPorts,
): Promise<Report> {
  const { image, built } = result;
  // Before the tags: what does not pass gets none that a deployment could ask for.
  const scanned = await ports.scan?.(image, repository);
  if (scanned?.failure) return refused(result, scanned, plan, repository);
  const missing = plan.tags.filter((tag) => tag !== image.tag);
  for (const tag of missing) await repository.addTag(image, tag);
  const registry = await ports.registry(repository);
  const served = await registry.manifest(image.digest);
  if (served.digest !== image.digest) throw otherDigest(repository.name, image.digest, served.digest);
  const revision = (await registry.labels(served.manifest))['org.opencontainers.image.revision'] ?? '';
  const reference = `${repository.uri}@${image.digest}`;
  ports.log.info(`${built ? 'Built' : 'Reused'} ${repository.name}@${image.digest}`);
  const outputs = {
    image: reference,
    digest: image.digest,
    'index-digest': served.isIndex ? image.digest : '',
    repository: repository.name,
    tags: [image.tag, ...missing].join('\n'),
    version: plan.version,
    built: String(built),
    fingerprint: plan.content.fingerprint,
    revision,
    ...(scanned && { findings: scanned.findings }),
  };
  return {
    outcome: built ? { status: 'succeeded', cause: '' } : { status: 'unchanged', cause: result.why },
    outputs,
    summary: summaryOf(outputs, result.why) + (scanned?.summary ?? ''),
    annotations: scanned?.annotations ?? [],
  };
}

/** The report on an image that the scan gate does not let pass. It has no `image`, so that no later step deploys it. */
function refused(
  { built, image }: { built: boolean; image: StoredImage },
  { failure, findings, summary, annotations }: GateResult,
  { version, content }: Plan,
  { name }: Repository,
): Report {
  return {
    outcome: failure ?? { status: 'failed', cause: 'the scan gate' },
    outputs: {
      digest: image.digest,
      repository: name,
      version,
      built: String(built),
      fingerprint: content.fingerprint,
      findings,
    },
    summary: heading(3, `Image ${code(`${name}@${image.digest}`)}`) + summary,
    annotations,
  };
}

async function buildOnly(inputs: BuildInputs, settings: BuildSettings, plan: Plan, ports: BuildPorts): Promise<Report> {
  const reference = `slipway-build/${(inputs.repository || inputs.component || 'image').toLowerCase()}:${plan.content.fingerprint.slice(0, 12) || 'check'}`;
  await ports.build(request(settings, plan.content, reference, inputs, false), undefined);
  const outputs = {
    image: '',
    digest: '',
    'index-digest': '',
    repository: inputs.repository,
    tags: '',
    version: plan.version,
    built: 'true',
    fingerprint: plan.content.fingerprint,
    revision: plan.content.commit,
  };
  return {
    outcome: { status: 'succeeded', cause: '' },
    outputs,
    summary: summaryOf(outputs, 'built to check it; nothing was pushed'),
  };
}

function request(
  settings: BuildSettings,
  content: Content,
  reference: string,
  inputs: BuildInputs,
  push: boolean,
): BuildRequest {
  return {
    ...settings,
    secrets: inputs.secrets,
    reference,
    push,
    noCache: inputs['force-build'],
    labels: { ...content.labels, ...inputs.labels },
  };
}

function otherDigest(repository: string, wanted: string, served: string): Problem {
  return new Problem({
    what: `image ${repository}@${wanted}`,
    seen: served,
    cause: 'the registry serves another digest than the one that was pushed',
    fix: 'Something between the runner and ECR changes manifests; do not deploy this image',
    kind: 'service',
  });
}
