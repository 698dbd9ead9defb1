const SECRET_NAME =
  /(?:secret|token|passw|passphrase|credential|private|api_?key|access_?key|_key$|^key$|(?:^|_)auth(?:$|_|orization)|dsn|cookie|signature)/i;
const HIDDEN = '(hidden)';

/** True where the name says that its value is a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Tokens that can be told by their shape: GitHub, AWS, Slack, JSON Web Tokens, Discord bots and webhooks, PEM keys. */
const SECRET_SHAPE =
  /\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|(?:AKIA|ASIA)[A-Z0-9]{16}|xox[abprs]-[\w-]{10,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+|[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,})|-----BEGIN [A-Z ]*PRIVATE KEY-----|(?<=\/api\/webhooks\/\d+\/)[\w-]+/g;
const URL_PASSWORD = /(?<=[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s@/]+(?=@)/gi;
const ASSIGNMENT =
  /((?:secret|token|passw(?:or)?d|passphrase|api[_-]?key|access[_-]?key|authorization)["']?\s*[=:]\s*["']?(?:bearer\s+|basic\s+)?)[^\s"',;&]+/gi;

/** Text with what looks like a secret hidden: for command lines, log lines and messages of other systems. */
export function redactText(text: string): string {
  return text.replace(URL_PASSWORD, HIDDEN).replace(SECRET_SHAPE, HIDDEN).replace(ASSIGNMENT, `$1${HIDDEN}`);
}

/** The value of a named setting as it may be shown. */
export function shown(name: string, value: string): string {
  return isSecretName(name) ? HIDDEN : redactText(value);
}
