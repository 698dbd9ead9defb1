import { execFileSync, spawn } from 'node:child_process';
import { accessSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program of the set-up for tests. @throws Error that says how to get it: a test that passes without it would prove nothing. */
export function programOf(name: string): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, name));
      return realpathSync(join(folder, name));
    } catch {
      // In one of the others, then.
    }
  }
  throw new Error(`${name} is not on PATH: run make setup-test, and . .tools/env.sh`);
}

/** A docker configuration that has the buildx plugin, without a builder of its own: the engine builds. */
export function buildxConfig(): { env: Record<string, string>; folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-buildx-'));
  mkdirSync(join(folder, 'cli-plugins'));
  symlinkSync(programOf('docker-buildx'), join(folder, 'cli-plugins/docker-buildx'));
  return { folder, env: { DOCKER_CONFIG: folder }, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface BuildKit {
  /** Makes docker buildx build with it. */
  env: Record<string, string>;
  /** Folder of the docker configuration. */
  folder: string;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 30_000;

/** A BuildKit of its own, as docker/setup-buildx-action gives a job: it builds for several platforms and writes attestations. */
export async function startBuildKit(): Promise<BuildKit> {
  const config = buildxConfig();
  const root = join(config.folder, 'root');
  const address = `unix://${join(config.folder, 's')}`;
  const argv = ['--root', root, '--addr', address, '--oci-worker=true', '--containerd-worker=false'];
  const child = spawn(programOf('buildkitd'), [...argv, '--oci-worker-net=host'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  child.stderr.on('data', (chunk) => {
    words = (words + chunk).slice(-2000);
  });
  const env = { ...process.env, ...config.env };
  const docker = (...args: string[]) => execFileSync('docker', args, { env, encoding: 'utf8', stdio: 'pipe' });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
      child.kill('SIGKILL');
    }
    config.remove();
  };
  const deadline = Date.now() + START_LIMIT_MS;
  docker('buildx', 'create', '--name', 'slipway-test', '--driver', 'remote', '--use', address);
  for (;;) {
    try {
      docker('buildx', 'inspect', '--bootstrap');
      return { env: config.env, folder: config.folder, stop };
    } catch (error) {
      if (Date.now() < deadline && child.exitCode === null) {
        await sleep(100);
        continue;
      }
      await stop();
      throw new Error(`buildkitd does not answer: ${words}`, { cause: error });
    }
  }
}
