import type { JsonObject } from '../../../lib/ecs/json.ts';
import { messageOf, Problem } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import { code, details, escapeCell, heading, table } from '../../../lib/summary.ts';
import type { Account } from './account.ts';
import { ask, subjectOf } from './answers.ts';
import { checkDefinition, type ServiceFacts } from './definition-checks.ts';
import { type Finding, type Findings, together } from './findings.ts';
import { type Question, questionsOf } from './questions.ts';

export interface PreflightPorts {
  /** Without it only what is written can be judged. */
  account?: Account | undefined;
  log: Log;
  signal: AbortSignal;
}

/** Looks at everything that would make the deployment fail, all at once. @throws Problem kind `cancelled` only. */
export async function preflight(
  definition: JsonObject,
  service: ServiceFacts,
  region: string,
  { account, log, signal }: PreflightPorts,
): Promise<Findings> {
  const written: Findings = { problems: checkDefinition(definition, service), skipped: [] };
  const questions = questionsOf(definition, region);
  const asked = account ? await Promise.all(questions.map((q) => askOne(q, definition, account, signal))) : [];
  const found = together([written, ...asked]);
  for (const { what, why } of found.skipped) log.info(`Preflight could not look at ${what}: ${why}`);
  return found;
}

/** A question that cannot be answered is no problem of the deployment. */
async function askOne(
  question: Question,
  definition: JsonObject,
  account: Account,
  signal: AbortSignal,
): Promise<Findings> {
  try {
    return { problems: await ask(question, definition, account), skipped: [] };
  } catch (error) {
    if (signal.aborted) throw error;
    const why = error instanceof Problem ? reasonOf(error) : messageOf(error);
    return { problems: [], skipped: [{ what: subjectOf(question), why }] };
  }
}

/** The permission, where that is what lacks: a reader may want to add it, and need not. */
function reasonOf(problem: Problem): string {
  const [operation = ''] = problem.parts.what.split(' on ');
  if (problem.kind === 'cancelled') return `${operation} did not answer in time`;
  return problem.kind === 'denied' ? `${operation} is not allowed` : problem.finding;
}

/** The deployment's outcome when preflight found problems: one that names them all. */
export function refusal(problems: readonly Finding[]): Outcome {
  const [first] = problems;
  const sentences = problems.map(({ what, seen, cause, fix }) => new Problem({ what, seen, cause, fix }));
  const cause =
    problems.length === 1 && first
      ? `preflight: ${sentences[0]?.finding}; nothing was changed`
      : `preflight found ${problems.length} problems, and nothing was changed:\n${sentences.map((p) => `  - ${p.message}`).join('\n')}`;
  return {
    status: 'failed',
    cause,
    next: problems.length === 1 && first ? first.fix : 'Correct them all; then run this again',
  };
}

export function preflightSummary({ problems, skipped }: Findings): string {
  const rows = problems.map((p) => [
    escapeCell(p.what),
    p.seen === undefined ? '' : code(p.seen),
    escapeCell(p.cause),
    escapeCell(p.fix),
  ]);
  return [
    rows.length > 0 ? heading(4, 'Preflight') + table(['What', 'Seen', 'Why not', 'What to do'], rows) : '',
    skipped.length > 0
      ? details(
          `Preflight could not look at everything (${skipped.length})`,
          table(
            ['What', 'Why'],
            skipped.map((s) => [escapeCell(s.what), escapeCell(s.why)]),
          ),
        )
      : '',
  ].join('');
}
