import { Problem } from '../../lib/errors.ts';

export type CacheKind = 'none' | 'ecr' | 'gha';

export interface CacheOptions {
  kind: CacheKind;
  /** HOST/NAME of the repository; '' where nothing is pushed, and no cache of ECR can be used. */
  uri: string;
  target: string;
  /** A pull request reads the cache of deploying runs and never writes it: they must not read what it made. */
  pullRequest: boolean;
  /** Further sources and goals, as the inputs of the same names have them. */
  from: readonly string[];
  to: readonly string[];
}

/**
 * Where the builder reads and writes its cache, as buildx wants it.
 * ECR takes a cache only as an image (aws/containers-roadmap#876); a cache that cannot be written fails no build.
 * @throws Problem for a further cache with a key or token in it, which would be on the command line.
 */
export function cacheFlags(o: CacheOptions): { from: string[]; to: string[] } {
  const secret = [...o.from, ...o.to].find((flag) =>
    /(?:secret|token|password|access_key|account_key)[\w-]*=/i.test(flag),
  );
  if (secret !== undefined) throw secretInFlag(secret);
  const part = o.target === '' ? '' : `-${o.target.toLowerCase().replace(/[^a-z0-9_.-]+/g, '-')}`;
  const from = [...o.from];
  const to = [...o.to];
  if (o.kind === 'ecr' && o.uri !== '') {
    const ref = `type=registry,ref=${o.uri}:cache${part}`;
    from.push(ref);
    if (!o.pullRequest) to.push(`${ref},mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true`);
  }
  if (o.kind === 'gha') {
    // GitHub keeps the caches of pull requests apart by itself.
    const scope = `type=gha,scope=slipway${part}`;
    from.push(scope);
    to.push(`${scope},mode=max,ignore-error=true`);
  }
  return { from, to };
}

function secretInFlag(flag: string): Problem {
  const [name] = flag.split('=', 1);
  return new Problem({
    what: "input 'cache-from' or 'cache-to'",
    cause: `a line that begins with ${name}= carries a key or token, which every process of the runner could read on the command line`,
    fix: 'Give it to the builder by its environment (AWS_ACCESS_KEY_ID and the like), or use `cache: ecr` or `cache: gha`',
  });
}
