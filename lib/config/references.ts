import { Problem } from '../errors.ts';
import { type ConfigPath, pathText } from './mistakes.ts';
import { suggestion } from './suggest.ts';

/** A part of a text: literal, or something that is looked up. */
export type Part =
  | { type: 'text'; value: string }
  | { type: 'ssm'; parameter: string }
  | { type: 'output'; component: string; key: string }
  | { type: 'identity'; name: 'revision' | 'digest' };

export interface BadReference {
  seen: string;
  cause: string;
  fix: string;
}

export interface ReferencePorts {
  /** Output `key` of a component; undefined when it is not known. */
  output?(component: string, key: string): string | undefined | Promise<string | undefined>;
  /** Value of an SSM parameter; undefined when there is none. */
  ssm?(parameter: string): string | undefined | Promise<string | undefined>;
  /** The image's org.opencontainers.image.revision. */
  revision?: string | undefined;
  /** sha256:... of the image. */
  digest?: string | undefined;
}

const IDENTITIES = ['revision', 'digest'] as const;
// In this order: escapes first, so that what they protect is not read again.
const TOKEN = /\$\$\{|\{\{([a-z][a-z-]+)\}\}|\$\{([^}]*)(\}?)|\{([a-z][a-z-]+)\}/g;

/**
 * Splits a text into literals and references: `${ssm:/path}`, `${output:component.key}`, `{revision}`, `{digest}`.
 * `$${` stands for a literal `${`, and `{{word}}` for a literal `{word}`.
 */
export function parseReferences(text: string): { parts: Part[]; bad: BadReference[] } {
  const parts: Part[] = [];
  const bad: BadReference[] = [];
  let end = 0;
  const literal = (value: string) => {
    const last = parts.at(-1);
    if (last?.type === 'text') last.value += value;
    else if (value !== '') parts.push({ type: 'text', value });
  };
  for (const match of text.matchAll(TOKEN)) {
    literal(text.slice(end, match.index));
    end = match.index + match[0].length;
    const [whole, escaped, reference, closed, identity] = match;
    if (whole === '$${') literal('${');
    else if (escaped !== undefined) literal(`{${escaped}}`);
    else {
      const part = reference !== undefined ? lookup(reference, closed !== '') : identityOf(identity ?? '');
      if ('cause' in part) bad.push({ seen: whole, ...part });
      else parts.push(part);
    }
  }
  literal(text.slice(end));
  return { parts, bad };
}

type Explained = Omit<BadReference, 'seen'>;

function lookup(reference: string, closed: boolean): Part | Explained {
  const hint = 'A literal ${ is written $${';
  if (!closed) return { cause: 'a ${ has no closing brace', fix: `Close it with }. ${hint}` };
  if (reference.startsWith('{')) {
    return {
      cause: 'GitHub expressions are evaluated in workflow files only; here nobody would',
      fix: 'Write the value, an override of the environment, or a reference: ${ssm:/path} or ${output:component.name}',
    };
  }
  const [, scheme = '', rest = ''] = /^([^:]*):?(.*)$/s.exec(reference) ?? [];
  if (scheme === 'ssm') {
    if (/^\/[A-Za-z0-9_.\-/]+$/.test(rest)) return { type: 'ssm', parameter: rest };
    return {
      cause: 'it names no SSM parameter',
      fix: 'Write the whole path from the slash on: ${ssm:/sample/bot/token}',
    };
  }
  if (scheme === 'output') {
    const [, component, key] = /^([a-z][a-z0-9-]*)\.([A-Za-z_][A-Za-z0-9_-]*)$/.exec(rest) ?? [];
    if (component !== undefined && key !== undefined) return { type: 'output', component, key };
    return { cause: 'it names no output', fix: 'Write component and output: ${output:infra.cluster}' };
  }
  return {
    cause: `there is no reference of the kind '${scheme}'`,
    fix: `${suggestion(scheme, ['ssm', 'output'], 'kind')}. ${hint}`,
  };
}

