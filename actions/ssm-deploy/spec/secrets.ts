import { SHAPES } from '../../../lib/container-shapes.ts';
import { Problem } from '../../../lib/errors.ts';
import type { SecretReference } from './spec.ts';

/**
 * The references of the input `secrets`, as a host reads them.
 * @throws Problem for a literal, without repeating it: it would stay readable in the account's command history and parameters.
 */
export function secretsOf(
  secrets: Readonly<Record<string, string>>,
  asEnvironment: readonly string[],
): SecretReference[] {
  const stray = asEnvironment.find((name) => !Object.hasOwn(secrets, name));
  if (stray !== undefined) {
    throw new Problem({
      what: "input 'secrets-as-environment'",
      seen: stray,
      cause: '`secrets` has no secret of this name',
      fix: `Name one of ${Object.keys(secrets).join(', ') || 'them, or leave the input out'}`,
    });
  }
  return Object.entries(secrets).map(([name, value]) => {
    const what = `input 'secrets', ${name}`;
    if (!SHAPES.variable.pattern.test(name))
      throw new Problem({ what, cause: SHAPES.variable.cause, fix: SHAPES.variable.fix });
    if (!SHAPES.secret.pattern.test(value))
      throw new Problem({ what, cause: SHAPES.secret.cause, fix: SHAPES.secret.fix });
    return { name, from: value.slice('${'.length, -1), as: asEnvironment.includes(name) ? 'environment' : 'file' };
  });
}
