import type { GitHubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Annotation, Report } from '../../lib/report.ts';
import { code, heading } from '../../lib/summary.ts';
import type { BaseDigest } from './base-digest.ts';
import type { Built } from './build.ts';
import type { BuildRequest } from './build-request.ts';
import { builderOptions, refuseForeign } from './builder-options.ts';
import { cacheFlags } from './cache.ts';
import type { Content } from './content.ts';
import { buildsOf, fingerprintTag, newestBuild } from './fingerprint-tag.ts';
import type { BuildInputs } from './inputs.ts';
import type { ServedImage } from './registry.ts';
import type { Releases } from './releases.ts';
import type { Repository, StoredImage } from './repository.ts';
import type { GateResult } from './scan/gate.ts';
import type { BuildSettings } from './settings.ts';
import { otherDigest, settled } from './settle.ts';
import { summaryOf } from './summary.ts';
import { isProposal, movesWithReleases, pullNumber, tagsFor, versionFor } from './tags.ts';
import { CONTENT_LABEL, freeTags } from './taken-tags.ts';

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
  build(request: BuildRequest, repository: Repository | undefined): Promise<Built>;
  /** What the base images stand for now. */
  bases(content: Content, repository: Repository): Promise<Record<string, BaseDigest>>;
  /** Why a refresh builds this image again; undefined where it is good, or no refresh was asked for. */
  stale(image: StoredImage, repository: Repository): Promise<string | undefined>;
  /** Advice on the Dockerfile. */
  lint(): Promise<Annotation[]>;
  /** Undefined where neither a git tag nor a release was asked for. */
  releases(version: string, commit: string): Releases | undefined;
  /** The scan gate; undefined when there is none. */
  scan?: ((image: StoredImage, repository: Repository) => Promise<GateResult>) | undefined;
}

interface Plan {
  content: Content;
  /** Build fingerprint; '' where none stands for what is built, or nothing is pushed. */
  fingerprint: string;
  bases?: Record<string, BaseDigest>;
  tags: string[];
  version: string;
  releases: Releases | undefined;
  annotations: Annotation[];
}

/** Ends in a digest that the registry serves: of the image built for this content before, or of the one built now. */
export async function run(inputs: BuildInputs, settings: BuildSettings, ports: BuildPorts): Promise<Report> {
  refuseForeign(inputs);
  const content = await ports.content();
  refuseCommitInArguments(settings.buildArgs, content.commit);
  const version = versionFor(inputs.version, ports.context, content.commitTime, ports.runNumber);
  const rules = inputs.tags.length > 0 ? inputs.tags : ['sha'];
  const tags = tagsFor(rules, { sha: content.commit, version, context: ports.context });
  const releases = inputs.push ? ports.releases(version, content.commit) : undefined;
  await releases?.check();
  const plan: Plan = { content, fingerprint: '', tags, version, releases, annotations: [] };
  return inputs.push ? buildOrReuse(inputs, settings, plan, ports) : buildOnly(inputs, settings, plan, ports);
}

// What people take for a short id: seven digits are git's own shortest, twelve are this suite's.
const SHORT_ID = 7;

/**
 * A commit id among the arguments makes every image new: nothing could be reused, and no digest promoted. Any length that
 * git shortens to is found, in either case, wherever it stands in the value.
 */
export function refuseCommitInArguments(buildArgs: Record<string, string>, commit: string): void {
  const short = commit.slice(0, SHORT_ID);
  const guilty = Object.entries(buildArgs).find(([, value]) => short !== '' && value.toLowerCase().includes(short));
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
  plan.tags = plan.tags.filter((tag) => canHave(tag, plan.version, repository, log));
  if (content.reusable) {
    plan.bases = await ports.bases(content, repository);
    plan.fingerprint = content.on(Object.fromEntries(Object.entries(plan.bases).map(([k, { digest }]) => [k, digest])));
  }
  const stored = content.reusable ? await buildsOf(plan.fingerprint, repository) : [];
  const { newest, next } = newestBuild(stored);
  const stale = newest && !inputs['force-build'] ? await ports.stale(newest, repository) : undefined;
  const reuse = newest !== undefined && !inputs['force-build'] && stale === undefined;
  plan.tags = await freeTags(plan.tags, {
    repository,
    image: reuse ? newest : undefined,
    content: content.fingerprint,
    labels: async (manifest) => (await ports.registry(repository)).labels(manifest),
    log,
  });
  if (reuse) {
    log.info(`Fingerprint ${plan.fingerprint.slice(0, 12)} was built before: ${newest.digest} (${newest.tag})`);
    return finish(
      { built: false, image: newest, why: `the content was built before, as ${newest.tag}` },
      plan,
      repository,
      ports,
    );
  }
  const buildTag = tagForBuild(plan, next, ports.context);
  const why = stale ?? (newest ? 'force-build is set' : whyNew(plan));
  log.info(`Building: ${why}`);
  plan.annotations = await ports.lint();
  const reference = `${repository.uri}:${buildTag}`;
  const { built, image } = await settled(
    () => ports.build(request(settings, plan, reference, inputs, ports.context), repository),
    {
      repository: repository.name,
      tag: buildTag,
      ofContent: isOfContent(plan, ports.context),
      manifest: async (wanted) => (await ports.registry(repository)).manifest(wanted),
      log,
    },
  );
  // A tag that another run has moved on stays with that one.
  if (image.tag === '') plan.tags = plan.tags.filter((tag) => tag !== buildTag);
  const meanwhile = `another run built the same content meanwhile, as ${buildTag}`;
  return finish({ built, image, why: built ? why : meanwhile }, plan, repository, ports);
}

