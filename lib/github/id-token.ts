import { type Clock, systemClock } from '../clock.ts';
import { Problem } from '../errors.ts';

const ATTEMPTS = 3;
const TIMEOUT_MS = 10_000;
const FIX = 'Run the job again; githubstatus.com tells of an outage';

/**
 * A token of the run's OIDC identity (GitHub docs, "OpenID Connect reference", request with the runner's URL and token).
 * Why not getIDToken of @actions/core: its HTTP client carries undici, 0.4 MB in each bundle, for this one request.
 * @throws Problem kind `credentials` when the job may not ask for tokens or is refused, `network` or `service` when no answer comes.
 */
export async function idToken(
  audience: string,
  env: NodeJS.ProcessEnv,
  mask: (secret: string) => void,
  clock: Clock = systemClock,
): Promise<string> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = env;
  if (!address || !bearer) {
    throw new Problem({
      what: 'OIDC token of the run',
      cause: 'the runner offers none: ACTIONS_ID_TOKEN_REQUEST_URL or _TOKEN is not set',
      fix: 'Give the job `permissions: id-token: write`',
      kind: 'credentials',
    });
  }
  const url = new URL(address);
  if (audience) url.searchParams.set('audience', audience);
  for (let attempt = 1; ; attempt++) {
    const result = await ask(url, bearer);
    if (typeof result === 'string') {
      mask(result);
      return result;
    }
    if (attempt === ATTEMPTS || result.kind === 'credentials') throw result;
    await clock.sleep(500 * 2 ** attempt);
  }
}

async function ask(url: URL, bearer: string): Promise<string | Problem> {
  const what = `OIDC token of the run from ${url.host}`;
  try {
    const headers = { authorization: `Bearer ${bearer}`, accept: 'application/json' };
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const text = await response.text();
    if (!response.ok) {
      const kind = response.status < 500 && response.status !== 429 ? 'credentials' : 'service';
      return new Problem({ what, cause: `it answers ${response.status}: ${text.slice(0, 200)}`, fix: FIX, kind });
    }
    const { value } = JSON.parse(text) as { value?: unknown };
    if (typeof value === 'string' && value !== '') return value;
    return new Problem({ what, cause: 'the answer holds no token', fix: FIX, kind: 'service' });
  } catch (error) {
    return new Problem({ what, cause: reason(error), fix: FIX, kind: 'network', underlying: error });
  }
}

/** fetch says "fetch failed" and keeps the true reason in the error's cause. */
function reason(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Error };
  return [message, cause?.message].filter(Boolean).join(': ');
}
