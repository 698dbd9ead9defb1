import { pinnedDigest } from '../../lib/ecs/names.ts';
import { isGood, type Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { code, escapeCell, table } from '../../lib/summary.ts';
import { ALL_AT_ONCE } from './ask-hosts.ts';
import { cancelledAfter, combine } from './combine.ts';
import { absent, type Context, payloadOf, reach } from './context.ts';
import { carryOut } from './fleet/carry-out.ts';
import type { HostContainer, HostResult } from './host-result.ts';
import type { SsmPorts } from './ports.ts';
import { reportOf } from './report.ts';
import { readSpec, releaseFingerprint, type Spec } from './spec/spec.ts';

/** What one host serves of a component, compared with what it is to serve. */
export interface HostStatus {
  instance: string;
  release: string;
  image: string;
  digest: string;
  state: string;
  health: string;
  since: string;
  /** How it differs from the desired state; '' when it does not. */
  drift: string;
}

/** Reads what the hosts serve; changes nothing. `succeeded` says that it could be read, `trouble` what is not as it should be. */
export async function status(context: Context, ports: SsmPorts): Promise<Report> {
  const { place, deadline, output } = context;
  const fleet = await reach(context, ports, async () => {
    const [found] = await Promise.all([ports.ssm.parameter(place.parameter), ports.ssm.ensureDocument()]);
    return found;
  });
  const desired = readSpec(fleet.beside?.value ?? '');
  const payload = payloadOf('status', context, ports, fleet.beside?.version ?? 0);
  const { results, commandIds, interrupted } = await carryOut(
    { payload, hosts: fleet.online, pace: ALL_AT_ONCE, deadline, output },
    ports,
  );
  const hosts = results.map((result) => hostStatus(result, place.component, desired));
  const missing = absent(fleet);
  const trouble = [...hosts.filter((h) => h.drift !== '').map((h) => `${h.instance}: ${h.drift}`), missing].filter(
    Boolean,
  );
  const releases = [...new Set(hosts.map((h) => h.release))];
  const only = releases.length === 1 ? (releases[0] ?? '') : '';
  const settled = desired !== undefined && only === desired.release;
  const served = settled ? releaseFingerprint(desired) : only;
  return reportOf('status', context, {
    outcome: interrupted ? cancelledAfter(results) : outcomeOf(results),
    results: results.map((r, i) => ({ ...r, release: hosts[i]?.release ?? '', image: hosts[i]?.image ?? '' })),
    commandIds,
    release: served,
    previousRelease: '',
    image: desired?.image ?? '',
    notes: [
      desired ? `The desired state is release ${desired.release}` : `There is no desired state in ${place.parameter}`,
    ],
    warnings: trouble,
    outputs: {
      hosts: JSON.stringify(hosts),
      steady: String(trouble.length === 0),
      trouble: trouble.join('; '),
      revision: settled ? (desired.revision ?? '') : '',
    },
    section: tableOf(hosts),
  });
}

/** What stands badly is told in `trouble`; no outcome but failure can be told where not one host said anything. Pure. */
function outcomeOf(results: readonly HostResult[]): Outcome {
  const silent = results.every((r) => !isGood(r) && r.facts === undefined && r.release === '');
  return silent ? combine(results) : { status: 'succeeded', cause: '' };
}

/** What a host serves, and how that differs from what it is to serve. Pure. */
export function hostStatus(result: HostResult, component: string, desired: Spec | undefined): HostStatus {
  const container = containerOf(result, component);
  const image = container?.image || result.image;
  const found = {
    instance: result.instance,
    release: container?.release || result.release,
    image,
    digest: pinnedDigest(image) ?? '',
    state: container?.state ?? '',
    health: container?.health ?? '',
    since: container?.since ?? '',
  };
  return { ...found, drift: driftOf(found, result, desired) };
}

function containerOf({ facts }: HostResult, component: string): HostContainer | undefined {
  const own = facts?.containers.filter((c) => c.component === component || c.component === '') ?? [];
  return own.find((c) => c.role === 'current') ?? own.find((c) => c.role === '' && c.state === 'running');
}

function driftOf(found: Omit<HostStatus, 'drift'>, result: HostResult, desired: Spec | undefined): string {
  if (result.status !== 'succeeded' && result.status !== 'unchanged') return result.cause || result.status;
  if (found.state !== '' && found.state !== 'running') return `its container is ${found.state}`;
  if (found.health === 'unhealthy') return 'its container is unhealthy';
  if (desired && found.release !== desired.release)
    return `it serves release ${found.release || 'unknown'}, and ${desired.release} is the desired state`;
  const digest = pinnedDigest(desired?.image ?? '');
  if (digest !== undefined && found.digest !== '' && found.digest !== digest)
    return `it serves ${found.digest}, and ${digest} is the desired state`;
  return desired ? '' : 'it serves something, and no desired state is written down';
}

function tableOf(hosts: readonly HostStatus[]): string {
  const rows = hosts.map((h) => [
    code(h.instance),
    code(h.release),
    code(h.digest.slice(0, 19)),
    escapeCell([h.state, h.health === 'none' ? '' : h.health].filter(Boolean).join(', ')),
    escapeCell(h.since),
    h.drift === '' ? '➖' : `⚠️ ${escapeCell(h.drift)}`,
  ]);
  return rows.length === 0 ? '' : table(['Host', 'Release', 'Digest', 'State', 'Since', 'Drift'], rows);
}
