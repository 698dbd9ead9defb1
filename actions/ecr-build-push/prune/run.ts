import type { ImageFailure } from '@aws-sdk/client-ecr';
import { Problem } from '../../../lib/errors.ts';
import type { LedgerEntry } from '../../../lib/ledger/ledger.ts';
import type { Log } from '../../../lib/log.ts';
import type { Outcome } from '../../../lib/outcome.ts';
import type { Report } from '../../../lib/report.ts';
import type { EcsPlace } from './places.ts';
import { type Decision, planOf, type StoredManifest } from './plan.ts';
import { pruneSummary } from './summary.ts';
import { Usage } from './usage.ts';

export interface PruneSettings {
  repository: string;
  keepNewest: number;
  keepTags: readonly string[];
  minAgeMs: number;
  rollbackDepth: number;
  dryRun: boolean;
  /** github, git or none. */
  ledger: string;
}

export interface PrunePorts {
  log: Log;
  now(): number;
  places(): Promise<EcsPlace[]>;
  inventory(): Promise<StoredManifest[]>;
  ledger(depth: number): Promise<LedgerEntry[]>;
  addEcs(usage: Usage, place: EcsPlace): Promise<void>;
  remove(digests: readonly string[]): Promise<ImageFailure[]>;
}

/**
 * Deletes what nothing needs. What is stored is read first and what is used after it, right before anything goes; whatever
 * cannot be read ends the run with nothing deleted.
 */
export async function prune(settings: PruneSettings, ports: PrunePorts): Promise<Report> {
  const { log } = ports;
  const places = await ports.places();
  const images = await ports.inventory();
  log.info(`${settings.repository} holds ${images.length} manifests`);
  const usage = await usageOf(settings, places, ports);
  const now = ports.now();
  const { keepNewest, keepTags, minAgeMs, dryRun } = settings;
  const usersOf = usage.of.bind(usage);
  const { decisions, batches } = planOf(images, { keepNewest, keepTags, minAgeMs, now, usersOf });
  tell(decisions, log);
  const left = dryRun ? [] : await remove(batches, ports);
  const gone = batches.flat().filter((digest) => !left.some((l) => l.digest === digest));
  const sources = [
    ...(settings.ledger === 'none' ? [] : [`the ledger (${settings.ledger})`]),
    ...places.map(({ region, role }) => `ECS in ${region}${role ? ` by ${role}` : ''}`),
  ];
  const notes = sources.length > 0 ? [] : ['Nothing was asked what runs: only age and number decided.'];
  return {
    outcome: outcomeOf(gone.length, left, dryRun),
    outputs: { repository: settings.repository, deleted: gone.join('\n') },
    summary: pruneSummary({ repository: settings.repository, dryRun, decisions, left, sources, notes, now }),
    annotations: notes.map((message) => ({ level: 'warning', message })),
  };
}

async function usageOf(settings: PruneSettings, places: readonly EcsPlace[], ports: PrunePorts): Promise<Usage> {
  const usage = new Usage(settings.repository);
  if (settings.ledger !== 'none') usage.addLedger(await ports.ledger(settings.rollbackDepth));
  for (const place of places) await ports.addEcs(usage, place);
  const asked = settings.ledger !== 'none' || places.length > 0;
  if (asked && usage.looked === 0) throw nothingRuns(places);
  ports.log.info(`${usage.looked} ledger entries, task definitions and tasks were looked at`);
  return usage;
}

/** A wrong region or ledger looks just like a place in which nothing was ever deployed. */
function nothingRuns(places: readonly EcsPlace[]): Problem {
  const where = places.map(({ region }) => region).join(', ');
  return new Problem({
    what: 'what runs',
    cause: `no ledger has an entry, and ECS has no task definition${where ? ` in ${where}` : ''}; nothing is deleted on such a word`,
    fix: 'Check `ledger`, `region` and `ecs-places`; where ECS really runs none of these images, set `ecs-places: none` and `ledger: none`',
    kind: 'not-found',
  });
}

function tell(decisions: readonly Decision[], log: Log): void {
  for (const { image, action, why, root } of decisions) {
    const line = `${action === 'delete' ? 'delete' : 'keep  '} ${image.digest} ${image.tags.join(' ')} (${why})`;
    if (root) log.info(line);
    else log.debug(line);
  }
}

/** Level by level: ECR does not let go of what an index is made of before the index. */
async function remove(batches: readonly string[][], ports: PrunePorts): Promise<{ digest: string; reason: string }[]> {
  const left: { digest: string; reason: string }[] = [];
  for (const digests of batches) {
    const failures = await ports.remove(digests);
    left.push(
      ...failures.map(({ imageId, failureCode, failureReason }) => ({
        digest: imageId?.imageDigest ?? '',
        reason: `${failureCode ?? ''}: ${failureReason ?? ''}`,
      })),
    );
  }
  return left;
}

function outcomeOf(gone: number, left: readonly { digest: string; reason: string }[], dryRun: boolean): Outcome {
  const [first] = left;
  if (first) {
    const cause = `ECR did not delete ${left.length} of ${gone + left.length}: ${first.digest.slice(0, 19)}: ${first.reason}`;
    return { status: 'failed', cause, next: 'Run it again; what is left is deleted then' };
  }
  if (dryRun) return { status: 'unchanged', cause: `dry run: ${gone} manifests would be deleted` };
  if (gone === 0) return { status: 'unchanged', cause: 'everything is needed, or among the newest' };
  return { status: 'succeeded', cause: '' };
}
