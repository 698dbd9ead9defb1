import { join } from 'node:path';
import type { Finding } from './finding.ts';
import { jsonOf, nearestFile, type ToolPorts } from './tool.ts';

interface Range {
  filename?: string;
  start?: { line?: number };
}

interface Output {
  issues?: { rule?: { name?: string; severity?: string }; message?: string; range?: Range }[];
  errors?: { summary?: string; message?: string; range?: Range }[];
}

/** What TFLint finds in a root; nothing where it is not installed. The nearest .tflint.hcl says which rules. */
export async function tflint(folder: string, root: string, ports: ToolPorts): Promise<Finding[]> {
  const program = await ports.find('tflint');
  if (program === undefined) {
    ports.log.info('tflint is not installed: no lint beyond terraform validate');
    return [];
  }
  const config = nearestFile('.tflint.hcl', folder, root);
  const argv = ['--format=json', '--no-color', ...(config === undefined ? [] : [`--config=${config}`])];
  return readTflint(await jsonOf([program, ...argv], folder, ports), root);
}

/** Source: terraform-linters/tflint, formatter/json.go. */
export function readTflint(json: unknown, root: string): Finding[] {
  const { issues = [], errors = [] } = json as Output;
  const place = (range: Range | undefined) => ({
    ...(range?.filename && { file: join(root, range.filename).replaceAll('\\', '/') }),
    ...(range?.start?.line !== undefined && { line: range.start.line }),
  });
  return [
    ...errors.map(({ summary, message, range }) => ({
      tool: 'tflint',
      rule: 'error',
      level: 'error' as const,
      message: [summary, message].filter(Boolean).join(': '),
      ...place(range),
    })),
    ...issues.map(({ rule, message = '', range }) => ({
      tool: 'tflint',
      rule: rule?.name ?? '',
      level: rule?.severity === 'error' ? ('error' as const) : ('warning' as const),
      message,
      ...place(range),
    })),
  ];
}
