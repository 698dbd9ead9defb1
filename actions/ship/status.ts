import { type LedgerEntry, lastDeployed } from '../../lib/ledger/ledger.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import type { ServiceStatus } from '../ecs-deploy/status.ts';
import type { HostStatus } from '../ssm-deploy/status.ts';
import { outcomeOf } from './journal.ts';
import type { ShipPorts } from './ports.ts';
import { entryOf, type Shipment } from './shipment.ts';

/** What a service or a set of hosts runs, in the terms that the ledger has too. */
export interface Live {
  taskDefinition: string;
  release: string;
  /** Digests that run. */
  digests: string[];
  revision: string;
  /** Why it is not whole and settled; '' when it is. */
  trouble: string;
}

/** Reads what runs from the outputs of ecs-deploy or ssm-deploy. */
export function liveOf(outputs: Readonly<Record<string, string>>): Live {
  if (outputs.status) {
    const status = JSON.parse(outputs.status) as ServiceStatus;
    return {
      taskDefinition: status.taskDefinition,
      release: status.release,
      digests: [...new Set(Object.values(status.digests).flat())],
      revision: Object.values(status.revisions)[0] ?? '',
      trouble: status.trouble,
    };
  }
  const hosts = JSON.parse(outputs.hosts || '[]') as HostStatus[];
  const digests = [...new Set(hosts.map((h) => h.digest).filter(Boolean))];
  const mixed = digests.length > 1 ? `the hosts run ${digests.length} different images` : '';
  // The whole fingerprint, where the hosts serve the release that the desired state is tagged with.
  const release = outputs['release-fingerprint'] ?? '';
  return { taskDefinition: '', release, digests, revision: outputs.revision ?? '', trouble: outputs.trouble || mixed };
}

/** What the ledger believes and what runs, where the two differ; sentences. */
export function differences(entry: LedgerEntry | undefined, live: Live): string[] {
  if (!entry) return ['the ledger holds no deployment, and something runs'];
  const found: string[] = [];
  const recorded = Object.values(entry.images ?? {}).flatMap((image) => image.split('@')[1] ?? []);
  const foreign = recorded.filter((digest) => !live.digests.includes(digest));
  if (recorded.length > 0 && foreign.length > 0)
    found.push(`the ledger says ${foreign.join(', ')}, and ${live.digests.join(', ') || 'nothing'} runs`);
  if (entry.taskDefinition && live.taskDefinition && entry.taskDefinition !== live.taskDefinition)
    found.push(
      `the ledger says ${short(entry.taskDefinition)}, and the service is set to ${short(live.taskDefinition)}`,
    );
  if (live.trouble !== '') found.push(live.trouble);
  return found;
}

const short = (arn: string) => arn.slice(arn.lastIndexOf('/') + 1);

/** Says what runs where, by the ledger and by the live service. A difference is a warning: to read is not to judge. */
export async function status(shipment: Shipment, ports: ShipPorts): Promise<Outcome> {
  const { component, environment } = shipment.inputs;
  const entries = (await ports.ledger.read(environment, [component])).get(component);
  const report = await shipment.journal.step('status', () => ports.steps.status());
  if (!isGood(report.outcome) && report.outputs.hosts === undefined) return report.outcome;
  const live = liveOf(report.outputs);
  const entry = lastDeployed(entries);
  shipment.taskDefinition = live.taskDefinition;
  shipment.releaseFingerprint = live.release;
  shipment.images = Object.entries(entry?.images ?? {}).map(([container, reference]) => ({
    container,
    reference,
    revision: entry?.revision ?? '',
    buildFingerprint: entry?.buildFingerprint ?? '',
  }));
  const differ =
    ports.ledger && shipment.inputs.ledger === 'none' ? [live.trouble].filter(Boolean) : differences(entry, live);
  shipment.notes.push(
    ...(entry ? [`By the ledger commit ${entry.commit.slice(0, 12)} serves since ${entry.at}`] : []),
    ...differ.map((d) => `⚠️ ${d}`),
  );
  for (const message of differ)
    shipment.annotations.push({ level: 'warning', title: `${component} in ${environment}`, message });
  shipment.outputs.status = JSON.stringify({
    component,
    environment,
    live,
    ledger: entry ?? null,
    differences: differ,
  });
  return { status: 'succeeded', cause: '' };
}

/** Writes what runs into the ledger: for a component that was deployed by the single actions, or by hand. */
export async function record(shipment: Shipment, ports: ShipPorts): Promise<Outcome> {
  const report = await shipment.journal.step('status', () => ports.steps.status());
  if (!isGood(report.outcome)) return report.outcome;
  const live = liveOf(report.outputs);
  if (live.trouble !== '')
    return {
      status: 'failed',
      cause: `what runs is not whole and settled, so it is not recorded as deployed: ${live.trouble}`,
      next: 'Wait for it, or deploy it again; then record it',
    };
  shipment.taskDefinition = live.taskDefinition;
  shipment.releaseFingerprint = live.release;
  shipment.images = imagesOf(report.outputs, live);
  const told = await shipment.journal.step('record', async () => {
    await ports.ledger.record(entryOf(shipment, 'deployed', '', ports));
    return { outcome: { status: 'succeeded', cause: '' }, outputs: {}, summary: '' };
  });
  return isGood(told.outcome) ? { status: 'succeeded', cause: '' } : outcomeOf(new Error(told.outcome.cause));
}

function imagesOf(outputs: Readonly<Record<string, string>>, live: Live): Shipment['images'] {
  const rest = { revision: live.revision, buildFingerprint: '' };
  if (outputs.status) {
    const { images } = JSON.parse(outputs.status) as ServiceStatus;
    return Object.entries(images).map(([container, reference]) => ({ container, reference, ...rest }));
  }
  const hosts = JSON.parse(outputs.hosts || '[]') as { image: string }[];
  const [first] = hosts;
  return first ? [{ container: '', reference: first.image, ...rest }] : [];
}
