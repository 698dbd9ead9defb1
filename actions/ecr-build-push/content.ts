import { posix } from 'node:path';
import type { GitHubContext } from '../../lib/context.ts';
import { Problem } from '../../lib/errors.ts';
import { buildFingerprint, readBuildTree } from '../../lib/fingerprint/build.ts';
import { gitEnvironment } from '../../lib/git/environment.ts';
import type { Git } from '../../lib/git/repository.ts';
import type { Processes } from '../../lib/process.ts';
import type { BuildSettings } from './settings.ts';

/** What would be built, as git knows it. */
export interface Content {
  /** 64 hexadecimal digits. */
  fingerprint: string;
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
  signal: AbortSignal;
}

/** Reads the content of the build from the checkout. @throws Problem where there is no checkout, folder or Dockerfile. */
export async function readContent(settings: BuildSettings, ports: ContentPorts): Promise<Content> {
  const { serverUrl, repository } = ports.context;
  const commit = (await runGit(['rev-parse', 'HEAD'], ports)).trim();
  const context = relative(settings.context);
  const [tree, dirty, time] = await Promise.all([
    readBuildTree(ports.git, commit, context, relative(settings.dockerfile)),
    runGit(['status', '--porcelain', '-z', '--untracked-files=normal', '--', context || '.'], ports),
    runGit(['show', '--no-patch', '--format=%ct', commit], ports),
  ]);
  const commitTime = new Date(Number(time.trim()) * 1000);
  const { target, platforms, buildArgs } = settings;
  const reusable = dirty === '';
  return {
    fingerprint: buildFingerprint({ ...tree, target, platforms, buildArgs, baseImages: {} }),
    commit,
    commitTime,
    reusable,
    why: reusable
      ? 'this content was not built before'
      : `${context || 'the checkout'} differs from its commit (${firstName(dirty)}), so that no fingerprint stands for it`,
    labels: {
      'org.opencontainers.image.revision': commit,
      'org.opencontainers.image.created': commitTime.toISOString(),
      ...(repository.slug && { 'org.opencontainers.image.source': `${serverUrl}/${repository.slug}` }),
    },
  };
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

async function runGit(args: string[], { processes, context, signal }: ContentPorts): Promise<string> {
  const env = gitEnvironment(process.env, [['safe.directory', context.workspace]]);
  const { code, stdout, stderr } = await processes.run(['git', ...args], {
    cwd: context.workspace,
    env,
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
