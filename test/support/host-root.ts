import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toolsFolder } from '../../scripts/stand-in.ts';

const run = promisify(execFile);

/** A container that plays a freshly installed machine: its own packages and files, the machine's network and kernel, no init. */
export interface Machine {
  /** Runs a program in it; exit code and output, both streams in `text`. */
  exec(argv: readonly string[], options?: Options): Promise<{ code: number; text: string; stdout: string }>;
  /** Puts a file there. */
  write(path: string, content: string | Buffer, mode?: number): Promise<void>;
  remove(): Promise<void>;
}

interface Options {
  env?: Readonly<Record<string, string>>;
  stdin?: string | Buffer;
}

/** The releases that scripts/setup.sh has made a root of. */
export type Suite = 'bookworm' | 'trixie';

/**
 * Starts a machine from a root that debootstrap made: a real Debian, whose apt reaches the same packages as this machine.
 * @throws Error that says how to make the root when there is none.
 */
export async function startMachine(suite: Suite): Promise<Machine> {
  const image = await imageOf(suite);
  const { stdout } = await docker(['run', '--detach', '--network', 'host', image, 'sleep', '600']);
  const id = stdout.trim();
  const exec: Machine['exec'] = async (argv, { env = {}, stdin } = {}) => {
    const settings = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const call = docker(['exec', '--interactive', ...settings, id, ...argv], stdin);
    return call.then(
      ({ stdout: out, stderr }) => ({ code: 0, stdout: out, text: out + stderr }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        code: error.code,
        stdout: error.stdout,
        text: error.stdout + error.stderr,
      }),
    );
  };
  return {
    exec,
    async write(path, content, mode = 0o644) {
      const script = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"';
      const { code, text } = await exec(['sh', '-c', script, 'sh', path, mode.toString(8)], { stdin: content });
      if (code !== 0) throw new Error(`${path} could not be written: ${text}`);
    },
    async remove() {
      await docker(['rm', '--force', id]);
    },
  };
}

async function imageOf(suite: Suite): Promise<string> {
  const image = `slipway-host-root:${suite}-1`;
  if ((await docker(['images', '--quiet', image])).stdout.trim() !== '') return image;
  const archive = join(toolsFolder(), 'host-root', `${suite}.tar.gz`);
  await access(archive).catch(() => {
    throw new Error(`There is no root of ${suite} at ${archive}: run \`make setup-test\``);
  });
  await docker(['import', archive, image]);
  return image;
}

function docker(argv: readonly string[], stdin?: string | Buffer): Promise<{ stdout: string; stderr: string }> {
  const call = run('docker', [...argv], { maxBuffer: 64 * 1024 * 1024 });
  call.child.stdin?.on('error', () => undefined);
  call.child.stdin?.end(stdin ?? '');
  return call;
}