function identityOf(name: string): Part | Explained {
  if (name === 'revision' || name === 'digest') return { type: 'identity', name };
  if (name === 'sha') return SHA;
  return {
    cause: `there is no placeholder {${name}}`,
    fix: `${suggestion(name, IDENTITIES, 'placeholder')}. A literal {${name}} is written {{${name}}}`,
  };
}

/** Why {sha} is refused: an unchanged image is not built again, so it cannot know the commit of the run. */
const SHA: Explained = {
  cause:
    'an image is built once and its digest goes from commit to commit and from environment to environment, so it cannot know the commit of this run and would never answer with it',
  fix: 'Use {revision}, the commit at which the image was built, or {digest}',
};

/**
 * A text with its references looked up through the ports.
 * @throws Problem when a reference is malformed, unknown, or of a kind that nobody can look up at this place.
 */
export async function resolve(text: string, ports: ReferencePorts, where = 'value'): Promise<string> {
  const { parts, bad } = parseReferences(text);
  const [first] = bad;
  if (first) throw new Problem({ what: where, ...first, kind: 'config' });
  let resolved = '';
  for (const part of parts) resolved += part.type === 'text' ? part.value : await lookUp(part, ports, where);
  return resolved;
}

async function lookUp(part: Exclude<Part, { type: 'text' }>, ports: ReferencePorts, where: string): Promise<string> {
  const unknown = (seen: string, cause: string, fix: string) =>
    new Problem({ what: where, seen, cause, fix, kind: 'config' });
  switch (part.type) {
    case 'ssm': {
      const value = await ports.ssm?.(part.parameter);
      if (value !== undefined) return value;
      const seen = `\${ssm:${part.parameter}}`;
      throw ports.ssm
        ? unknown(seen, 'there is no such SSM parameter in this account and region', 'Create it, or correct the path')
        : unknown(seen, 'SSM parameters are not looked up at this place', 'Write the value, or an override');
    }
    case 'output': {
      const value = await ports.output?.(part.component, part.key);
      if (value !== undefined) return value;
      throw unknown(
        `\${output:${part.component}.${part.key}}`,
        `neither this run nor the ledger holds an output '${part.key}' of ${part.component}`,
        `Check that ${part.component} declares that output, not as sensitive, and was applied in this environment`,
      );
    }
    case 'identity': {
      const value = ports[part.name];
      if (value) return value;
      throw unknown(
        `{${part.name}}`,
        `the ${part.name} of the image is not known here`,
        part.name === 'revision'
          ? 'Build the image with the label org.opencontainers.image.revision, or expect {digest}'
          : 'Pass the digest of what was deployed, or leave the expectation out',
      );
    }
  }
}

/** All texts in a value resolved, at any depth; keys, numbers and booleans stay. @throws Problem as resolve() does. */
export async function resolveAll<T>(value: T, ports: ReferencePorts, path: ConfigPath = []): Promise<T> {
  if (typeof value === 'string') return (await resolve(value, ports, pathText(path) || 'value')) as T;
  if (Array.isArray(value)) return (await Promise.all(value.map((v, i) => resolveAll(v, ports, [...path, i])))) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(async ([k, v]) => [k, await resolveAll(v, ports, [...path, k])]);
  return Object.fromEntries(await Promise.all(entries)) as T;
}

/** Every text in a value with its path, for checks before anything runs. */
export function* texts(value: unknown, path: ConfigPath = []): Generator<{ path: ConfigPath; text: string }> {
  if (typeof value === 'string') yield { path, text: value };
  else if (Array.isArray(value)) for (const [i, v] of value.entries()) yield* texts(v, [...path, i]);
  else if (typeof value === 'object' && value !== null)
    for (const [k, v] of Object.entries(value)) yield* texts(v, [...path, k]);
}
