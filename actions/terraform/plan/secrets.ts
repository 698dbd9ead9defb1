/** What stands in the place of a value that must not be shown. */
export const HIDDEN = '(sensitive value)';
export const UNKNOWN = '(known after apply)';

type Json = Record<string, unknown>;

/** Texts shorter than this are hidden only where they are the whole value: cut out of longer ones they would say more than they hide. */
const SHORTEST_PART = 4;

/**
 * Hides the sensitive texts of one plan wherever they turn up, also where they were marked nowhere: a password in a
 * connection string made with nonsensitive(), the same token in a tag. Linear in the text, however many secrets there are.
 */
export class Secrets {
  readonly #whole = new Set<string>();
  /** What was added, without the forms that it takes in other texts. */
  readonly #added = new Set<string>();
  /** Their lengths by their first characters, the longest first: a text is walked once, and no list of thousands is searched. */
  readonly #lengths = new Map<string, number[]>();

  add(text: string): void {
    if (text === '' || this.#added.has(text)) return;
    this.#added.add(text);
    this.#know(text);
    if (text.length >= SHORTEST_PART) for (const form of formsOf(text)) this.#know(form);
  }

  #know(text: string): void {
    if (this.#whole.has(text)) return;
    this.#whole.add(text);
    if (text.length < SHORTEST_PART) return;
    const prefix = text.slice(0, SHORTEST_PART);
    const lengths = this.#lengths.get(prefix);
    if (lengths === undefined) this.#lengths.set(prefix, [text.length]);
    else if (!lengths.includes(text.length)) {
      lengths.push(text.length);
      // Otherwise the end of a longer one would be left over.
      lengths.sort((a, b) => b - a);
    }
  }

  /** Texts of the root's own sensitive variables, for the log to mask; attributes may be thousands, and no message has their values. */
  readonly marked: string[] = [];

  get all(): Iterable<string> {
    return this.#added;
  }

  /** Those long enough to be masked in a log. */
  get long(): string[] {
    return [...this.#added].filter((text) => text.length >= SHORTEST_PART);
  }

  /** Adds every text in a value. */
  addAll(value: unknown): void {
    if (typeof value === 'string') this.add(value);
    else if (typeof value === 'number' && String(value).length >= SHORTEST_PART) this.add(String(value));
    else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) this.addAll(inner);
  }

  hide(text: string): string {
    if (this.#whole.size === 0) return text;
    if (this.#whole.has(text)) return HIDDEN;
    let shown = '';
    let from = 0;
    for (let at = 0; at + SHORTEST_PART <= text.length; at++) {
      const lengths = this.#lengths.get(text.slice(at, at + SHORTEST_PART));
      const length = lengths?.find((one) => this.#whole.has(text.slice(at, at + one)));
      if (length === undefined) continue;
      shown += text.slice(from, at) + HIDDEN;
      from = at + length;
      at = from - 1;
    }
    return from === 0 ? text : shown + text.slice(from);
  }
}

/** How a secret stands in a text of JSON, in an address, and where user data is encoded. */
function formsOf(text: string): string[] {
  // Not encodeURIComponent(): it throws for half a surrogate pair.
  const encoded = new URLSearchParams([['', text]]).toString().slice(1);
  const forms = [JSON.stringify(text).slice(1, -1), encoded, encoded.replaceAll('+', '%20')];
  return text.length < SHORTEST_ENCODED ? forms : [...forms, Buffer.from(text).toString('base64')];
}

/** Shorter ones are eight characters in Base64 that other texts may hold too. */
const SHORTEST_ENCODED = 8;

/** Adds the texts of a value that its mask marks: `true` marks all of it, a structure marks parts. */
export function collectMarked(value: unknown, mask: unknown, secrets: Secrets): void {
  if (mask === true) secrets.addAll(value);
  else if (typeof mask === 'object' && mask !== null && typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(mask)) collectMarked((value as Json)[key], inner, secrets);
}

interface Module {
  resources?: { values?: unknown; sensitive_values?: unknown }[];
  child_modules?: Module[];
}

interface Values {
  outputs?: Record<string, { sensitive?: boolean; value?: unknown }>;
  root_module?: Module;
}

/**
 * Everything that a plan marks as sensitive: variables, attributes before and after, outputs, in the state and in what is planned.
 * Source: "JSON Output Format", values and change representations.
 */
export function secretsOf(json: unknown): Secrets {
  const plan = json as {
    variables?: Record<string, { value?: unknown }>;
    configuration?: { root_module?: { variables?: Record<string, { sensitive?: boolean; default?: unknown }> } };
    resource_changes?: { change?: Json }[];
    resource_drift?: { change?: Json }[];
    output_changes?: Record<string, Json>;
    planned_values?: Values;
    prior_state?: { values?: Values };
  };
  const secrets = new Secrets();
  for (const [name, { sensitive, default: preset }] of Object.entries(
    plan.configuration?.root_module?.variables ?? {},
  )) {
    if (sensitive !== true) continue;
    const own = new Secrets();
    own.addAll(plan.variables?.[name]?.value);
    own.addAll(preset);
    secrets.marked.push(...own.long);
    for (const text of own.all) secrets.add(text);
  }
  const changes = [
    ...[...(plan.resource_changes ?? []), ...(plan.resource_drift ?? [])].map(({ change }) => change),
    ...Object.values(plan.output_changes ?? {}),
  ];
  for (const change of changes) {
    collectMarked(change?.before, change?.before_sensitive, secrets);
    collectMarked(change?.after, change?.after_sensitive, secrets);
  }
  for (const values of [plan.planned_values, plan.prior_state?.values]) {
    for (const output of Object.values(values?.outputs ?? {}))
      if (output.sensitive !== false) secrets.addAll(output.value);
    collectModule(values?.root_module, secrets);
  }
  return secrets;
}

function collectModule(module: Module | undefined, secrets: Secrets): void {
  for (const { values, sensitive_values } of module?.resources ?? []) collectMarked(values, sensitive_values, secrets);
  for (const child of module?.child_modules ?? []) collectModule(child, secrets);
}
