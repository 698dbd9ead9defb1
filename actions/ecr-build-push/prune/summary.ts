import { code, escapeCell, heading, table } from '../../../lib/summary.ts';
import type { Decision } from './plan.ts';

/** Rows of the table: the summary has a limit, and so have readers. The deleted come first. */
const ROWS = 300;

export interface PruneFacts {
  repository: string;
  dryRun: boolean;
  decisions: readonly Decision[];
  /** Digests that ECR would not delete, with its reason. */
  left: readonly { digest: string; reason: string }[];
  /** Where was looked for what is used. */
  sources: readonly string[];
  notes: readonly string[];
  now: number;
}

/** What was deleted, what stays, and why: image by image. Parts and signatures are counted with theirs. */
export function pruneSummary(facts: PruneFacts): string {
  const { repository, dryRun, decisions, left, sources, notes, now } = facts;
  const gone = decisions.filter((d) => d.action === 'delete');
  const roots = decisions.filter((d) => d.root).toSorted(byFate);
  const bytes = gone.filter((d) => d.root).reduce((sum, d) => sum + d.image.sizeInBytes, 0);
  const verb = dryRun ? 'Would delete' : 'Deleted';
  const rows = roots.slice(0, ROWS).map((d) => row(d, dryRun, now));
  return [
    heading(3, `${verb} ${counted(gone)} of ${repository}`),
    `${decisions.length - gone.length} of ${decisions.length} manifests stay; up to ${megabytes(bytes)} MB of layers ${dryRun ? 'would go' : 'go'} (shared ones stay). `,
    `Looked for what is used in ${sources.map(escapeCell).join(', ') || 'nothing'}.\n\n`,
    ...notes.map((note) => `> [!WARNING]\n> ${note}\n\n`),
    left.length > 0
      ? table(
          ['Not deleted', 'ECR says'],
          left.map((l) => [code(l.digest.slice(0, 19)), escapeCell(l.reason)]),
        )
      : '',
    rows.length > 0 ? table(['', 'Image', 'Tags', 'Age', 'Why'], rows) : '',
    roots.length > ROWS ? `${roots.length - ROWS} more images that stay are not listed.\n\n` : '',
  ].join('');
}

function counted(gone: readonly Decision[]): string {
  const roots = gone.filter((d) => d.root).length;
  const parts = gone.length - roots;
  return `${roots} ${roots === 1 ? 'image' : 'images'}${parts > 0 ? ` (and ${parts} parts of them)` : ''}`;
}

function row({ image, action, why }: Decision, dryRun: boolean, now: number): string[] {
  const tags = image.tags.slice(0, 5).map(code).join(' ');
  const more = image.tags.length > 5 ? ` and ${image.tags.length - 5} more` : '';
  const fate = action === 'keep' ? 'kept' : dryRun ? 'would be deleted' : 'deleted';
  const days = Math.floor((now - image.pushedAt) / (24 * 3600 * 1000));
  return [fate, code(image.digest.slice(0, 19)), tags + more, `${days} d`, escapeCell(why)];
}

function byFate(a: Decision, b: Decision): number {
  return a.action.localeCompare(b.action) || b.image.pushedAt - a.image.pushedAt;
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
