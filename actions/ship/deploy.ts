import { messageOf } from '../../lib/errors.ts';
import { type LedgerEntry, lastDeployed } from '../../lib/ledger/ledger.ts';
import { heldBy } from '../../lib/ledger/releases.ts';
import { isForced } from '../../lib/leg/leg.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { blockedCause, ledgerState } from './decide.ts';
import { outcomeOf } from './journal.ts';
import type { ShipPorts } from './ports.ts';
import { imagesFrom } from './promote.ts';
import { entryOf, identityOf, type Shipment } from './shipment.ts';

/** Build or promote, deploy, verify, go back when it is not healthy, and tell the ledger. */
export async function deploy(shipment: Shipment, ports: ShipPorts): Promise<Outcome> {
  const { inputs } = shipment;
  const { component, environment } = inputs;
  shipment.blocked = blockedCause(ports.config, component, await ports.results());
  if (shipment.blocked !== '')
    return { status: 'unchanged', cause: `blocked: ${shipment.blocked}; nothing was shipped` };
  const forced = isForced(inputs.force, component);
  const entries = await entriesOf(shipment, ports);
  const early = forced ? undefined : await supersededBy(entries, ports);
  if (early) return early;

  const failed = await prepare(shipment, ports);
  if (failed) return failed;
  shipment.releaseFingerprint = await ports.steps.fingerprint(shipment.images);
  // The build took its time: what was true before it may not be now.
  const now = await entriesOf(shipment, ports);
  const held = forced ? undefined : heldBy(now, shipment.releaseFingerprint);
  if (held) return stillHeld(held, environment);
  const late = forced ? undefined : await supersededBy(now, ports);
  if (late) return late;

  const outcome = await rollOut(shipment, now, ports);
  return recorded(shipment, outcome, now, ports);
}

async function entriesOf({ inputs }: Shipment, { ledger }: ShipPorts): Promise<LedgerEntry[]> {
  return (await ledger.read(inputs.environment, [inputs.component])).get(inputs.component) ?? [];
}

/** A run of an older commit, started again, must not take back what a newer one has shipped. */
async function supersededBy(entries: readonly LedgerEntry[], ports: ShipPorts): Promise<Outcome | undefined> {
  const last = lastDeployed(entries);
  const { sha } = ports.context;
  if (!last || last.commit === sha || sha === '') return undefined;
  if (!(await ports.isAncestor(sha, last.commit))) return undefined;
  const [ours, theirs] = [sha.slice(0, 12), last.commit.slice(0, 12)];
  return {
    status: 'superseded',
    cause: `${theirs}, which contains ${ours}, is deployed already (${last.runUrl || last.at})`,
    next: 'Use the operation `rollback` to go back on purpose, or `force` to ship this commit all the same',
  };
}

function stillHeld(held: LedgerEntry, environment: string): Outcome {
  return {
    status: 'rolled-back',
    cause: `this very release was rolled back in ${environment} at ${held.at} (${held.cause ?? 'no cause recorded'}) and is held`,
    next: `Change the component, or ship it all the same with \`force\`. The run that rolled it back: ${held.runUrl || 'unknown'}`,
  };
}

/** Fills in the images. @returns the outcome when there are none to deploy. */
async function prepare(shipment: Shipment, ports: ShipPorts): Promise<Outcome | undefined> {
  const from = ports.config.environment.after;
  const report = await shipment.journal.step(from ? `promote from ${from}` : 'build', async () => {
    const { report, images, commit } = await imagesFrom(shipment, ports);
    shipment.images = images;
    if (commit !== undefined) shipment.commit = commit;
    return report;
  });
  return isGood(report.outcome) ? undefined : report.outcome;
}

async function rollOut(shipment: Shipment, entries: readonly LedgerEntry[], ports: ShipPorts): Promise<Outcome> {
  const { steps } = ports;
  const { journal, images } = shipment;
  const known = lastDeployed(entries);
  const unmeasured =
    known?.releaseFingerprint === shipment.releaseFingerprint ? undefined : await measure(shipment, ports);
  if (unmeasured) return unmeasured;
  const deployed = await journal.step('deploy', () => steps.deploy(images, revisionsOf(entries)));
  take(shipment, deployed);
  if (!isGood(deployed.outcome)) return deployed.outcome;
  if (deployed.outcome.status === 'unchanged' && known?.releaseFingerprint === shipment.releaseFingerprint) {
    shipment.notes.push('It was verified when it was deployed, and nothing has changed since');
    return deployed.outcome;
  }
  const verified = await verify(shipment, ports);
  if (verified === undefined || isGood(verified.outcome)) return deployed.outcome;
  if (verified.outcome.status === 'stopped') return verified.outcome;
  if (keepsFailure(ports)) return left(verified.outcome);
  return goBack(shipment, deployed, verified.outcome, known, ports);
}

/** Measures what serves now, where verification is to compare with it. @returns the outcome when that cannot even be begun */
async function measure({ journal }: Shipment, { component, steps }: ShipPorts): Promise<Outcome | undefined> {
  const { soak, baseline = false } = component.verify ?? {};
  if (!soak || baseline === false) return undefined;
  const report = await journal.step(
    'measure what serves',
    async () => (await steps.baseline()) ?? { outcome: { status: 'unchanged', cause: '' }, outputs: {}, summary: '' },
  );
  return isGood(report.outcome) ? undefined : report.outcome;
}

