import { humanDuration } from '../../lib/clock.ts';
import { type ServiceRef, serviceName, shortName } from '../../lib/ecs/names.ts';
import { type Outcome, outcomeLabel } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { code, codeBlock, details, escapeCell, escapeText, heading, mermaid, table } from '../../lib/summary.ts';
import { diffLines } from './definition/diff.ts';
import type { Release } from './planned-release.ts';
import type { Rollout } from './rollout/plan.ts';
import type { RunningDigests } from './running.ts';

export interface About {
  ref: ServiceRef;
  release: Release;
  /** ARN of the revision that the service was set to before. */
  previous: string;
}

export interface End {
  /** ARN of the revision that was to serve. */
  taskDefinition: string;
  outcome: Outcome;
  running: RunningDigests;
  rollout?: Rollout | undefined;
  dryRun?: boolean | undefined;
  /** More sections of the summary, in Markdown, after the facts. */
  sections?: string | undefined;
  outputs?: Record<string, string> | undefined;
}

/** The report of a deployment or rollback, with its section of the job summary. */
export function reportOf(about: About, end: End): Report {
  const { rollout, outcome, running } = end;
  return {
    outcome,
    outputs: {
      'task-definition-arn': end.taskDefinition,
      'previous-task-definition-arn': about.previous,
      'deployment-arn': rollout?.deployment ?? '',
      'codedeploy-deployment-id': rollout?.deployment.startsWith('d-') ? rollout.deployment : '',
      stage: rollout?.reached?.stage ?? '',
      paused: String(rollout?.reached?.pause !== undefined),
      'release-fingerprint': about.release.fingerprint,
      'running-digests': JSON.stringify(
        Object.fromEntries([...running].map(([name, digests]) => [name, [...digests].join(',')])),
      ),
      log: (rollout?.logs ?? [])
        .flatMap((l) => l.lines)
        .slice(-20)
        .join('\n'),
      ...end.outputs,
    },
    summary: summaryOf(about, end),
  };
}

function summaryOf({ ref, release, previous }: About, end: End): string {
  const { outcome, rollout } = end;
  const title = end.dryRun ? '📝 dry run' : outcomeLabel(outcome.status);
  return [
    heading(3, `${title}: ${escapeText(serviceName(ref))}`),
    outcome.cause === '' ? '' : `${escapeText(outcome.cause)}\n\n`,
    outcome.next ? `**Next:** ${escapeText(outcome.next)}\n\n` : '',
    facts(release, previous, end),
    end.sections ?? '',
    rollout ? failedTasks(rollout) : '',
    changes(release),
    rollout ? timeline(rollout) : '',
  ].join('');
}

function facts(release: Release, previous: string, { taskDefinition, rollout, dryRun }: End): string {
  const revision = dryRun
    ? `${code(shortName(taskDefinition))}, ${release.differences.length > 0 ? 'a new one would be registered' : 'no new one needed'}`
    : taskDefinition === previous
      ? code(shortName(previous))
      : `${code(shortName(previous))} → ${code(shortName(taskDefinition))}`;
  const rows = [
    ['Task definition', revision],
    ...[...release.images].map(([name, image]) => [`Image of ${escapeCell(name)}`, code(image)]),
    ['Release', code(release.fingerprint.slice(0, 16))],
    ...(rollout ? [['Took', humanDuration(rollout.endedAt - rollout.startedAt)]] : []),
    ...(rollout?.deployment ? [['Deployment', code(shortName(rollout.deployment))]] : []),
  ];
  return table(['', ''], rows);
}

function failedTasks({ seen, logs, health }: Rollout): string {
  const rows = seen.failures
    .slice(-10)
    .map((f) => [
      code(f.id.slice(0, 12)),
      escapeCell(f.stopCode),
      escapeCell(f.sentence),
      escapeCell(f.containers.map((c) => `${c.name}: ${c.exitCode ?? 'no exit code'}`).join(', ')),
    ]);
  const sick = health.filter((t) => t.state !== 'healthy');
  return [
    rows.length > 0 ? heading(4, 'Failed tasks') + table(['Task', 'Stop code', 'Cause', 'Exit codes'], rows) : '',
    sick.length > 0
      ? heading(4, 'Targets') +
        table(
          ['Target', 'State', 'Reason'],
          sick.map((t) => [t.target, t.state, t.reason].map(escapeCell)),
        )
      : '',
    ...logs.map(
      (l) => `Last lines of ${code(l.container)} in task ${code(l.task.slice(0, 12))}:\n\n${codeBlock(logText(l))}\n`,
    ),
  ].join('');
}

function logText({ lines, trouble }: Rollout['logs'][number]): string {
  if (lines.length > 0) return lines.join('\n');
  return trouble === undefined ? '(the container logged nothing)' : `(the log cannot be read: ${trouble})`;
}

function changes({ differences }: Release): string {
  if (differences.length === 0) return '';
  const lines = diffLines(differences);
  return details(`What changes (${lines.length})`, codeBlock(lines.join('\n'), 'diff'));
}

const CHART_MOMENTS = 2;

function timeline({ seen, startedAt, endedAt, outcome }: Rollout): string {
  const moments = [...seen.timeline].sort((a, b) => a.at - b.at);
  if (moments.length < CHART_MOMENTS) return '';
  const rows = moments.slice(-60).map((m) => [humanDuration(m.at - startedAt), escapeCell(m.text)]);
  return details(
    `Timeline (${humanDuration(endedAt - startedAt)})`,
    mermaid(chart(moments, startedAt, endedAt, outcome)) + table(['After', 'What happened'], rows),
  );
}

/** A bar from each thing that happened to the next; labels lose what Mermaid would read as syntax. */
function chart(
  moments: readonly { at: number; text: string }[],
  startedAt: number,
  endedAt: number,
  outcome: Outcome,
): string {
  const shown = moments.slice(-12);
  const bars = shown.map(({ at, text }, i) => {
    const until = shown[i + 1]?.at ?? endedAt;
    const label =
      text
        .replace(/[^\w ./()-]+/g, ' ')
        .slice(0, 60)
        .trim() || 'event';
    const mark = /stopped|unhealthy|failed/i.test(text) ? 'crit, ' : '';
    return `  ${label} :${mark}${at - startedAt}, ${Math.max(until, at + 1) - startedAt}`;
  });
  return ['gantt', '  dateFormat x', '  axisFormat %M:%S', `  section ${outcome.status}`, ...bars].join('\n');
}
