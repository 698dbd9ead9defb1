/**
 * Fills the tables of each README beside Terraform code, between `<!-- terraform-docs -->` and `<!-- /terraform-docs -->`.
 *
 *   node scripts/terraform-docs.ts            writes them
 *   node scripts/terraform-docs.ts --check    names those that are not as they would be written
 *
 * It reads files as `terraform fmt` lays them out, which the tests hold them to: blocks begin and end at the margin, arguments stand two in.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const BEGIN = '<!-- terraform-docs -->';
const END = '<!-- /terraform-docs -->';

interface Block {
  kind: string;
  labels: string[];
  /** Arguments of the block itself, as they are written. */
  arguments: Map<string, string>;
  body: string;
}

/** @param text a file as `terraform fmt` leaves it */
export function blocksOf(text: string): Block[] {
  const found: Block[] = [];
  for (const [, kind = '', labels = '', body = ''] of text.matchAll(/^(\w+)((?: "[^"]*")*) \{(?:\}|\n(.*?)^\})/gms)) {
    found.push({
      kind,
      labels: [...labels.matchAll(/"([^"]*)"/g)].map(([, label = '']) => label),
      arguments: argumentsOf(body),
      body,
    });
  }
  return found;
}

function argumentsOf(body: string): Map<string, string> {
  const found = new Map<string, string>();
  let name: string | undefined;
  let heredoc: string | undefined;
  for (const line of body.split('\n')) {
    const [, starts, rest] = heredoc ? [] : (/^ {2}(\w+) += (.*)$/.exec(line) ?? []);
    if (starts !== undefined) {
      name = starts;
      found.set(name, rest ?? '');
      heredoc = /<<-?(\w+)$/.exec(line)?.[1];
      continue;
    }
    if (heredoc && line.trim() === heredoc) heredoc = undefined;
    // A nested block, or a comment between arguments, ends the one before.
    else if (!heredoc && /^ {0,2}[^ )}\]]/.test(line)) name = undefined;
    if (name !== undefined) found.set(name, `${found.get(name)}\n${line}`);
  }
  return found;
}

/** A text in quotes or a heredoc, as one line. */
function sentence(written: string | undefined): string {
  if (written === undefined) return '';
  const heredoc = /^<<-?(\w+)\n(.*?)\n\s*\1\s*$/s.exec(written.trimEnd());
  const text = heredoc ? (heredoc[2] ?? '') : (JSON.parse(written.trim()) as string);
  return text
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();
}

/** A type or a value that may go over lines, as one: what fmt lined up is drawn together, and what it parted gets commas. */
function expression(written: string): string {
  return written
    .split('\n')
    .map((line) =>
      line
        .replace(/(^|\s)#.*$/, '')
        .trim()
        .replace(/\s+= /, ' = '),
    )
    .filter((line) => line !== '')
    .reduce((joined, line) => {
      if (joined === '') return line;
      if (/[[{(]$/.test(joined)) return joined + (/[{]$/.test(joined) ? ' ' : '') + line;
      if (/^[\]})]/.test(line)) return joined.replace(/,$/, '') + (line.startsWith('}') ? ' ' : '') + line;
      return `${joined.replace(/,$/, '')}, ${line}`;
    }, '');
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
const code = (text: string) => `\`${text.replaceAll('|', '\\|')}\``;

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** The tables for a folder's README. */
export function tablesOf(folder: string): string {
  const blocks = readdirSync(folder)
    .filter((name) => name.endsWith('.tf'))
    .sort()
    .flatMap((name) => blocksOf(readFileSync(join(folder, name), 'utf8')));
  const of = (kind: string) => blocks.filter((block) => block.kind === kind);
  const settings = of('terraform')
    .map(({ body }) => body.replace(/^\s*#.*\n/gm, ''))
    .join('\n');
  const required = /required_version\s*=\s*"([^"]+)"/.exec(settings)?.[1];
  const providers = [...settings.matchAll(/source\s*=\s*"([^"]+)"\s*(?:version\s*=\s*"([^"]+)")?/g)];
  const versions = [
    ...(required ? [`Terraform ${code(required)}`] : []),
    ...providers.map(([, source = '', version]) => `${code(source)}${version ? ` ${code(version)}` : ''}`),
  ];
  const variables = of('variable').toSorted(
    (a, b) => Number(a.arguments.has('default')) - Number(b.arguments.has('default')),
  );
  const resources = [...new Set(of('resource').map(({ labels }) => labels[0] ?? ''))].sort();
  return [
    ...(versions.length > 0 ? [`Needs ${versions.join(', ')}.`] : []),
    ...(variables.length > 0
      ? [
          table(
            ['Variable', 'What it is', 'Type', 'Default'],
            variables.map(({ labels, arguments: given }) => [
              code(labels[0] ?? ''),
              cell(sentence(given.get('description'))) +
                (given.get('sensitive')?.trim() === 'true' ? ' (sensitive)' : ''),
              code(expression(given.get('type') ?? 'any')),
              given.has('default') ? code(expression(given.get('default') ?? '')) : '**required**',
            ]),
          ),
        ]
      : []),
    ...(of('output').length > 0
      ? [
          table(
            ['Output', 'What it is'],
            of('output').map(({ labels, arguments: given }) => [
              code(labels[0] ?? ''),
              cell(sentence(given.get('description'))) +
                (given.get('sensitive')?.trim() === 'true' ? ' (sensitive)' : ''),
            ]),
          ),
        ]
      : []),
    ...(resources.length > 0 ? [`Creates: ${resources.map(code).join(', ')}.`] : []),
  ].join('\n\n');
}

/** The README with its tables as they should be; undefined where it has no place for them. */
export function filled(readme: string, folder: string): string | undefined {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end < begin) return undefined;
  return `${readme.slice(0, begin + BEGIN.length)}\n${tablesOf(folder)}\n${readme.slice(end)}`;
}

/** Folders with variables of their own that a person is to fill in: modules and roots, and not their examples. */
export function documentedFolders(terraform: string): string[] {
  return readdirSync(terraform, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name === 'variables.tf')
    .map(({ parentPath }) => parentPath)
    .filter((folder) => !/(^|\/)(examples|fixtures|tests|\.terraform)(\/|$)/.test(relative(terraform, folder)))
    .sort();
}

function main(argv: readonly string[]): void {
  const terraform = join(ROOT, 'terraform');
  for (const folder of documentedFolders(terraform)) {
    const path = join(folder, 'README.md');
    const now = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    const should = now === undefined ? undefined : filled(now, folder);
    if (now === undefined || should === undefined) {
      process.stderr.write(`${relative(ROOT, path)}: ${now === undefined ? 'missing' : `no ${BEGIN} and ${END}`}\n`);
      process.exitCode = 1;
    } else if (now !== should && argv.includes('--check')) {
      process.stderr.write(`${relative(ROOT, path)}: not fresh; run: node scripts/terraform-docs.ts\n`);
      process.exitCode = 1;
    } else if (now !== should) {
      writeFileSync(path, should);
    }
  }
}

if (import.meta.main) main(process.argv.slice(2));
