import { code, escapeText, heading } from '../../../lib/summary.ts';
import type { Finding } from '../checks/finding.ts';
import type { Cost } from '../checks/infracost.ts';
import { COMMENT_LIMIT } from '../github/comment.ts';
import type { RootName } from '../github/place.ts';
import { type Comparison, type Deed, deedsOf, encodeDeeds } from '../plan/digest.ts';
import type { PlanSummary } from '../plan/plan.ts';
import { planText } from './plan-text.ts';

export interface CommentFacts {
  root: RootName;
  plan: PlanSummary;
  values: boolean;
  findings: readonly Finding[];
  cost: Cost | undefined;
  /** Why the deploying run would not apply it; '' when it would. */
  refusal: string;
  sha: string;
  runUrl: string;
  tool: string;
}

/** Kept free for the marker, and for characters that GitHub may count twice. */
const RESERVE = 1_500;

/** The comment on a pull request, within GitHub's limit: the plan, what the checks found, what it costs. */
export function commentText(facts: CommentFacts): string {
  const { root, plan, sha, runUrl } = facts;
  const where = root.environment === '' ? code(root.name) : `${code(root.name)} (${escapeText(root.environment)})`;
  const link = runUrl === '' ? 'see the summary of the run' : `see the [summary of the run](${runUrl})`;
  const refusal = facts.refusal === '' ? '' : `> [!CAUTION]\n> It would be refused: ${escapeText(facts.refusal)}.\n\n`;
  const head = heading(3, `Terraform plan: ${where}`) + refusal;
  const sections = findingsText(facts.findings, 6_000) + costText(facts.cost);
  const foot = [
    `<sub>${escapeText(facts.tool)}, commit ${code(sha.slice(0, 12))}${runUrl === '' ? '' : `, [run](${runUrl})`}. `,
    'This plan is information: what deploys plans again.</sub>\n',
    encodeDeeds(deedsOf(plan)),
  ].join('');
  const room = COMMENT_LIMIT - RESERVE - head.length - sections.length - foot.length;
  return head + planText(plan, { room, values: facts.values, rest: link }) + sections + foot;
}

const ICONS = { error: '❌', warning: '⚠️' } as const;

/** What lint and policies found, the errors first. */
export function findingsText(findings: readonly Finding[], room: number): string {
  if (findings.length === 0) return '';
  const sorted = [...findings].sort((a, b) => Number(b.level === 'error') - Number(a.level === 'error'));
  let text = '';
  let shown = 0;
  for (const one of sorted) {
    const place =
      one.file === undefined ? '' : ` ${code(`${one.file}${one.line === undefined ? '' : `:${one.line}`}`)}`;
    const line = `- ${ICONS[one.level]} ${escapeText(one.tool)} ${code(one.rule)}${place}: ${escapeText(one.message)}\n`;
    if (text.length + line.length > room) break;
    text += line;
    shown++;
  }
  const more = sorted.length - shown;
  return `**Checks**\n\n${text}${more > 0 ? `- … and ${more} more\n` : ''}\n`;
}

export function costText(cost: Cost | undefined): string {
  if (!cost) return '';
  return `**Costs a month**: ${escapeText(cost.before)} → ${escapeText(cost.after)} ${escapeText(cost.currency)} (${escapeText(cost.difference)})\n\n`;
}

const SHOWN = 50;

/** How the plan that will be applied differs from the one that the reviewers of the pull request saw. */
export function comparisonText(pull: number, { added, gone }: Comparison): string {
  if (added.length + gone.length === 0) return `✅ It does what the plan of pull request #${pull} said.\n\n`;
  return [
    `> [!IMPORTANT]\n> It differs from the plan of pull request #${pull}.\n\n`,
    deedList('Only now', added),
    deedList('Only in the pull request', gone),
  ].join('');
}

function deedList(title: string, deeds: readonly Deed[]): string {
  if (deeds.length === 0) return '';
  const lines = deeds.slice(0, SHOWN).map(({ action, address, attributes }) => {
    const names = attributes
      .slice(0, 8)
      .map((name) => code(name))
      .join(', ');
    return `- ${action} ${code(address)}${names === '' ? '' : `: ${names}`}`;
  });
  const more = deeds.length - lines.length;
  return `${title}:\n\n${lines.join('\n')}\n${more > 0 ? `- … and ${more} more\n` : ''}\n`;
}