/** `rollback-on-failure: false` of the component: whoever asks for that wants to look at what failed. */
function keepsFailure({ component: { deploy } }: ShipPorts): boolean {
  return 'rollback-on-failure' in deploy && deploy['rollback-on-failure'] === false;
}

function left(why: Outcome): Outcome {
  return {
    status: 'failed',
    cause: `it was deployed, but verification ended as ${why.status}: ${why.cause}; it was left as it is (rollback-on-failure: false)`,
    next: `${VERIFY_NEXT}, or run the operation \`rollback\``,
  };
}

/** Every revision that the ledger names: a rollback may go to any of them. */
function revisionsOf(entries: readonly LedgerEntry[]): string[] {
  return [...new Set(entries.flatMap(({ taskDefinition }) => taskDefinition || []))];
}

function take(shipment: Shipment, { outputs }: Report): void {
  shipment.taskDefinition = outputs['task-definition-arn'] ?? '';
  shipment.releaseFingerprint = outputs['release-fingerprint'] || shipment.releaseFingerprint;
  if (outputs.log) shipment.log = outputs.log.split('\n').slice(-20);
}

async function verify(shipment: Shipment, { steps }: ShipPorts): Promise<Report | undefined> {
  let nothing = false;
  const report = await shipment.journal.step('verify', async () => {
    const verified = await steps.verify(identityOf(shipment.images));
    nothing = verified === undefined;
    return (
      verified ?? { outcome: { status: 'unchanged', cause: 'the component has no `verify`' }, outputs: {}, summary: '' }
    );
  });
  return nothing ? undefined : report;
}

/** It runs, but it is not well: what served before is put back, and has to be well itself. */
async function goBack(
  shipment: Shipment,
  deployed: Report,
  why: Outcome,
  known: LedgerEntry | undefined,
  { steps }: ShipPorts,
): Promise<Outcome> {
  const { journal } = shipment;
  const failed = `it was deployed, but verification ended as ${why.status}: ${why.cause}`;
  const ran = deployed.outcome.status === 'unchanged';
  // A run that was stopped while it verified leaves this release in place: what was there before is what the ledger has as verified.
  const verified = known?.releaseFingerprint === shipment.releaseFingerprint ? '' : (known?.taskDefinition ?? '');
  const previous = ran ? verified : (deployed.outputs['previous-task-definition-arn'] ?? '');
  if ((ran && previous === '') || (previous !== '' && previous === shipment.taskDefinition))
    return {
      status: 'failed',
      cause: `${failed}; it ran before already, so there is nothing to go back to`,
      next: VERIFY_NEXT,
    };
  const back = await journal.step('roll back', () => steps.rollback(previous, deployed.outputs['previous-release']));
  if (!isGood(back.outcome)) {
    const cause = `${failed}; putting the release before it back ended as ${back.outcome.status}: ${back.outcome.cause}`;
    return {
      status: 'failed',
      cause,
      next: 'What runs is not what it should be: look at the service, then run the operation `rollback`',
    };
  }
  const digest = Object.values(known?.images ?? {})[0]?.split('@')[1] ?? '';
  const identity = { revision: known?.revision ?? '', digest };
  const again = identity.revision === '' ? undefined : await verifyRestored(shipment, identity, steps);
  const health =
    again === undefined ? '' : isGood(again) ? ' and is healthy' : `, but is not healthy either (${again.cause})`;
  return { status: 'rolled-back', cause: `${failed}; the release before it serves again${health}`, next: VERIFY_NEXT };
}

const VERIFY_NEXT = 'The summary has the answers that were seen and the log; correct the cause and push again';

async function verifyRestored(
  shipment: Shipment,
  identity: { revision: string; digest: string },
  steps: ShipPorts['steps'],
) {
  const report = await shipment.journal.step('verify what was put back', async () => {
    const verified = await steps.verify(identity, true);
    return verified ?? { outcome: { status: 'unchanged', cause: '' }, outputs: {}, summary: '' };
  });
  return report.outcome;
}

/** Writes the ledger. A deployment that the ledger does not know of is not finished: later runs would judge by the wrong one. */
async function recorded(
  shipment: Shipment,
  outcome: Outcome,
  entries: readonly LedgerEntry[],
  ports: ShipPorts,
): Promise<Outcome> {
  const state = ledgerState(outcome.status);
  if (state === undefined) return outcome;
  const entry = entryOf(shipment, state, outcome.cause, ports);
  const last = lastDeployed(entries);
  const known =
    entries[0] === last && last?.commit === entry.commit && last.releaseFingerprint === entry.releaseFingerprint;
  if (outcome.status === 'unchanged' && known) return outcome;
  try {
    await ports.ledger.record(entry);
    return outcome;
  } catch (error) {
    const { cause, next } = outcomeOf(error);
    if (!isGood(outcome)) {
      shipment.notes.push(`The ledger does not know of this: ${messageOf(error)}`);
      return outcome;
    }
    return {
      status: 'failed',
      cause: `it is deployed and healthy, but the ledger does not know: ${cause}`,
      ...(next && { next }),
    };
  }
}
