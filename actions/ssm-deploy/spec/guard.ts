import { Problem } from '../../../lib/errors.ts';
import { isSecretName, redactText } from '../../../lib/redact.ts';
import type { Spec } from './spec.ts';

/** A value that must not travel, and where this process knows it from. */
export interface KnownSecret {
  name: string;
  value: string;
}

/** Shorter ones would be found in ordinary words. */
const SHORTEST = 8;
/** Names that look like those of secrets, and whose values are addresses, file names or switches. */
const NO_SECRET = /(?:_FILE|_PATH|_URL|_URI|_ENDPOINT|_TTL|_NAME|_ID|_REGION|_TYPE|_LENGTH|_SIZE|_ARN)$/i;
const isSecret = (name: string) => /webhook/i.test(name) || (isSecretName(name) && !NO_SECRET.test(name));
/** Of the runner and of AWS, whose names do not tell. */
const ALWAYS = new Set(['AWS_ACCESS_KEY_ID']);

/**
 * The secrets that a step can know of: the variables of its environment that are named like secrets, the credentials and the
 * tokens of the runner and other inputs among them. The runner alone knows everything that was masked, and tells nobody.
 */
export function knownSecrets(env: NodeJS.ProcessEnv): KnownSecret[] {
  return Object.entries(env).flatMap(([name, value = '']) => {
    const own = name.startsWith('INPUT_') && !/TOKEN|PASSWORD|WEBHOOK/.test(name);
    if (own || value.length < SHORTEST) return [];
    return ALWAYS.has(name) || isSecret(name) ? [{ name, value }] : [];
  });
}

/**
 * Refuses a spec that carries a secret: one that is known, in any of the forms in which it might be written; one that has the
 * shape of a token; one whose variable is named like a secret. The error tells where, and never the value.
 * @param notSecret variables whose names look like those of secrets, and which are none.
 */
export function refuseSecrets(spec: Spec, known: readonly KnownSecret[], notSecret: readonly string[] = []): void {
  for (const { where, text } of textsOf(spec)) {
    const found = known.find(({ value }) => formsOf(value).some((form) => text.includes(form)));
    if (found) throw carried(where, `it holds the value of ${found.name} of this job`);
    if (redactText(text) !== text) throw carried(where, 'it has the shape of a token, a key or a password');
  }
  for (const [name, value] of Object.entries(spec.env ?? {})) {
    if (notSecret.includes(name) || !isSecret(name) || value.length < SHORTEST) continue;
    throw new Problem({
      what: `environment variable ${name}`,
      cause:
        'it is named like a secret, and its value would stay readable in the account’s command history and parameters',
      fix: `Store the value and give it in \`secrets\` by reference; if it is no secret, write \`not-secret: ${name}\``,
    });
  }
}

function carried(where: string, cause: string): Problem {
  return new Problem({
    what: where,
    cause: `${cause}; what is sent to hosts stays readable in the account’s command history and parameters`,
    fix: 'Store it as a SecureString parameter and give it in `secrets` by reference; treat what was written here as leaked',
  });
}

function formsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  return [
    ...new Set([value, json, encodeURIComponent(value), Buffer.from(value).toString('base64').replace(/=+$/, '')]),
  ];
}

/** Every text of a spec with the words that a user knows its place by. References to secrets are no secrets. */
function* textsOf(value: unknown, path: readonly string[] = []): Generator<{ where: string; text: string }> {
  const where = path[0] === 'env' ? `environment variable ${path[1]}` : `option '${path.join('.')}' of the container`;
  if (path.length === 1 && ['secrets', 'image', 'release', 'revision', 'component'].includes(path[0] ?? '')) return;
  if (typeof value === 'string') yield { where, text: value };
  else if (Array.isArray(value)) for (const item of value) yield* textsOf(item, path);
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) yield* textsOf(inner, [...path, key]);
}
