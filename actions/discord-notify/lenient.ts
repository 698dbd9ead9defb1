import { messageOf } from '../../lib/errors.ts';
import type { Report } from '../../lib/report.ts';
import type { Edge } from '../../lib/runner.ts';
import { escapeCell, heading } from '../../lib/summary.ts';

/** Turns whatever goes wrong into a warning, a misspelt input or a broken result file too: no deployment fails over its message. */
export async function leniently({ input }: Pick<Edge, 'input'>, body: () => Promise<Report>): Promise<Report> {
  try {
    return await body();
  } catch (error) {
    if (isTrue(input('fail-on-error')) || isFalse(input('nofail'))) throw error;
    const cause = messageOf(error);
    return {
      outcome: { status: 'unchanged', cause },
      outputs: { 'message-id': input('message-id'), sent: 'false', payload: '' },
      summary: `${heading(3, 'Discord was not told')}${escapeCell(cause)}\n\n`,
      annotations: [{ level: 'warning', title: 'Discord was not told', message: cause }],
    };
  }
}

// Not by the schema of inputs: that may be what failed.
const isTrue = (text: string) => text.trim().toLowerCase() === 'true';
const isFalse = (text: string) => text.trim().toLowerCase() === 'false';
