import { Problem } from '../../lib/errors.ts';

/** One FROM and what its stage takes from elsewhere; words as they are written, variables and all. */
export interface Stage {
  /** In lower case, since stage names know no case; '' without AS. */
  name: string;
  base: string;
  /** Value of --platform; '' without. */
  platform: string;
  /** Stages, indices or images that COPY --from and RUN --mount=from name. */
  copiesFrom: string[];
}

export interface Dockerfile {
  /** ARG lines before the first FROM, the only ones that FROM lines know, in order. */
  args: { name: string; value: string | undefined }[];
  stages: Stage[];
}

/**
 * Reads from a Dockerfile what decides which images it is built on. Everything else is left to the builder.
 * Source: Dockerfile reference (parser directives, FROM, ARG, COPY --from, RUN --mount, here-documents).
 */
export function parseDockerfile(text: string): Dockerfile {
  const args: Dockerfile['args'] = [];
  const stages: Stage[] = [];
  for (const { word, rest } of instructions(text)) {
    const stage = stages.at(-1);
    if (word === 'FROM') stages.push(stageOf(rest));
    else if (word === 'ARG' && !stage) args.push(...argsOf(rest));
    else if (stage && (word === 'COPY' || word === 'RUN')) stage.copiesFrom.push(...sourcesOf(word, rest));
  }
  return { args, stages };
}

function stageOf(rest: string): Stage {
  const words = wordsOf(rest);
  let platform = '';
  while (words[0]?.startsWith('--')) {
    const flag = words.shift() ?? '';
    if (flag.startsWith('--platform=')) platform = flag.slice('--platform='.length);
  }
  const [base = '', as = '', name = ''] = words;
  return { name: as.toUpperCase() === 'AS' ? name.toLowerCase() : '', base, platform, copiesFrom: [] };
}

function argsOf(rest: string): Dockerfile['args'] {
  return wordsOf(rest).map((word) => {
    const end = word.indexOf('=');
    return end < 0 ? { name: word, value: undefined } : { name: word.slice(0, end), value: word.slice(end + 1) };
  });
}

/** The flags come first; what follows them is the instruction's own. */
function sourcesOf(word: 'COPY' | 'RUN', rest: string): string[] {
  const sources: string[] = [];
  for (const flag of wordsOf(rest)) {
    if (!flag.startsWith('--')) break;
    if (word === 'COPY' && flag.startsWith('--from=')) sources.push(flag.slice('--from='.length));
    if (word === 'RUN' && flag.startsWith('--mount='))
      for (const option of flag.slice('--mount='.length).split(','))
        if (option.startsWith('from=')) sources.push(option.slice('from='.length));
  }
  return sources;
}

/** Splits at spaces outside quotes and ${…}; quotes stay, since single ones keep variables from being replaced. */
function wordsOf(text: string): string[] {
  return text.match(/(?:\$\{[^}]*\}|"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g) ?? [];
}

interface Instruction {
  /** In capitals. */
  word: string;
  rest: string;
}

function instructions(text: string): Instruction[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const escaping = escapeOf(lines);
  const continued = new RegExp(`${escaping === '`' ? '`' : '\\\\'}[ \\t]*$`);
  const found: Instruction[] = [];
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i] ?? '';
    if (isSkipped(line)) continue;
    while (continued.test(line) && i + 1 < lines.length) {
      const next = lines[++i] ?? '';
      // Comments and empty lines inside an instruction do not end it.
      if (!isSkipped(next)) line = line.replace(continued, '') + next;
    }
    const match = /^\s*([A-Za-z]+)(?:\s+(.*))?$/s.exec(line.replace(continued, ''));
    const word = (match?.[1] ?? '').toUpperCase();
    const rest = match?.[2]?.trim() ?? '';
    found.push({ word, rest });
    if (word === 'RUN' || word === 'COPY' || word === 'ADD') i = afterDocuments(rest, lines, i);
  }
  return found;
}

const isSkipped = (line: string) => /^\s*(?:#.*)?$/.test(line);

/** Directives are comments of the form key=value before anything else. */
function escapeOf(lines: readonly string[]): string {
  for (const line of lines) {
    const directive = /^\s*#\s*([A-Za-z]+)\s*=\s*(\S+)/.exec(line);
    if (!directive) break;
    if (directive[1]?.toLowerCase() === 'escape') return directive[2] ?? '\\';
  }
  return '\\';
}

/** The last line of the here-documents that an instruction opens: a FROM inside them is text. */
function afterDocuments(rest: string, lines: readonly string[], at: number): number {
  let i = at;
  for (const [, dash, , name] of rest.matchAll(/(?:^|\s)\d*<<(-?)(["']?)([A-Za-z_][\w.-]*)\2(?=\s|$)/g)) {
    const ends = (line: string) => (dash === '-' ? line.replace(/^\t+/, '') : line) === name;
    const end = lines.findIndex((line, n) => n > i && ends(line));
    if (end < 0) continue;
    i = end;
  }
  return i;
}

/**
 * Puts values in for $NAME, ${NAME}, ${NAME:-default} and ${NAME:+other}, and takes quotes off.
 * @throws Problem for any other form: which image it names would be a guess.
 */
export function expand(word: string, values: Readonly<Record<string, string | undefined>>): string {
  let out = '';
  for (const [part = ''] of word.matchAll(/'[^']*'|\\.|\$\{(?:[^{}]|\$\{[^}]*\})*\}|\$\w+|[\s\S]/g)) {
    if (part.startsWith("'") && part.length > 1) out += part.slice(1, -1);
    else if (part.startsWith('\\') && part.length === 2) out += part[1];
    else if (part.startsWith('${')) out += braced(part, values);
    else if (part.startsWith('$') && part.length > 1) out += values[part.slice(1)] ?? '';
    else if (part !== '"') out += part;
  }
  return out;
}

function braced(part: string, values: Readonly<Record<string, string | undefined>>): string {
  const match = /^\$\{(\w+)(?:(:?)([-+])([\s\S]*))?\}$/.exec(part);
  if (!match) {
    throw new Problem({
      what: 'Dockerfile',
      seen: part,
      cause: 'a base image is named with a form of variable that is not read here, so which image it is cannot be told',
      fix: 'Write ${NAME}, ${NAME:-default} or ${NAME:+other} in FROM lines and in --from',
      kind: 'config',
    });
  }
  const [, name = '', colon, operator, word = ''] = match;
  const value = values[name];
  const set = value !== undefined && !(colon === ':' && value === '');
  if (operator === '-') return set ? (value ?? '') : expand(word, values);
  if (operator === '+') return set ? expand(word, values) : '';
  return value ?? '';
}
