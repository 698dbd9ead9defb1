import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, Problem } from '../../../lib/errors.ts';
import type { BuildInputs } from '../inputs.ts';
import { type Ignore, parseIgnores } from './ignores.ts';
import type { Policy } from './judge.ts';

type GateInputs = Pick<BuildInputs, 'fail-on' | 'ignore-findings' | 'ignore-file' | 'ignore-unfixed'>;

/** What fails the step, from the inputs and the file that they name. @throws Problem for a line or a file that cannot be used */
export async function policyOf(inputs: GateInputs, workspace: string, now: number): Promise<Policy> {
  const given = parseIgnores(inputs['ignore-findings'], "input 'ignore-findings'");
  return {
    failOn: inputs['fail-on'],
    ignores: [...given, ...(await fromFile(inputs['ignore-file'], workspace))],
    ignoreUnfixed: inputs['ignore-unfixed'],
    today: new Date(now).toISOString().slice(0, 10),
  };
}

async function fromFile(file: string, workspace: string): Promise<Ignore[]> {
  if (file === '') return [];
  try {
    return parseIgnores((await readFile(resolve(workspace, file), 'utf8')).split('\n'), 'ignore file', file);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem({
      what: "input 'ignore-file'",
      seen: file,
      cause: `it cannot be read (${messageOf(error)})`,
      fix: 'Name a file of the checkout, from its root, or leave it empty',
      underlying: error,
    });
  }
}
