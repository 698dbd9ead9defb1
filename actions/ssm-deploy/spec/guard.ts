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
/** A line of a secret of several lines, such as a key: less of it is in other texts too. */
const SHORTEST_LINE = 16;
/** Names that look like those of secrets, and whose values are addresses, file names, numbers or switches. */
const NO_SECRET = new RegExp(
  `(?:_|\\b)(?:${[
    'FILE|PATH|DIR|SOCK|URL|URI|ENDPOINT|HOST|DOMAIN|PORT|REGION|ARN|NAME|ID|USER|USERNAME|EMAIL|ISSUER|AUDIENCE|REALM|PROVIDER',
    'TTL|TYPE|METHOD|MODE|ALGORITHM|VERSION|LENGTH|SIZE|COUNT|LIMIT|ENABLED|DISABLED|REQUIRED|EXPIRY|EXPIRATION|LIFETIME|AGE',
    'MS|SECONDS|MINUTES|HOURS|DAYS|PUBLIC_KEY|PUBLISHABLE_KEY',
  ].join('|')})$`,
  'i',
);
/** What is named like a secret in ways that redaction of whole logs would find too much by. */
const MORE = /webhook|(?:^|_)(?:pass|pwd)$/i;
/** What a variable that is named like a secret may hold all the same: it switches something. */
const SWITCH =
  /^(?:|true|false|on|off|yes|no|none|null|auto|optional|required|basic|bearer|oauth2?|oidc|saml|ldap|jwt|\d{1,2})$/i;
/** Of the runner and of AWS, whose names do not tell. */
const ALWAYS = new Set(['AWS_ACCESS_KEY_ID']);

function isSecret(name: string): boolean {
  const word = name.replace(/[-.]/g, '_');
  if (word === 'PWD' || word === 'OLDPWD') return false;
  return /webhook/i.test(word) || ((MORE.test(word) || isSecretName(word)) && !NO_SECRET.test(word));
}

/**
 * The secrets that a step can know of: the variables of its environment that are named like secrets, the credentials and the
 * tokens of the runner and other inputs among them. The runner alone knows everything that was masked, and tells nobody.
 */
export function knownSecrets(env: NodeJS.ProcessEnv): KnownSecret[] {
  return Object.entries(env).flatMap(([name, value = '']) => {
    const own = name.startsWith('INPUT_') && !/TOKEN|PASSWORD|WEBHOOK/.test(name);
    if (own || value.trim().length < SHORTEST) return [];
    return ALWAYS.has(name) || isSecret(name) ? partsOf(value).map((part) => ({ name, value: part })) : [];
  });
}

/** A secret whole, and what of it is a secret by itself: the values of an object (`toJSON(secrets)`), the lines of a key. */
function partsOf(value: string): string[] {
  const whole = value.trim();
  const lines = whole.split(/\r?\n/).map((line) => line.trim());
  const long = lines.length > 1 ? lines.filter((line) => line.length >= SHORTEST_LINE && !/^-{3,}/.test(line)) : [];
  const inner = membersOf(whole).filter((member) => member.length >= SHORTEST);
  return [...new Set(inner.length > 0 ? [whole, ...inner] : [whole, ...long])];
}

function membersOf(value: string): string[] {
  if (!value.startsWith('{')) return [];
  try {
    const members = Object.values(JSON.parse(value) as Record<string, unknown>);
    return members.filter((member) => typeof member === 'string').map((member) => member.trim());
  } catch {
    return [];
  }
}

/**
 * Refuses a spec that carries a secret: one that is known, in any of the forms in which it might be written; one that has the
 * shape of a token; one that is named like a secret. The error tells where, and never the value.
 * @param notSecret names that look like those of secrets, and which are none: variables of the container, labels, options of the
 * log driver, and variables of this job.
 */
