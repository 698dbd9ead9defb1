import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

// Writes the tables of inputs and outputs into each action's README, from its action.yml: `node scripts/action-docs.ts`.

export interface ActionFile {
  name: string;
  description: string;
  inputs?: Record<string, { description: string; default?: string; required?: boolean }>;
  outputs?: Record<string, { description: string; value?: string }>;
  runs: { using: string; main?: string };
}

const root = new URL('..', import.meta.url).pathname;

export interface Room {
  name: string;
  file: string;
  readme: string;
  action: ActionFile;
}

/** All actions of the repository; the one at the root is `ship`. */
export function rooms(): Room[] {
  const names = readdirSync(join(root, 'actions')).filter((name) => !name.startsWith('.'));
  return names.flatMap((name) => {
    const own = join(root, 'actions', name, 'action.yml');
    const file = existsSync(own) ? own : join(root, 'action.yml');
    if (!existsSync(file)) return [];
    return [
      {
        name,
        file,
        readme: join(root, 'actions', name, 'README.md'),
        action: parse(readFileSync(file, 'utf8')) as ActionFile,
      },
    ];
  });
}

const cell = (text: string) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();

function table(header: string[], rows: string[][]): string {
  return [header, header.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** The README with its two tables as action.yml has them now. */
export function withTables(readme: string, { inputs = {}, outputs = {} }: ActionFile): string {
  const inputRows = Object.entries(inputs).map(([name, { description, default: value }]) => [
    `\`${name}\``,
    cell(description),
    value === undefined || value.trim() === '' ? '' : `\`${cell(value)}\``,
  ]);
  const outputRows = Object.entries(outputs).map(([name, { description }]) => [`\`${name}\``, cell(description)]);
  return fill(
    fill(readme, 'inputs', table(['Input', 'What it is', 'Default'], inputRows)),
    'outputs',
    table(['Output', 'What it is'], outputRows),
  );
}

function fill(readme: string, marker: string, content: string): string {
  const pattern = new RegExp(`(<!-- ${marker} -->\n)[\\s\\S]*?(<!-- /${marker} -->)`);
  if (!pattern.test(readme)) throw new Error(`the README has no <!-- ${marker} --> … <!-- /${marker} -->`);
  return readme.replace(pattern, (_, open: string, close: string) => `${open}${content}\n${close}`);
}

if (import.meta.main) {
  for (const { readme, action } of rooms().filter((r) => existsSync(r.readme)))
    writeFileSync(readme, withTables(readFileSync(readme, 'utf8'), action));
}
