import type { EcsSnapshot } from '../aws/ecs/snapshot.ts';
import type { DiscordSnapshot } from '../discord/snapshot.ts';
import type { GithubSnapshot } from '../github/snapshot.ts';
import type { LogStore } from '../logs/store.ts';
import type { RegistrySnapshot } from '../registry/registry.ts';

export interface BalancerSource {
  name: string;
  url: string;
  counts: { readonly requests: number; readonly failed: number };
  targetGroups: readonly {
    name: string;
    targets: readonly { id: string; port: number; health: { state: string; description?: string | undefined } }[];
  }[];
}

export interface HostsSnapshot {
  hosts: {
    id: string;
    name: string;
    online: boolean;
    tags: Record<string, string>;
    containers: { name: string; image: string; status: string }[];
  }[];
  /** Newest first. */
  commands: {
    id: string;
    document: string;
    comment: string;
    at: number;
    invocations: { instanceId: string; status: string; exitCode: number | null; output: string }[];
  }[];
}

/** What the page reads; each is asked anew for every picture, and what is absent is not shown. */
export interface PageSources {
  ecs?(): EcsSnapshot;
  registry?(): RegistrySnapshot;
  balancers?(): readonly BalancerSource[];
  hosts?(): HostsSnapshot;
  logs?: Pick<LogStore, 'groups'>;
  github?(): GithubSnapshot;
  discord?(): DiscordSnapshot;
}

export type StageState =
  | 'waiting'
  | 'running'
  | 'succeeded'
  | 'unchanged'
  | 'skipped'
  | 'failed'
  | 'rolled-back'
  | 'cancelled';

/** A pipeline's run as the header shows it; whoever drives the run tells the page. Times in milliseconds since the epoch. */
export interface RunView {
  id: string;
  title: string;
  commit?: string;
  branch?: string;
  actor?: string;
  startedAt: number;
  endedAt?: number;
  outcome?: string;
  /** Why it ended as it did, in a sentence. */
  cause?: string;
  stages: { name: string; state: StageState; note?: string; startedAt?: number; endedAt?: number }[];
}

/** What a prober saw of the service while runs went on. */
export interface ProbeView {
  target: string;
  sent: number;
  failed: number;
  p50?: number;
  p95?: number;
  perSecond?: number;
}
