/** One thing that happened to a component in an environment. */
export interface LedgerEntry {
  component: string;
  environment: string;
  /** The commit that was shipped. */
  commit: string;
  /** `deployed`: verified and serving when recorded. `held`: was rolled back and does not ship again unchanged. `failed`: never served. `destroyed`: taken down on purpose; what came before it serves no more. */
  state: 'deployed' | 'held' | 'failed' | 'destroyed';
  buildFingerprint?: string;
  releaseFingerprint?: string;
  /** Container name to repository@digest, without the registry host: the same digest lives in many registries. */
  images?: Record<string, string>;
  taskDefinition?: string;
  /** Non-sensitive outputs that other components refer to. */
  outputs?: Record<string, string>;
  /** The image's own org.opencontainers.image.revision. */
  revision?: string;
  runUrl: string;
  /** ISO 8601. */
  at: string;
  cause?: string;
}

export interface RecentEntries {
  /** By component, newest first. */
  entries: Map<string, LedgerEntry[]>;
  /** Whether the store has no others. */
  whole: boolean;
}

/** What was deployed where, told by a store that outlives runs. AWS stays the truth about what runs. */
export interface Ledger {
  /**
   * Entries by component, newest first; a component without one is absent.
   * Reads far enough back to hold the last two `deployed` entries of each component asked for.
   * @throws Problem when the store cannot be read: callers must not take that for "nothing was deployed".
   */
  read(environment: string, components: readonly string[]): Promise<Map<string, LedgerEntry[]>>;
  /**
   * The newest entries of all components, in one request, for a reader that does not know their names yet. Only a store that is read
   * without a checkout has it.
   * @throws Problem when the store cannot be read.
   */
  recent?(environment: string): Promise<RecentEntries>;
  /** Writes an entry. @throws Problem when it could not be written. */
  record(entry: LedgerEntry): Promise<void>;
}

/** The whole ledger, for those that must know everything that may still be needed. */
export interface LedgerHistory {
  /**
   * Entries of every component in every environment, in no order: as many of each as hold its newest `depth` deployments, also
   * those whose recording was cut short.
   * @throws Problem when the store cannot be read to its end, or holds an entry that cannot be understood: nothing may be
   * taken for unneeded then.
   */
  survey(depth: number): Promise<LedgerEntry[]>;
}

/** Keeps, of entries that come newest first, those that hold the newest `depth` deployments of each component in each environment. */
export function withinDepth(entries: Iterable<LedgerEntry>, depth: number): LedgerEntry[] {
  const deployments = new Map<string, number>();
  const kept: LedgerEntry[] = [];
  for (const entry of entries) {
    const key = `${entry.environment}\0${entry.component}`;
    const count = deployments.get(key) ?? 0;
    if (count >= depth) continue;
    if (entry.state === 'deployed') deployments.set(key, count + 1);
    kept.push(entry);
  }
  return kept;
}

/** The entry that says what is believed to serve: the newest `deployed` one, unless it was destroyed after that. */
export function lastDeployed(entries: readonly LedgerEntry[] | undefined): LedgerEntry | undefined {
  const last = entries?.find((e) => e.state === 'deployed' || e.state === 'destroyed');
  return last?.state === 'deployed' ? last : undefined;
}

/** How many `deployed` entries a reader wants of each component: the one that serves and the one to go back to. */
export const DEPLOYED_WANTED = 2;

export function isComplete(
  entries: ReadonlyMap<string, readonly LedgerEntry[]>,
  components: readonly string[],
): boolean {
  return components.every(
    (c) => (entries.get(c) ?? []).filter((e) => e.state === 'deployed').length >= DEPLOYED_WANTED,
  );
}
