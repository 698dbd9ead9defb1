import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { messageOf } from '../../lib/errors.ts';
import { isMapping, mapStrings, substituteInputs } from './expressions.ts';

/** The name under which the derived tree is handed to act. */
export const REPOSITORY = 'slipway/slipway';
export const REF = 'v1';

type Mapping = Record<string, unknown>;
/** Reads a workflow of the same repository by its file name. */
export type ReadWorkflow = (file: string) => Mapping;

/**
 * A workflow as act can run it. Nothing of what a job does changes; only what act cannot read is said otherwise:
 * `$/x` by repository and ref, `concurrency.queue` and `environment.deployment` left out, and a called workflow of the same
 * repository put in place of its call, because act ends the whole run when a called workflow fails, before the jobs that
 * `always()` run. Its jobs get the name of the call in front; what needs the call needs all of them.
 * @throws Error when a called workflow is called in a way that cannot be put in place.
 */
export function deriveWorkflow(workflow: Mapping, read: ReadWorkflow): Mapping {
  const calls = new Map<string, string[]>();
  const placed: [string, Mapping][] = [];
  for (const [id, value] of Object.entries(asMapping(workflow.jobs, 'jobs'))) {
    const job = asMapping(value, id);
    const called = calledFile(job);
    const own = called === undefined ? [[id, job] as [string, Mapping]] : inlined(id, job, read(called), called);
    if (called !== undefined)
      calls.set(
        id,
        own.map(([name]) => name),
      );
    placed.push(...own);
  }
  const jobs = Object.fromEntries(placed.map(([id, job]) => [id, deriveJob(askedFirst(needsOf(job, calls), calls))]));
  for (const id of calls.keys()) {
    // The result of a call is the worst of its jobs', which no expression over one of them can say.
    if ((calls.get(id)?.length ?? 0) > 1 && JSON.stringify(jobs).includes(`needs.${id}.`))
      throw new Error(`an expression looks at needs.${id}, which is several jobs`);
  }
  return withoutQueue({ ...workflow, jobs });
}

function needsOf(job: Mapping, calls: ReadonlyMap<string, string[]>): Mapping {
  if (job.needs === undefined) return job;
  const needs = [job.needs].flat().flatMap((id) => calls.get(String(id)) ?? [String(id)]);
  return { ...job, needs: [...new Set(needs)] };
}

/** A call of several jobs was skipped when its first one was: the call's condition is that one's. */
function askedFirst(job: Mapping, calls: ReadonlyMap<string, string[]>): Mapping {
  const asked = (text: string) =>
    text.replace(/needs\.([\w-]+)\.result (==|!=) 'skipped'/g, (whole, id: string, sign: string) => {
      const [first, ...more] = calls.get(id) ?? [];
      return first === undefined || more.length === 0 ? whole : `needs.${first}.result ${sign} 'skipped'`;
    });
  return asMapping(mapStrings(job, asked), 'job');
}

/** An action.yml as act can run it: `$/x` in the steps of a composite by repository and ref. */
export function deriveAction(action: Mapping): Mapping {
  return asMapping(
    mapStrings(action, (text) => (text.startsWith('$/') ? reference(text) : text)),
    'action',
  );
}

function deriveJob(job: Mapping): Mapping {
  const derived = { ...job };
  if (typeof derived.uses === 'string') derived.uses = reference(derived.uses);
  if (Array.isArray(derived.steps))
    derived.steps = derived.steps.map((step: Mapping) =>
      typeof step.uses === 'string' ? { ...step, uses: reference(step.uses) } : step,
    );
  if (isMapping(derived.environment)) {
    const { deployment: _, ...environment } = derived.environment;
    derived.environment = environment;
  }
  const matrix = isMapping(derived.strategy) ? derived.strategy.matrix : undefined;
  if (isMapping(matrix)) derived.strategy = { ...(derived.strategy as Mapping), matrix: neverEmpty(matrix) };
  return withoutQueue(derived);
}

/** act works a matrix out before it looks at `if`; an empty one then leaves the job without a result, not `skipped`. */
function neverEmpty(matrix: Mapping): Mapping {
  return asMapping(
    mapStrings(matrix, (text) =>
      text.replace(
        /^\$\{\{\s*fromJSON\((.+)\)\s*\}\}$/s,
        (_, list: string) => `\${{ fromJSON((${list}) != '[]' && (${list}) || '["none"]') }}`,
      ),
    ),
    'matrix',
  );
}

function withoutQueue(owner: Mapping): Mapping {
  if (!isMapping(owner.concurrency)) return owner;
  const { queue: _, ...concurrency } = owner.concurrency;
  return { ...owner, concurrency };
}

function reference(uses: string): string {
  if (!uses.startsWith('$/')) return uses;
  const path = uses.slice(2);
  return path === '' ? `${REPOSITORY}@${REF}` : `${REPOSITORY}/${path}@${REF}`;
}

