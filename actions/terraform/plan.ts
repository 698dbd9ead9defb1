import { Problem } from '../../lib/errors.ts';

export type Action = 'replace' | 'destroy' | 'create' | 'update' | 'import' | 'move' | 'forget';

export interface Change {
  address: string;
  action: Action;
  /** Names of the top-level attributes that change; never their values. */
  attributes: string[];
  /** Attributes that force a replacement. */
  forcedBy: string[];
}

export interface PlanSummary {
  /** What cannot be undone comes first. */
  changes: Change[];
  /** Names of outputs whose value changes. */
  outputs: string[];
  /** Addresses of resources that were changed outside of Terraform and matter to this plan. */
  drifted: string[];
}

/** Counts by what happens to resources. A replacement counts once, as that. */
export type ChangeCounts = Record<
  'create' | 'update' | 'replace' | 'destroy' | 'import' | 'move' | 'forget' | 'outputs',
  number
>;

interface RawChange {
  actions?: string[];
  before?: unknown;
  after?: unknown;
  after_unknown?: unknown;
  replace_paths?: unknown[][];
  importing?: unknown;
}

interface RawResource {
  address?: string;
  mode?: string;
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
 * What a plan would do, from `terraform show -json PLAN`. Values are read to compare them and never kept.
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
  const changes = (plan.resource_changes ?? []).flatMap((resource) => changeOf(resource) ?? []);
  changes.sort((a, b) => ORDER.indexOf(a.action) - ORDER.indexOf(b.action) || a.address.localeCompare(b.address));
  return {
    changes,
    outputs: Object.entries(plan.output_changes ?? {})
      .filter(([, change]) => !isNoOp(change))
      .map(([name]) => name)
      .sort(),
    drifted: (plan.resource_drift ?? [])
      .filter((resource) => resource.mode !== 'data' && !isNoOp(resource.change))
      .flatMap((resource) => resource.address ?? [])
      .sort(),
  };
}

function isNoOp(change: RawChange | undefined): boolean {
  return (change?.actions ?? ['no-op']).every((action) => action === 'no-op' || action === 'read');
}

function changeOf(resource: RawResource): Change | undefined {
  const { change, address = '?' } = resource;
  if (resource.mode === 'data' || change === undefined) return undefined;
  const action = actionOf(resource, change);
  if (action === undefined) return undefined;
  const forcedBy = (change.replace_paths ?? []).map((path) => String(path[0]));
  const attributes = action === 'update' || action === 'replace' ? changedAttributes(change) : [];
  return { address, action, attributes, forcedBy: [...new Set(forcedBy)] };
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

function changedAttributes({ before, after, after_unknown }: RawChange): string[] {
  const [old, young, unknown] = [record(before), record(after), record(after_unknown)];
  const names = new Set([...Object.keys(old), ...Object.keys(young), ...Object.keys(unknown)]);
  return [...names]
    .filter((name) => unknown[name] === true || JSON.stringify(old[name]) !== JSON.stringify(young[name]))
    .sort();
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
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
