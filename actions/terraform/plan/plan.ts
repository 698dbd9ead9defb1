import { Problem } from '../../../lib/errors.ts';
import { type AttributeChange, type ChangeValues, changedAttributes, MOST_ATTRIBUTES } from './attributes.ts';
import { type Secrets, secretsOf } from './secrets.ts';

export type Action = 'replace' | 'destroy' | 'create' | 'update' | 'import' | 'move' | 'forget';

export interface Change {
  address: string;
  /** The address that it had before, where it is another. */
  before?: string;
  action: Action;
  /** Like aws_db_instance. */
  type: string;
  /** Names of the top-level attributes that change. */
  attributes: string[];
  /** What changes in them, fit to be shown; at most MOST_ATTRIBUTES. */
  values: AttributeChange[];
  /** How many more there are. */
  moreValues: number;
  /** Attributes that force a replacement. */
  forcedBy: string[];
}

export interface PlanSummary {
  /** What cannot be undone comes first. */
  changes: Change[];
  /** Names of outputs whose value changes. */
  outputs: string[];
  /** What changes in them, fit to be shown. */
  outputValues: AttributeChange[];
  /** Addresses of resources that were changed outside of Terraform and matter to this plan. */
  drifted: string[];
  /** The sensitive texts of this plan, to be hidden in whatever else is said about it. */
  secrets: Secrets;
}

/** Counts by what happens to resources. A replacement counts once, as that. */
export type ChangeCounts = Record<
  'create' | 'update' | 'replace' | 'destroy' | 'import' | 'move' | 'forget' | 'outputs',
  number
>;

interface RawChange extends ChangeValues {
  actions?: string[];
  replace_paths?: unknown[][];
  importing?: unknown;
}

interface RawResource {
  address?: string;
  mode?: string;
  type?: string;
  previous_address?: string;
  change?: RawChange;
}

interface RawPlan {
  format_version?: string;
  resource_changes?: RawResource[];
  resource_drift?: RawResource[];
  output_changes?: Record<string, RawChange>;
}

const ORDER: readonly Action[] = ['replace', 'destroy', 'forget', 'update', 'create', 'import', 'move'];

/**
 * What a plan would do, from `terraform show -json PLAN`. Of values only what may be shown is kept.
 * Source: "JSON Output Format", plan representation, format version 1.
 * @throws Problem when the format is another than 1.
 */
export function summarisePlan(json: unknown): PlanSummary {
  const plan = json as RawPlan;
  if (!plan.format_version?.startsWith('1.')) {
    throw new Problem({
      what: 'the plan’s JSON format',
      seen: String(plan.format_version),
      cause: 'only format version 1 is understood',
      fix: 'Use a Terraform 1.x or OpenTofu 1.x that writes it',
      kind: 'environment',
    });
  }
  const secrets = secretsOf(json);
  const changes = (plan.resource_changes ?? []).flatMap((resource) => changeOf(resource, secrets) ?? []);
  changes.sort((a, b) => ORDER.indexOf(a.action) - ORDER.indexOf(b.action) || compareText(a.address, b.address));
  const outputs = Object.entries(plan.output_changes ?? {})
    .filter(([, change]) => !isNoOp(change))
    .sort(([a], [b]) => compareText(a, b));
  return {
    secrets,
    changes,
    outputs: outputs.map(([name]) => name),
    outputValues: outputs.flatMap(([name, change]) => outputChange(name, change, secrets)),
    drifted: (plan.resource_drift ?? [])
      .filter((resource) => resource.mode !== 'data' && !isNoOp(resource.change))
      .flatMap((resource) => resource.address ?? [])
      .sort(),
  };
}

function isNoOp(change: RawChange | undefined): boolean {
  return (change?.actions ?? ['no-op']).every((action) => action === 'no-op' || action === 'read');
}

/** By code point: a sort by locale takes seconds for some thousand addresses, and orders them differently on another machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What changes in an output, down to the leaf. One that holds anything sensitive is hidden as a whole. */
function outputChange(name: string, change: RawChange, secrets: Secrets): AttributeChange[] {
  const unknown = change.after_unknown === true || hasMark(change.after_unknown);
  const named = (value: unknown) => ({ [name]: value });
  const found = changedAttributes(
    {
      before: named(change.before),
      after: named(change.after),
      before_sensitive: named(hasMark(change.before_sensitive)),
      after_sensitive: named(hasMark(change.after_sensitive)),
      after_unknown: named(unknown),
    },
    secrets,
  );
  // A change of the mark alone changes no value.
  return found.length > 0 ? found : [{ path: name }];
}

/** Whether a mask marks anything. */
function hasMark(mask: unknown): boolean {
  return mask === true || (typeof mask === 'object' && mask !== null && Object.values(mask).some(hasMark));
}

function changeOf(resource: RawResource, secrets: Secrets): Change | undefined {
  const { change, address = '?', type = '' } = resource;
  if (resource.mode === 'data' || change === undefined) return undefined;
  const action = actionOf(resource, change);
  if (action === undefined) return undefined;
  const forcedBy = (change.replace_paths ?? []).map((path) => String(path[0]));
  const all = SHOWS_VALUES.has(action) ? changedAttributes(change, secrets) : [];
  const attributes = action === 'update' || action === 'replace' ? topNames(all) : [];
  const values = all.slice(0, MOST_ATTRIBUTES);
  const before = resource.previous_address;
  return {
    address,
    ...(before !== undefined && before !== address && { before }),
    action,
    type,
    attributes,
    values,
    moreValues: all.length - values.length,
    forcedBy: [...new Set(forcedBy)],
  };
}

function actionOf(resource: RawResource, change: RawChange): Action | undefined {
  const actions = new Set(change.actions);
  if (actions.has('create') && actions.has('delete')) return 'replace';
  if (actions.has('delete')) return 'destroy';
  if (actions.has('forget')) return 'forget';
  if (actions.has('create')) return 'create';
  if (actions.has('update')) return 'update';
  if (change.importing !== undefined) return 'import';
  return resource.previous_address === undefined ? undefined : 'move';
}

const SHOWS_VALUES: ReadonlySet<Action> = new Set(['create', 'update', 'replace']);

function topNames(values: readonly AttributeChange[]): string[] {
  return [...new Set(values.map(({ path }) => /^[^.[]+/.exec(path)?.[0] ?? path))];
}

export function countChanges({ changes, outputs }: PlanSummary): ChangeCounts {
  const counts: ChangeCounts = {
    create: 0,
    update: 0,
    replace: 0,
    destroy: 0,
    import: 0,
    move: 0,
    forget: 0,
    outputs: outputs.length,
  };
  for (const { action } of changes) counts[action]++;
  return counts;
}

export function hasChanges({ changes, outputs }: PlanSummary): boolean {
  return changes.length + outputs.length > 0;
}

/** "1 to replace, 2 to create"; "no changes" when there are none. */
export function sayCounts(counts: ChangeCounts): string {
  const order = ['replace', 'destroy', 'forget', 'update', 'create', 'import', 'move'] as const;
  const parts = order.filter((name) => counts[name] > 0).map((name) => `${counts[name]} to ${name}`);
  if (counts.outputs > 0) parts.push(`${counts.outputs} output${counts.outputs === 1 ? '' : 's'} to change`);
  return parts.join(', ') || 'no changes';
}