export function refuseSecrets(spec: Spec, known: readonly KnownSecret[], notSecret: readonly string[] = []): void {
  const counted = known.filter(({ name }) => !notSecret.includes(name));
  for (const { where, text, name, shell } of textsOf(spec)) {
    const read = [text, ...decodedOf(text)];
    const found = counted.find(({ value }) => formsOf(value).some((form) => read.some((one) => one.includes(form))));
    if (found) throw carried(where, `it holds the value of ${found.name} of this job`, found.name);
    if (notSecret.includes(name)) continue;
    if (looksSecret(text, shell)) throw carried(where, 'it has the shape of a token, a key or a password', name);
  }
  for (const [group, entries] of Object.entries({
    env: spec.env,
    labels: spec.labels,
    'log-options': spec['log-options'],
  }))
    for (const [name, value] of Object.entries(entries ?? {}))
      if (isSecret(name) && !notSecret.includes(name) && !SWITCH.test(value)) throw named(whereOf([group, name]), name);
  for (const group of ['entrypoint', 'command'] as const) {
    const option = optionOf(spec[group] ?? []);
    if (option !== undefined && !notSecret.includes(option.replace(/^-+/, '')))
      throw named(`${whereOf([group])}, ${option}`, option.replace(/^-+/, ''));
  }
}

/** An option of a command line that is named like a secret, and whose value is the word after it. */
function optionOf(words: readonly string[]): string | undefined {
  return words.find((word, i) => {
    const value = words[i + 1] ?? '';
    return /^--[\w-]+$/.test(word) && isSecret(word) && !SWITCH.test(value) && !/^[-$/]/.test(value);
  });
}

/** What a shell puts in: `PASSWORD=$(cat "$PASSWORD_FILE")` and `"Bearer $TOKEN"` are how it should be done. */
const EXPANDED = /\$(?:\{\w+\}|\(\w+\)|\w+)(?=@)|[=:]\s*["']?(?:bearer\s+|basic\s+)?\$[\w({]\S*/gi;

/** Whether a text would be hidden in a log. @param shell whether a shell may read it, so that variables are none of its own text. */
function looksSecret(text: string, shell: boolean): boolean {
  const settled = shell ? text.replace(EXPANDED, '') : text;
  return redactText(settled) !== settled;
}

function named(where: string, name: string): Problem {
  return new Problem({
    what: where,
    cause:
      'it is named like a secret, and its value would stay readable in the account’s command history and parameters',
    fix: `Store the value and give it in \`secrets\` by reference; if it is no secret, write \`not-secret: ${name}\``,
  });
}

function carried(where: string, cause: string, name: string): Problem {
  const none = name === '' ? '' : `; if it is no secret, write \`not-secret: ${name}\``;
  return new Problem({
    what: where,
    cause: `${cause}; what is sent to hosts stays readable in the account’s command history and parameters`,
    fix: `Store it as a SecureString parameter and give it in \`secrets\` by reference; treat what was written here as leaked${none}`,
  });
}

function formsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const bytes = Buffer.from(value);
  return [
    ...new Set([
      value,
      json,
      encodeURIComponent(value),
      bytes.toString('base64').replace(/=+$/, ''),
      bytes.toString('hex'),
    ]),
  ];
}

const BASE64_WORD = /[A-Za-z0-9+/_-]{12,}/g;
const LAYERS = 2;

/** What words of a text are in base64, so that a secret is found in the middle of one: `Basic dXNlcjpwYXNz…`. */
function decodedOf(text: string, layers = LAYERS): string[] {
  if (layers === 0) return [];
  const decoded = (text.match(BASE64_WORD) ?? []).map((word) => Buffer.from(word, 'base64').toString('utf8'));
  return decoded.flatMap((one) => [one, ...decodedOf(one, layers - 1)]);
}

/** The place of a text in the words that a user knows it by. */
function whereOf(path: readonly string[]): string {
  return path[0] === 'env' ? `environment variable ${path[1]}` : `option '${path.join('.')}' of the container`;
}

/** Every text of a spec with its place, and its name where it has one. References to secrets are no secrets. */
function* textsOf(
  value: unknown,
  path: readonly string[] = [],
): Generator<{ where: string; text: string; name: string; shell: boolean }> {
  if (path.length === 1 && ['secrets', 'image', 'release', 'revision', 'component'].includes(path[0] ?? '')) return;
  const shell = ['entrypoint', 'command', 'health-check'].includes(path[0] ?? '');
  if (typeof value === 'string') yield { where: whereOf(path), text: value, name: path[1] ?? '', shell };
  else if (Array.isArray(value)) for (const item of value) yield* textsOf(item, path);
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) yield* textsOf(inner, [...path, key]);
}
