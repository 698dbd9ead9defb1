import type { Clock } from '../../lib/clock.ts';
import type { EnvironmentView } from '../../lib/config/load.ts';
import type { AppComponent } from '../../lib/config/schema.ts';
import type { GitHubContext } from '../../lib/context.ts';
import type { Ledger, LedgerEntry } from '../../lib/ledger/ledger.ts';
import type { Log } from '../../lib/log.ts';
import type { Report } from '../../lib/report.ts';
import type { Result } from '../../lib/result.ts';

/** One image of a component, as it is to be deployed. */
export interface Image {
  /** Container that gets it; '' for the only one. */
  container: string;
  /** HOST/NAME@sha256:… */
  reference: string;
  /** Commit at which it was built; '' when its label does not say. */
  revision: string;
  /** '' when it is not known. */
  buildFingerprint: string;
}

/** What the deployed thing is expected to say of itself. */
export interface Identity {
  revision: string;
  digest: string;
}

/** The rooms' work for one component, references resolved. Each step throws Problem for what it could not even begin. */
export interface Steps {
  /** Builds every image of the component, or finds that it exists. */
  build(): Promise<{ report: Report; images: Image[] }>;
  /** The images that a ledger entry names, in the registry of this environment. */
  promoted(entry: LedgerEntry): Promise<Image[]>;
  /** Fingerprint of the release these images would make; changes nothing. */
  fingerprint(images: readonly Image[]): Promise<string>;
  /** @param kept task definitions that the ledger may want to go back to, which no retention may take away */
  deploy(images: readonly Image[], kept: readonly string[]): Promise<Report>;
  /** Puts a revision (of ECS) or a release (of hosts) back: the one named, or what served before. */
  rollback(taskDefinition: string, release?: string): Promise<Report>;
  /** Measures what serves before the deployment; undefined when the component does not ask for the comparison. */
  baseline(): Promise<Report | undefined>;
  /**
   * Undefined when the component has nothing to verify it by.
   * @param restored it is what served before: its identity and stability are proved, it is not soaked again
   */
  verify(identity: Identity, restored?: boolean): Promise<Report | undefined>;
  /** What runs. */
  status(): Promise<Report>;
}

export interface ShipPorts {
  config: EnvironmentView;
  component: AppComponent;
  steps: Steps;
  ledger: Ledger;
  /** Whether the first commit is an ancestor of the second, or the same. @throws Problem when that cannot be found out. */
  isAncestor(ancestor: string, commit: string): Promise<boolean>;
  /** Whether the component's images are built from the same at both commits. @throws Problem when that cannot be found out. */
  sameContent(a: string, b: string): Promise<boolean>;
  /** What the legs before this one left. */
  results(): Promise<ReadonlyMap<string, Result>>;
  saveResult(result: Result): Promise<void>;
  clock: Clock;
  log: Log;
  context: Pick<GitHubContext, 'sha' | 'runUrl' | 'actor'>;
}
