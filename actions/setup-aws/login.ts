import type { RegistryPassword } from '../../lib/aws/registry-password.ts';
import { cancelled, messageOf, Problem } from '../../lib/errors.ts';
import { registryOrigin } from '../../lib/registry-origin.ts';

export interface RegistryLogin {
  host: string;
}

const TIMEOUT_MS = 10_000;
const ATTEMPTS = 3;

/** Asks the registry whether it takes the password, so that a login that does not work fails here and not in the middle of a push. */
export async function proveLogin(
  { host, user, password }: RegistryPassword,
  signal: AbortSignal,
): Promise<RegistryLogin> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  for (let attempt = 1; ; attempt++) {
    const answer = await ask(`${registryOrigin(host)}/v2/`, authorization, signal);
    if (answer === 200) return { host };
    if (signal.aborted) throw cancelled(`login to ${host}`);
    const final = typeof answer === 'number' && answer < 500 && answer !== 429;
    if (final || attempt === ATTEMPTS) throw refused(host, answer);
  }
}

/** @returns the status, or why there is none */
async function ask(url: string, authorization: string, outer: AbortSignal): Promise<number | string> {
  try {
    const signal = AbortSignal.any([outer, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(url, { headers: { authorization }, signal });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    return messageOf((error as Error).cause ?? error);
  }
}

function refused(host: string, answer: number | string): Problem {
  const denied = answer === 401 || answer === 403;
  return new Problem({
    what: `login to ${host}`,
    cause: typeof answer === 'number' ? `the registry answered ${answer}` : `it cannot be reached (${answer})`,
    fix: denied
      ? 'Check that the account has a registry in this region and that no policy of the organisation or endpoint denies it'
      : 'Check that the registry can be reached from the runner, or set `login: false` if no step needs it',
    kind: denied ? 'denied' : 'network',
  });
}
