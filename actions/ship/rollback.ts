import { Problem } from '../../lib/errors.ts';
import { type LedgerEntry, lastDeployed } from '../../lib/ledger/ledger.ts';
import { previousRelease } from '../../lib/ledger/releases.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import { outcomeOf } from './journal.ts';
import type { ShipPorts } from './ports.ts';
import { entryOf, type Shipment } from './shipment.ts';

/** Goes back to the release that the ledger holds as verified before the current one, and holds the current one back. */
export async function rollback(shipment: Shipment, ports: ShipPorts): Promise<Outcome> {
  const { inputs, journal } = shipment;
  const { component, environment } = inputs;
  const entries = (await ports.ledger.read(environment, [component])).get(component) ?? [];
  const goal = goalOf(inputs, entries);
  const current = lastDeployed(entries);
  const taskDefinition = inputs['task-definition'] || goal?.taskDefinition || '';
  if (!goal && inputs.ledger !== 'none' && taskDefinition === '') throw nothingBefore(component, environment);
  const back = await journal.step('roll back', () => ports.steps.rollback(taskDefinition, goal?.releaseFingerprint));
  if (!isGood(back.outcome)) return back.outcome;
  shipment.taskDefinition = back.outputs['task-definition-arn'] ?? '';
  shipment.releaseFingerprint = goal?.releaseFingerprint ?? back.outputs['release-fingerprint'] ?? '';
  if (goal) {
    shipment.commit = goal.commit;
    shipment.images = imagesOf(goal);
  }
  const outcome = await verified(shipment, goal, back.outcome, ports);
  if (isGood(outcome)) await tell(shipment, current, goal, ports);
  return outcome;
}

function goalOf({ 'task-definition': wanted }: Shipment['inputs'], entries: readonly LedgerEntry[]) {
  if (wanted === '') return previousRelease(entries);
  return entries.find(
    (e) => e.state === 'deployed' && (e.taskDefinition === wanted || e.taskDefinition?.endsWith(`/${wanted}`)),
  );
}

function imagesOf({ images = {}, revision = '', buildFingerprint = '' }: LedgerEntry): Shipment['images'] {
  return Object.entries(images).map(([container, reference]) => ({ container, reference, revision, buildFingerprint }));
}

async function verified(
  shipment: Shipment,
  goal: LedgerEntry | undefined,
  outcome: Outcome,
  { steps }: ShipPorts,
): Promise<Outcome> {
  if (!goal?.revision) return outcome;
  const digest = Object.values(goal.images ?? {})[0]?.split('@')[1] ?? '';
  const report = await shipment.journal.step('verify', async () => {
    const answer = await steps.verify({ revision: goal.revision ?? '', digest }, true);
    return (
      answer ?? { outcome: { status: 'unchanged', cause: 'the component has no `verify`' }, outputs: {}, summary: '' }
    );
  });
  if (isGood(report.outcome)) return outcome;
  return {
    status: 'failed',
    cause: `the release before serves again, but is not healthy: ${report.outcome.cause}`,
    next: 'Roll back further with `task-definition`, or ship a correction',
  };
}

/** The release that was left is held: the next push would ship it again otherwise. The one that serves is told last. */
async function tell(
  shipment: Shipment,
  current: LedgerEntry | undefined,
  goal: LedgerEntry | undefined,
  ports: ShipPorts,
): Promise<void> {
  const { clock, context, ledger } = ports;
  try {
    if (current && current !== goal) {
      const by = context.actor ? ` by ${context.actor}` : '';
      const at = new Date(clock.now()).toISOString();
      await ledger.record({ ...current, state: 'held', runUrl: context.runUrl, at, cause: `rolled back by hand${by}` });
    }
    await ledger.record(entryOf(shipment, 'deployed', '', ports));
  } catch (error) {
    shipment.notes.push(`The ledger does not know of the rollback: ${outcomeOf(error).cause}`);
    shipment.annotations.push({ level: 'warning', title: 'Not recorded', message: outcomeOf(error).cause });
  }
}

function nothingBefore(component: string, environment: string): Problem {
  return new Problem({
    what: `component ${component} in environment ${environment}`,
    cause: 'the ledger holds no earlier release that was verified and is not held back',
    fix: 'Name the revision in `task-definition`, or use `ledger: none` to go by what ECS or the hosts remember',
    kind: 'not-found',
  });
}
