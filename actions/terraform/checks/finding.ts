import type { Annotation } from '../../../lib/report.ts';

/** Something that a linter or a policy does not want. */
export interface Finding {
  /** tflint, conftest or checkov. */
  tool: string;
  rule: string;
  level: 'error' | 'warning';
  message: string;
  /** From the root of the repository. */
  file?: string;
  line?: number;
}

export function annotationOf({ tool, rule, level, message, file, line }: Finding): Annotation {
  return {
    level,
    title: `${tool}: ${rule}`,
    message,
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line }),
  };
}
