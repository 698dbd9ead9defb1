import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
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

/**
 * Starts a machine from the root that scripts/setup.sh has made: that of Debian 13, on Ubuntu that of the machine's own release, or, with the
 * environment variable SLIPWAY_HOST_ROOT, that of the release which it names. Its apt reaches the same packages as this machine.
 * @throws Error that says how to make the root when there is none.
 */
export async function startMachine(): Promise<Machine> {
  const image = await imageOf();
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

async function imageOf(): Promise<string> {
  const folder = join(toolsFolder(), 'host-root');
  const made = (await readdir(folder).catch(() => [])).flatMap((file) => /^([a-z]+)\.tar$/.exec(file)?.[1] ?? []);
  const wanted = process.env.SLIPWAY_HOST_ROOT || 'trixie';
  const suite = made.find((one) => one === wanted) ?? (process.env.SLIPWAY_HOST_ROOT ? undefined : made[0]);
  if (suite === undefined) throw new Error(`There is no root of ${wanted} in ${folder}: run \`make setup-test\``);
  const image = `slipway-host-root:${suite}-2`;
  if ((await docker(['images', '--quiet', image])).stdout.trim() !== '') return image;
  await docker(['import', join(folder, `${suite}.tar`), image]);
  return image;
}

function docker(argv: readonly string[], stdin?: string | Buffer): Promise<{ stdout: string; stderr: string }> {
  const call = run('docker', [...argv], { maxBuffer: 64 * 1024 * 1024 });
  call.child.stdin?.on('error', () => undefined);
  call.child.stdin?.end(stdin ?? '');
  return call;
}
