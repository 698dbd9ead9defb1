import type { EcsSnapshot, ServiceSnapshot, TaskSnapshot } from '../aws/ecs/snapshot.ts';
import type { Bus, LocalEvent } from '../bus.ts';
import type { DiscordSnapshot } from '../discord/snapshot.ts';
import type { GithubSnapshot, LedgerRow } from '../github/snapshot.ts';
import type { LogStore } from '../logs/store.ts';
import type { RegistrySnapshot } from '../registry/registry.ts';
import type { HostsSnapshot, PageSources, ProbeView, RunView } from './sources.ts';

export interface TaskView extends TaskSnapshot {
  /** How people know the image: the commit it was built at by its tag, another tag, or the short digest. */
  version: string;
}

export interface ServiceView extends ServiceSnapshot {
  cluster: string;
  tasks: TaskView[];
}

export interface LedgerView {
  environment: string;
  entries: (LedgerRow & { repository: string; current: boolean })[];
}

export interface LogLine {
  group: string;
  stream: string;
  at: number;
  message: string;
  sequence: number;
}

/** One picture of everything, by section; a section that did not change is not sent again. */
export interface PageView {
  runs: RunView[];
  probe: ProbeView | null;
  services: ServiceView[];
  /** Tasks that belong to no service. */
  tasks: TaskView[];
  balancers: { name: string; url: string; requests: number; failed: number; groups: unknown[] }[];
  hosts: HostsSnapshot;
  images: RegistrySnapshot | null;
  logs: LogLine[];
  ledger: LedgerView[];
  discord: DiscordSnapshot | null;
  activity: Pick<LocalEvent, 'at' | 'kind' | 'text'>[];
}

export type SectionName = keyof PageView;

const LOG_LINES = 200;
const ACTIVITY = 40;
const LEDGER_ROWS = 12;
/** Too many to be news. */
const NOISY = /^(aws\.request|log|oidc\.|page\.)/;

/** Puts the sources' answers together into what the page shows. */
export function buildView(
  sources: PageSources,
  told: { runs: RunView[]; probe: ProbeView | null },
  bus?: Bus,
): PageView {
  const registry = sources.registry?.() ?? null;
  const ecs = sources.ecs?.() ?? { clusters: [] };
  const versionOf = versions(registry);
  return {
    ...told,
    services: services(ecs, versionOf),
    tasks: ecs.clusters.flatMap((cluster) =>
      cluster.tasks.filter((task) => task.service === undefined).map((task) => taskView(task, versionOf)),
    ),
    balancers: (sources.balancers?.() ?? []).map(({ name, url, counts, targetGroups }) => ({
      name,
      url,
      requests: counts.requests,
      failed: counts.failed,
      groups: targetGroups.map((group) => ({
        name: group.name,
        targets: group.targets.map(({ id, port, health }) => ({ id, port, ...health })),
      })),
    })),
    hosts: sources.hosts?.() ?? { hosts: [], commands: [] },
    images: registry,
    logs: sources.logs ? tail(sources.logs) : [],
    ledger: ledger(sources.github?.() ?? { repositories: [] }),
    discord: sources.discord?.() ?? null,
    activity: (bus?.recent() ?? [])
      .filter(({ kind }) => !NOISY.test(kind))
      .slice(-ACTIVITY)
      .reverse()
      .map(({ at, kind, text }) => ({ at, kind, text })),
  };
}

type VersionOf = (image: string, digest: string | undefined) => string;

function versions(registry: RegistrySnapshot | null): VersionOf {
  const tags = new Map<string, string[]>();
  for (const repository of registry?.repositories ?? []) {
    for (const image of repository.images) tags.set(image.digest, [...image.tags]);
  }
  return (image, digest) => {
    const id = digest ?? /@(sha256:[0-9a-f]+)$/.exec(image)?.[1];
    const known = (id === undefined ? undefined : tags.get(id)) ?? [];
    const commit = known.map((tag) => /^sha-([0-9a-f]{7})/.exec(tag)?.[1]).find((short) => short !== undefined);
    if (commit !== undefined) return commit;
    if (known[0] !== undefined) return known[0];
    if (id !== undefined) return id.slice(0, 14);
    return image.split('/').pop() ?? image;
  };
}

function taskView(task: TaskSnapshot, versionOf: VersionOf): TaskView {
  const [first] = task.containers;
  return { ...task, version: first ? versionOf(first.image, first.digest) : '' };
}

function services(ecs: EcsSnapshot, versionOf: VersionOf): ServiceView[] {
  return ecs.clusters.flatMap((cluster) =>
    cluster.services.map((service) => ({
      ...service,
      cluster: cluster.name,
      tasks: cluster.tasks.filter((task) => task.service === service.name).map((task) => taskView(task, versionOf)),
    })),
  );
}

function tail(logs: Pick<LogStore, 'groups'>): LogLine[] {
  const lines = logs.groups().flatMap((group) =>
    [...group.streams.values()].flatMap((stream) =>
      stream.events.slice(-LOG_LINES).map(({ timestamp, message, sequence }) => ({
        group: group.name,
        stream: stream.name,
        at: timestamp,
        message,
        sequence,
      })),
    ),
  );
  return lines.sort((a, b) => a.sequence - b.sequence).slice(-LOG_LINES);
}

/** The ledger's entries by environment, newest first; the newest success of each component is what should run. */
function ledger(github: GithubSnapshot): LedgerView[] {
  const environments = new Map<string, LedgerView>();
  const seen = new Set<string>();
  for (const repository of github.repositories) {
    for (const row of repository.deployments) {
      if (row.component === '') continue;
      const view = environments.get(row.environment) ?? { environment: row.environment, entries: [] };
      environments.set(row.environment, view);
      const key = `${repository.slug} ${row.environment} ${row.component}`;
      const current = row.succeeded && !seen.has(key);
      if (current) seen.add(key);
      if (current || view.entries.length < LEDGER_ROWS)
        view.entries.push({ ...row, repository: repository.slug, current });
    }
  }
  return [...environments.values()];
}
