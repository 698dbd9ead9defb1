import { createHash, randomUUID } from 'node:crypto';
import { access, constants, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { messageOf, Problem } from '../errors.ts';
import type { Log } from '../log.ts';
import { unzipFile } from './zip.ts';

/** A tool that is released as one binary in a zip archive beside a SHA256SUMS file. */
export interface Release {
  /** Name of the binary, and of the folder in the tool cache. */
  tool: string;
  version: string;
  archiveUrl: string;
  sumsUrl: string;
}

export interface InstallPorts {
  env: NodeJS.ProcessEnv;
  log: Pick<Log, 'info'>;
  signal?: AbortSignal | undefined;
}

const DOWNLOAD_TIMEOUT_MS = 120_000;
const ATTEMPTS = 3;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', ia32: '386', arm: 'arm' };

/** Where HashiCorp's release server keeps a product. Source: https://releases.hashicorp.com/terraform/ */
export function hashicorpRelease(product: string, version: string, mirror = ''): Release {
  const folder = `${mirror || 'https://releases.hashicorp.com'}/${product}/${version}`;
  return {
    tool: product,
    version,
    archiveUrl: `${folder}/${product}_${version}_${platform()}.zip`,
    sumsUrl: `${folder}/${product}_${version}_SHA256SUMS`,
  };
}

/** Where OpenTofu's releases are. Source: https://opentofu.org/docs/intro/install/standalone/ */
export function tofuRelease(version: string, mirror = ''): Release {
  const folder = `${mirror || 'https://github.com/opentofu/opentofu/releases/download'}/v${version}`;
  return {
    tool: 'tofu',
    version,
    archiveUrl: `${folder}/tofu_${version}_${platform()}.zip`,
    sumsUrl: `${folder}/tofu_${version}_SHA256SUMS`,
  };
}

function platform(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  return `${system}_${ARCHITECTURES[process.arch] ?? process.arch}`;
}

const binaryName = (tool: string) => (process.platform === 'win32' ? `${tool}.exe` : tool);

/** The full path of a program on PATH; undefined when it is not there. */
export async function findOnPath(tool: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, binaryName(tool));
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Puts a release into the runner's tool cache, unless it is there, in the layout that @actions/tool-cache finds.
 * @returns the binary's path.
 * @throws Problem when it cannot be downloaded, or its SHA-256 is not the published one.
 */
export async function install(release: Release, { env, log, signal }: InstallPorts): Promise<string> {
  const cache = env.RUNNER_TOOL_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'slipway');
  const folder = join(cache, release.tool, release.version, process.arch);
  const binary = join(folder, binaryName(release.tool));
  if (await isExecutable(binary)) return binary;
  log.info(`Installing ${release.tool} ${release.version} from ${release.archiveUrl}`);
  const sums = (await download(release.sumsUrl, release, signal)).toString('utf8');
  const archive = await download(release.archiveUrl, release, signal);
  verify(release, archive, sums);
  let bytes: Buffer;
  try {
    bytes = unzipFile(archive, binaryName(release.tool));
  } catch (error) {
    throw unusable(release, release.archiveUrl, messageOf(error), error);
  }
  // Several jobs of one machine may do this at once: write beside, then move into place whole.
  const part = `${binary}.${randomUUID()}`;
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(part, bytes, { mode: 0o755 });
    await rename(part, binary);
    await writeFile(`${folder}.complete`, '');
  } finally {
    await rm(part, { force: true });
  }
  return binary;
}

function verify(release: Release, archive: Buffer, sums: string): void {
  const file = release.archiveUrl.slice(release.archiveUrl.lastIndexOf('/') + 1);
  const published = sums
    .split('\n')
    .map((line) => line.trim().split(/\s+\*?/))
    .find(([, name]) => name === file)?.[0];
  const actual = createHash('sha256').update(archive).digest('hex');
  if (published === undefined) throw unusable(release, release.sumsUrl, `it has no line for ${file}`);
  if (published !== actual) {
    throw unusable(release, release.archiveUrl, `its SHA-256 is ${actual}, and ${published} is published`);
  }
}

async function download(url: string, release: Release, signal?: AbortSignal): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    const timeout = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
    try {
      const answer = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
      if (answer.ok) return Buffer.from(await answer.arrayBuffer());
      await answer.body?.cancel();
      const final = answer.status < 500 && answer.status !== 429;
      if (final || attempt === ATTEMPTS) throw unusable(release, url, `the server answered ${answer.status}`);
    } catch (error) {
      if (error instanceof Problem) throw error;
      if (signal?.aborted || attempt === ATTEMPTS) {
        const reason = messageOf((error as Error).cause ?? error);
        throw unusable(release, url, `it could not be downloaded (${reason})`, error);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt * (0.5 + Math.random())));
  }
}

function unusable(release: Release, url: string, cause: string, underlying?: unknown): Problem {
  return new Problem({
    what: `${release.tool} ${release.version}`,
    seen: url,
    cause,
    fix: `Check the version, or install ${release.tool} in a step before this one; behind a proxy, set 'mirror'`,
    kind: underlying === undefined ? 'not-found' : 'network',
    underlying,
  });
}