function calledFile(job: Mapping): string | undefined {
  const path = typeof job.uses === 'string' ? /^\$\/(\.github\/workflows\/[^@]+)$/.exec(job.uses)?.[1] : undefined;
  return path === undefined ? undefined : basename(path);
}

function inlined(id: string, call: Mapping, workflow: Mapping, file: string): [string, Mapping][] {
  if (call.secrets !== undefined || call.strategy !== undefined)
    throw new Error(`the call ${id} of ${file} passes secrets or a matrix, which cannot be put in place`);
  const entries = Object.entries(asMapping(workflow.jobs, file));
  // One job keeps the call's name, so that what looks at its result still can.
  const nameOf = (inner: string) => (entries.length === 1 ? id : `${id}-${inner}`);
  const values = inputValues(call, workflow, file);
  const before = [call.needs ?? []].flat() as string[];
  return entries.map(([inner, value]) => {
    const body = asMapping(
      mapStrings(asMapping(value, inner), (text) => substituteInputs(text, values)),
      file,
    );
    if ('outputs' in body)
      throw new Error(`the job ${inner} of ${file} has outputs, which belong to its call in ${id}`);
    const needs = [...before, ...([body.needs ?? []].flat() as string[]).map(nameOf)];
    const condition = both(call.if, body.if);
    return [
      nameOf(inner),
      { ...body, ...(needs.length > 0 && { needs }), ...(condition !== undefined && { if: condition }) },
    ];
  });
}

/** A condition that holds when both do. */
function both(a: unknown, b: unknown): string | undefined {
  const given = [a, b].filter((one) => one !== undefined).map(String);
  if (given.length < 2) return given[0];
  const inner = given.map((one) => /^\$\{\{(.*)\}\}$/s.exec(one.trim())?.[1]?.trim() ?? one);
  return `\${{ ${inner.map((one) => `(${one})`).join(' && ')} }}`;
}

function inputValues(call: Mapping, workflow: Mapping, file: string): Map<string, string> {
  const on = asMapping(workflow.on, `${file}: on`);
  const declared = asMapping(asMapping(on.workflow_call, `${file}: workflow_call`).inputs ?? {}, `${file}: inputs`);
  const given = asMapping(call.with ?? {}, 'with');
  for (const name of Object.keys(given)) if (!(name in declared)) throw new Error(`${file} has no input "${name}"`);
  return new Map(
    Object.entries(declared).map(([name, input]) => [
      name,
      String(given[name] ?? asMapping(input, name).default ?? ''),
    ]),
  );
}

function asMapping(value: unknown, what: string): Mapping {
  if (!isMapping(value)) throw new Error(`${what} is not a mapping`);
  return value;
}

/**
 * Writes the tree that act is given as slipway/slipway@v1: every action.yml, the bundles, and the derived workflows.
 * @param source this repository's working tree
 * @param target an empty or new directory
 * @param bundles where dist/ is taken from
 */
export async function deriveTree(source: string, target: string, bundles = join(source, 'dist')): Promise<void> {
  const workflows = join(source, '.github/workflows');
  const files = (await readdir(workflows)).filter((file) => file.endsWith('.yml'));
  const parsed = new Map<string, Mapping>();
  for (const file of files) parsed.set(file, readYaml(await readFile(join(workflows, file), 'utf8'), file));
  const read: ReadWorkflow = (file) => {
    const workflow = parsed.get(file);
    if (!workflow) throw new Error(`there is no .github/workflows/${file}`);
    return workflow;
  };
  await mkdir(join(target, '.github/workflows'), { recursive: true });
  for (const [file, workflow] of parsed)
    await writeFile(
      join(target, '.github/workflows', file),
      stringify(deriveWorkflow(workflow, read), { lineWidth: 0 }),
    );
  await cp(bundles, join(target, 'dist'), { recursive: true });
  // The bundles are ES modules; this says so.
  await writeFile(join(target, 'package.json'), '{ "type": "module" }\n');
  await deriveActions(source, target);
}

async function deriveActions(source: string, target: string): Promise<void> {
  const rooms = (await readdir(join(source, 'actions'), { withFileTypes: true })).filter((room) => room.isDirectory());
  for (const room of ['.', ...rooms.map(({ name }) => join('actions', name))]) {
    const text = await readFile(join(source, room, 'action.yml'), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    await mkdir(join(target, room), { recursive: true });
    await writeFile(
      join(target, room, 'action.yml'),
      stringify(deriveAction(readYaml(text, join(room, 'action.yml'))), { lineWidth: 0 }),
    );
  }
}

function readYaml(text: string, file: string): Mapping {
  try {
    return asMapping(parse(text), file);
  } catch (error) {
    throw new Error(`${file} cannot be read as YAML: ${messageOf(error)}`, { cause: error });
  }
}
