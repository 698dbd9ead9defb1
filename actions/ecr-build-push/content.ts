import { posix } from 'node:path';
import type { GitHubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';
import { buildFingerprint, readBuildTree, treeFingerprint } from '../../lib/fingerprint/build.ts';
import { gitEnvironment } from '../../lib/git/environment.ts';
import type { Git } from '../../lib/git/repository.ts';
import type { Processes } from '../../lib/process.ts';
import { type BaseImages, baseImagesOf, normalized } from './base-images.ts';
import { parseDockerfile } from './dockerfile.ts';
import type { BuildSettings } from './settings.ts';

/** What would be built, as git knows it. */
export interface Content {
  /** Fingerprint of the content alone, which `changes` gives too: the base images are not asked for. 64 hexadecimal digits. */
  fingerprint: string;
  /** Build fingerprint: that of the content on these base images, for the platforms that it is built for. */
  on(baseImages: Readonly<Record<string, string>>): string;
  bases: BaseImages;
  commit: string;
  commitTime: Date;
  /** Whether the fingerprint stands for what docker would see: false where the checkout has files that git does not know. */
  reusable: boolean;
  /** Why it is built when it is. */
  why: string;
  /** Labels by the OCI image specification, all of them functions of the commit. */
  labels: Record<string, string>;
}

export interface ContentPorts {
  git: Git;
  processes: Processes;
  context: GitHubContext;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/** Reads the content of the build from the checkout. @throws Problem where there is no checkout, folder or Dockerfile. */
export async function readContent(settings: BuildSettings, ports: ContentPorts): Promise<Content> {
  const { serverUrl, repository } = ports.context;
  const commit = (await runGit(['rev-parse', 'HEAD'], ports)).trim();
  const context = relative(settings.context);
  const dockerfile = relative(settings.dockerfile);
  const contexts = Object.entries(settings.buildContexts);
  const folders = contexts.filter(([, source]) => !isRemote(source)).map(([, source]) => relative(source));
  const [tree, text, dirty, time] = await Promise.all([
    readBuildTree(ports.git, commit, context, dockerfile),
    ports.git.file(commit, dockerfile),
    runGit(
      ['status', '--porcelain', '-z', '--untracked-files=normal', '--', ...seen(context, dockerfile, folders)],
      ports,
    ),
    runGit(['show', '--no-patch', '--format=%ct', commit], ports),
  ]);
  const bases = readBases(text?.toString('utf8') ?? '', settings);
  const trees = await Promise.all(contexts.map(([name, source]) => contextPart(name, source, commit, ports.git)));
  const commitTime = new Date(Number(time.trim()) * 1000);
  const { target, platforms, buildArgs } = settings;
  const unknown = contexts.find(([, source]) => isRemote(source) && imageOf(source) === undefined);
  const input = { ...tree, target, buildArgs, ...(contexts.length > 0 && { contexts: Object.fromEntries(trees) }) };
  return {
    fingerprint: buildFingerprint({ ...input, platforms, baseImages: {} }),
    // Without `platforms` the machine decides: what one of another architecture built must not be taken for it.
    on: (baseImages) => buildFingerprint({ ...input, platforms: builtFor(platforms), baseImages }),
    bases,
    commit,
    commitTime,
    reusable: dirty === '' && unknown === undefined,
    why:
      dirty !== ''
        ? `${context || 'the checkout'} differs from its commit (${firstName(dirty)}), so that no fingerprint stands for it`
        : unknown
          ? `the build context ${unknown[0]} comes from outside, so that no fingerprint stands for it`
          : 'this content was not built before',
    labels: {
      'org.opencontainers.image.revision': commit,
      'org.opencontainers.image.created': commitTime.toISOString(),
      ...(repository.slug && { 'org.opencontainers.image.source': `${serverUrl}/${repository.slug}` }),
    },
  };
}

/** The paths that git has to find unchanged for the fingerprint to be true. */
function seen(context: string, dockerfile: string, folders: readonly string[]): string[] {
  const paths = [context, dockerfile, ...folders];
  return paths.includes('') ? ['.'] : paths.map((path) => `:(top,literal)${path}`);
}

/** The platform of this machine, as images name it. */
const OWN_PLATFORM = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
const builtFor = (platforms: readonly string[]) => (platforms.length > 0 ? platforms : [OWN_PLATFORM]);

function readBases(text: string, { target, platforms, buildArgs, buildContexts }: BuildSettings): BaseImages {
  const names = Object.keys(buildContexts);
  const found = baseImagesOf(parseDockerfile(text), {
    target,
    platforms: builtFor(platforms),
    buildPlatform: OWN_PLATFORM,
    buildArgs,
    contexts: names.flatMap((name) => [name.toLowerCase(), normalizedOrNothing(name)]).filter(Boolean),
  });
  const images = Object.values(buildContexts).flatMap((source) => imageOf(source) ?? []);
  return { ...found, references: [...new Set([...found.references, ...images.map(normalized)])].sort() };
}

function normalizedOrNothing(name: string): string {
  try {
    return normalized(name);
  } catch {
    return '';
  }
}

// Sources that buildx reads from somewhere else than the checkout. Source: docker buildx build reference, --build-context.
const isRemote = (source: string) => /^[a-z-]+:\/\//i.test(source) || /^(?:git@|target:)/.test(source);
const imageOf = (source: string) => /^docker-image:\/\/(.+)$/.exec(source)?.[1];

/** A folder counts by its files; an image by its digest, which is among those of the base images. */
async function contextPart(name: string, source: string, commit: string, git: Git): Promise<[string, string]> {
  if (isRemote(source)) return [name, source];
  return [name, treeFingerprint(await git.tree(commit, relative(source)))];
}

/** A path from the repository's root without ./ and trailing slashes; '' is the root. */
function relative(path: string): string {
  const normal = posix.normalize(path).replace(/\/+$/, '');
  return normal === '.' ? '' : normal;
}

function firstName(status: string): string {
  const names = status.split('\0').filter(Boolean);
  const first = JSON.stringify(names[0]?.slice(3) ?? '');
  return names.length > 1 ? `${first} and ${names.length - 1} more` : first;
}

async function runGit(args: string[], { processes, context, env, signal }: ContentPorts): Promise<string> {
  const { code, stdout, stderr } = await processes.run(['git', ...args], {
    cwd: context.workspace,
    env: gitEnvironment(env, [['safe.directory', context.workspace]]),
    signal,
    timeoutMs: 60_000,
  });
  if (code === 0) return stdout.toString('utf8');
  throw new Problem({
    what: `checkout in ${context.workspace}`,
    cause: `git ${args[0]} failed: ${stderr.trim()}`,
    fix: 'Put actions/checkout before this step: the content of the build is read from git',
    kind: 'environment',
  });
}
