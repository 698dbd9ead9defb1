/** One route: its pattern as documentation writes it ("POST /repos/:owner/:repo/deployments") and what it leads to. */
export interface Route<T> {
  pattern: string;
  target: T;
}

export interface Match<T> extends Route<T> {
  params: Record<string, string>;
}

interface Compiled<T> extends Route<T> {
  method: string;
  segments: readonly string[];
}

/** A table of routes. `:name` takes one segment, a last `:name*` takes the rest of the path, slashes included. */
export class Routes<T> {
  readonly #routes: Compiled<T>[] = [];

  add(pattern: string, target: T): this {
    const [method = '', path = ''] = pattern.split(' ');
    this.#routes.push({ pattern, method, segments: path.split('/'), target });
    return this;
  }

  /** The first route that fits, or undefined; parameters are percent-decoded. */
  find(method: string, path: string): Match<T> | undefined {
    const given = path.split('/');
    for (const route of this.#routes) {
      if (route.method !== method) continue;
      const params = matchSegments(route.segments, given);
      if (params) return { pattern: route.pattern, target: route.target, params };
    }
    return undefined;
  }

  /** Methods that this path has routes for, to tell "no such path" from "not with this method". */
  methods(path: string): string[] {
    const given = path.split('/');
    return this.#routes.filter((route) => matchSegments(route.segments, given)).map((route) => route.method);
  }
}

function matchSegments(pattern: readonly string[], given: readonly string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, segment] of pattern.entries()) {
    if (segment.startsWith(':') && segment.endsWith('*')) {
      params[segment.slice(1, -1)] = decode(given.slice(index).join('/'));
      return given.length > index ? params : undefined;
    }
    const value = given[index];
    if (value === undefined) return undefined;
    if (segment.startsWith(':')) {
      if (value === '') return undefined;
      params[segment.slice(1)] = decode(value);
    } else if (segment !== value) return undefined;
  }
  return given.length === pattern.length ? params : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