/** A base image that moved is no change of the content, so it is said which ones the build is on. */
function whyNew({ content, bases = {} }: Plan): string {
  const names = Object.keys(bases);
  if (!content.reusable || names.length === 0) return content.why;
  return `${content.why} on ${names.length === 1 ? 'this base image' : 'these base images'}: ${names.map((name) => `${name.split('@')[0]} (${bases[name]?.digest.slice(0, 19)})`).join(', ')}`;
}

/** 1.2 and 1 are for repositories that let them move; elsewhere the next release could never have them. */
function canHave(tag: string, version: string, repository: Repository, log: Log): boolean {
  if (!movesWithReleases(tag, version) || !repository.immutable(tag)) return true;
  log.info(
    `Tag ${tag} is left out: it would have to move with each release, and the tags of ${repository.name} cannot (an exclusion filter ${tag} lets this one)`,
  );
  return false;
}

/** The tag that the builder pushes: of the fingerprint, which later runs look for; never for pull requests, whose images no deploying run may use. */
function tagForBuild({ content, fingerprint, tags }: Plan, generation: number, context: GitHubContext): string {
  if (isProposal(context)) return tags[0] ?? `pr-${pullNumber(context) ?? content.commit.slice(0, 12)}`;
  if (isOfContent({ content }, context)) return fingerprintTag(fingerprint, generation);
  return tags[0] ?? `sha-${content.commit.slice(0, 12)}`;
}

/** Whether what is built is pushed under a tag that stands for its content. */
function isOfContent({ content }: Pick<Plan, 'content'>, context: GitHubContext): boolean {
  return content.reusable && !isProposal(context);
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
  const released = await plan.releases?.make({ repository: repository.name, digest: image.digest });
  const outputs = {
    image: reference,
    digest: image.digest,
    'index-digest': served.isIndex ? image.digest : '',
    repository: repository.name,
    tags: [image.tag, ...missing].filter(Boolean).join('\n'),
    version: plan.version,
    built: String(built),
    fingerprint: plan.fingerprint,
    'content-fingerprint': plan.content.fingerprint,
    revision,
    'git-tag': released?.tag ?? '',
    'release-url': released?.url ?? '',
    ...(scanned && { findings: scanned.findings }),
  };
  return {
    annotations: [...plan.annotations, ...(scanned?.annotations ?? [])],
    outcome: built ? { status: 'succeeded', cause: '' } : { status: 'unchanged', cause: result.why },
    outputs,
    summary: summaryOf(outputs, result.why) + (scanned?.summary ?? ''),
  };
}

/** The report on an image that the scan gate does not let pass. It has no `image`, so that no later step deploys it. */
function refused(
  { built, image }: { built: boolean; image: StoredImage },
  { failure, findings, summary, annotations }: GateResult,
  plan: Plan,
  { name }: Repository,
): Report {
  return {
    outcome: failure ?? { status: 'failed', cause: 'the scan gate' },
    outputs: {
      digest: image.digest,
      repository: name,
      version: plan.version,
      built: String(built),
      fingerprint: plan.fingerprint,
      findings,
    },
    summary: heading(3, `Image ${code(`${name}@${image.digest}`)}`) + summary,
    annotations: [...plan.annotations, ...annotations],
  };
}

async function buildOnly(inputs: BuildInputs, settings: BuildSettings, plan: Plan, ports: BuildPorts): Promise<Report> {
  const reference = `slipway-build/${(inputs.repository || inputs.component || 'image').toLowerCase()}:${plan.content.fingerprint.slice(0, 12) || 'check'}`;
  const annotations = await ports.lint();
  await ports.build(request(settings, plan, reference, inputs, ports.context), undefined);
  const outputs = {
    image: '',
    digest: '',
    'index-digest': '',
    repository: inputs.repository,
    tags: '',
    version: plan.version,
    built: 'true',
    // The base images were not asked for: nothing was pushed that could be found by it.
    fingerprint: '',
    'content-fingerprint': plan.content.fingerprint,
    revision: plan.content.commit,
    'git-tag': '',
    'release-url': '',
  };
  return {
    annotations,
    outcome: { status: 'succeeded', cause: '' },
    outputs,
    summary: summaryOf(outputs, 'built to check it; nothing was pushed'),
  };
}

function request(
  settings: BuildSettings,
  { content, bases }: Plan,
  reference: string,
  inputs: BuildInputs,
  context: GitHubContext,
): BuildRequest {
  const cache = cacheFlags({
    kind: inputs.cache,
    uri: inputs.push ? reference.slice(0, reference.lastIndexOf(':')) : '',
    target: settings.target,
    pullRequest: isProposal(context),
    from: inputs['cache-from'],
    to: inputs['cache-to'],
  });
  return {
    ...settings,
    options: { ...builderOptions(inputs), cacheFrom: cache.from, cacheTo: cache.to },
    secrets: {},
    reference,
    push: inputs.push,
    noCache: inputs['force-build'] || inputs.refresh || inputs['no-cache'],
    labels: { ...content.labels, ...ownLabels(content, bases), ...inputs.labels },
    bases,
    baseReferences: content.bases.references,
    stageNames: content.bases.stageNames,
    epoch: content.commitTime.getTime() / 1000,
  };
}

/** By what its content is known, and what it stands on, by the names that the OCI image specification has for that. */
function ownLabels({ bases, fingerprint, reusable }: Content, digests: Plan['bases'] = {}): Record<string, string> {
  const base = bases.final === undefined ? undefined : digests[bases.final];
  return {
    ...(reusable && { [CONTENT_LABEL]: fingerprint }),
    ...(base?.from === 'registry' && {
      'org.opencontainers.image.base.name': bases.final?.split('@')[0] ?? '',
      'org.opencontainers.image.base.digest': base.digest,
    }),
  };
}
