import { Problem } from '../errors.ts';

export type ConfigPath = readonly (string | number)[];

/** One thing that is wrong in a config file, before it is known where in the text it stands. */
export interface Mistake {
  path: ConfigPath;
  /** The value, where showing it helps and it is no secret. */
  seen?: string | undefined;
  cause: string;
  fix: string;
}

export interface Position {
  line: number;
  column: number;
}

/** A config path as a person writes it: components.web.paths[0]. */
export function pathText(path: ConfigPath): string {
  return path
    .map((key, i) => {
      if (typeof key === 'number') return `[${key}]`;
      const plain = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
      return i === 0 ? plain : `.${plain}`;
    })
    .join('');
}

/** One Problem for all mistakes in a file, each with file:line:column, path, value, cause and fix. */
export function configProblem(
  file: string,
  mistakes: readonly Mistake[],
  locate: (path: ConfigPath) => Position,
): Problem {
  const problems = mistakes
    .map((mistake) => ({ mistake, position: locate(mistake.path) }))
    .sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column)
    .map(({ mistake, position }) => one(file, mistake, position));
  const [first] = problems;
  if (problems.length === 1 && first) return first;
  return new Problem({
    what: file,
    cause: `it has ${problems.length} mistakes:\n${problems.map((p) => `  - ${p.message}`).join('\n')}\n`,
    fix: 'Correct them; docs/slipway-yml.md explains every key',
    kind: 'config',
    file,
    line: first?.parts.line,
    column: first?.parts.column,
  });
}

function one(file: string, { path, seen, cause, fix }: Mistake, { line, column }: Position): Problem {
  const where = `${file}:${line}:${column}`;
  return new Problem({
    what: path.length === 0 ? where : `${where}: ${pathText(path)}`,
    seen,
    cause,
    fix,
    kind: 'config',
    file,
    line,
    column,
  });
}
