import { pinnedDigest, repositoryOf } from '../../../lib/ecs/names.ts';
import type { LedgerEntry } from '../../../lib/ledger/ledger.ts';

/** Who needs an image, by digest and, where only a tag is named, by tag. */
export class Usage {
  readonly #repository: string;
  readonly #digests = new Map<string, Set<string>>();
  readonly #tags = new Map<string, Set<string>>();
  /** How many ledger entries, task definitions and tasks were looked at, whatever images they name. */
  looked = 0;

  /** @param repository the path of the repository that is pruned */
  constructor(repository: string) {
    this.#repository = repository;
  }

  /** A digest protects whatever repository is named beside it: the same one lives in many. A tag only stands for an image of its own repository. */
  addReference(reference: string, by: string): void {
    const digest = pinnedDigest(reference);
    if (digest !== undefined) this.addDigest(digest, by);
    else if (repositoryOf(reference) === this.#repository) add(this.#tags, tagOf(reference), by);
  }

  addDigest(digest: string, by: string): void {
    add(this.#digests, digest, by);
  }

  addLedger(entries: readonly LedgerEntry[]): void {
    for (const { component, environment, at, state, images } of entries) {
      this.looked++;
      for (const image of Object.values(images ?? {}))
        this.addReference(image, `ledger: ${component} in ${environment}, ${state} ${at.slice(0, 10)}`);
    }
  }

  /** Who needs an image with this digest and these tags; nobody is []. */
  of(digest: string, tags: readonly string[]): string[] {
    const found = [...(this.#digests.get(digest) ?? []), ...tags.flatMap((tag) => [...(this.#tags.get(tag) ?? [])])];
    return [...new Set(found)];
  }
}

function add(map: Map<string, Set<string>>, key: string, by: string): void {
  const known = map.get(key);
  if (known) known.add(by);
  else map.set(key, new Set([by]));
}

/** The tag of a reference without a digest; docker's own default where it names none. */
function tagOf(reference: string): string {
  const last = reference.slice(reference.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  return colon < 0 ? 'latest' : last.slice(colon + 1);
}
