import { exec } from '@actions/exec';
import { Problem } from '../../lib/errors.ts';

export interface RegistryLogin {
  host: string;
}

/** Runs docker login with the password on standard input: on the command line every process of the machine could read it. */
export async function dockerLogin(host: string, user: string, password: string): Promise<RegistryLogin> {
  let stderr = '';
  const code = await runDocker(['login', '--username', user, '--password-stdin', host], password, (text) => {
    stderr += text;
  });
  if (code === 0) return { host };
  throw new Problem({
    what: `docker login to ${host}`,
    cause: stderr.replaceAll(password, '***').trim() || `it ended with exit code ${code}`,
    fix: 'Check that the docker engine runs and that the registry can be reached from the runner',
    kind: 'environment',
  });
}

/** Forgets a login; one that is gone already is fine. */
export async function dockerLogout(host: string): Promise<void> {
  await runDocker(['logout', host], '', () => undefined);
}

async function runDocker(args: string[], stdin: string, onError: (text: string) => void): Promise<number> {
  try {
    return await exec('docker', args, {
      input: Buffer.from(stdin),
      silent: true,
      ignoreReturnCode: true,
      listeners: { stderr: (chunk) => onError(chunk.toString('utf8')) },
    });
  } catch (error) {
    throw new Problem({
      what: "program 'docker'",
      cause: `it could not be started (${(error as Error).message})`,
      fix: 'Install docker on the runner, or set `login: false` if no step needs it',
      kind: 'environment',
      underlying: error,
    });
  }
}
