import { pinnedDigest, repositoryOf } from '../../lib/ecs/names.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import type { Outcome } from '../../lib/outcome.ts';
import type { Annotation } from '../../lib/report.ts';
import type { Result } from '../../lib/result.ts';
import type { ShipInputs } from './inputs.ts';
import type { Journal } from './journal.ts';
import type { Identity, Image, ShipPorts } from './ports.ts';

/** Everything one run of ship has found out and done, from which outputs, summary, ledger and result file are made. */
export interface Shipment {
  inputs: ShipInputs;
  journal: Journal;
  images: Image[];
  releaseFingerprint: string;
  /** ARN of the task definition; '' on hosts. */
  taskDefinition: string;
  /** The commit that the ledger gets: this run's, or that of the release that was promoted or put back. */
  commit: string;
  /** Last log lines of what failed. */
  log: string[];
  /** What differs or was decided, in sentences. */
  notes: string[];
  annotations: Annotation[];
  /** Set when it was not tried because something that it needs did not end well. */
  blocked: string;
  outputs: Record<string, string>;
}

export function newShipment(inputs: ShipInputs, journal: Journal, { context }: ShipPorts): Shipment {
  return {
    inputs,
    journal,
    images: [],
    releaseFingerprint: '',
    taskDefinition: '',
    commit: context.sha,
    log: [],
    notes: [],
    annotations: [],
    blocked: '',
    outputs: {},
  };
}

/** NAME@sha256:…: the same digest lives in many registries, and a host may be masked on its way to another job. */
export function portable(reference: string): string {
  const digest = pinnedDigest(reference);
  return digest ? `${repositoryOf(reference)}@${digest}` : repositoryOf(reference);
}

/** The identity that verification expects: that of the first image. */
export function identityOf(images: readonly Image[]): Identity {
  const [first] = images;
  return { revision: first?.revision ?? '', digest: pinnedDigest(first?.reference ?? '') ?? '' };
}

export function entryOf(
  shipment: Shipment,
  state: LedgerEntry['state'],
  cause: string,
  { clock, context, component }: ShipPorts,
): LedgerEntry {
  const { inputs, images, releaseFingerprint, taskDefinition, commit } = shipment;
  const only = component.deploy.to === 'ecs' ? (component.deploy.container ?? inputs.component) : inputs.component;
  const named = images.map((image): [string, string] => [image.container || only, portable(image.reference)]);
  const [first] = images;
  return {
    component: inputs.component,
    environment: inputs.environment,
    commit,
    state,
    ...(first?.buildFingerprint && { buildFingerprint: first.buildFingerprint }),
    ...(releaseFingerprint !== '' && { releaseFingerprint }),
    ...(named.length > 0 && { images: Object.fromEntries(named) }),
    ...(taskDefinition !== '' && { taskDefinition }),
    ...(first?.revision && { revision: first.revision }),
    runUrl: context.runUrl,
    at: new Date(clock.now()).toISOString(),
    ...(cause !== '' && { cause }),
  };
}

export function resultOf(shipment: Shipment, outcome: Outcome, { clock, component, config }: ShipPorts): Result {
  const { inputs, images, journal, log, blocked } = shipment;
  const { revision, digest } = identityOf(images);
  const [first] = images;
  const url = [component.verify?.url ?? ''].flat()[0] ?? '';
  return {
    component: inputs.component,
    environment: config.environment.name,
    stage: component.kind,
    outcome:
      blocked === '' ? outcome : { status: 'blocked', cause: blocked, next: 'It ships when what blocks it does' },
    ...(first && { image: portable(first.reference) }),
    ...(digest !== '' && { digest }),
    ...(revision !== '' && { revision }),
    ...(url !== '' && !url.includes('${') && { url }),
    startedAt: new Date(journal.startedAt).toISOString(),
    endedAt: new Date(clock.now()).toISOString(),
    ...(log.length > 0 && { log }),
  };
}
