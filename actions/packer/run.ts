import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { messageOf, Problem } from '../../lib/errors.ts';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import type { LegReport } from '../../lib/leg/leg.ts';
import type { Log } from '../../lib/log.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { code, codeBlock, heading, table } from '../../lib/summary.ts';
import { isDenied, nextFor } from './causes.ts';
import { awaitAvailable, ensureCopies } from './copies.ts';
import type { Image, Images } from './images.ts';
import type { TemplateError } from './machine.ts';
import type { Packer } from './packer.ts';
import { type Pruned, prune } from './prune.ts';
import type { Target } from './settings.ts';
import { TAG } from './tags.ts';

/** SSM parameters as a port. */
export interface Parameters {
  /** Undefined when there is no such parameter. */
  read(name: string): Promise<string | undefined>;
  /** Makes it, or gives it another value; resolves when readers see that. */
  write(name: string, value: string): Promise<void>;
}

export interface RunPorts {
  /** Found or installed when it is needed first: an image that is there needs no Packer. */
  packer(): Promise<Packer>;
  images: Images;
  /** Those of a region. */
  parameters(region: string): Parameters;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

export interface Settings extends Target {
  operation: 'validate' | 'build';
  environment: string;
  /** '' when none is known: then nothing is looked for at AWS. */
  region: string;
  /** '' when it is not known: then every build builds. */
  fingerprint: string;
  force: boolean;
  checkFormat: boolean;
  /** The component's last good entry in the ledger. */
  last: LedgerEntry | undefined;
  /** Whose image it is; see tags.ts. */
  series: string;
  commit: string;
  runUrl: string;
}

/** What has become of a build: an image, and what was done with it. */
interface Made {
  image: string;
  /** Id by region, the run's own first. */
  everywhere: Map<string, string>;
  outcome: Outcome;
  notes: string[];
  pruned?: Pruned;
}

/** Validates a template, or sees to it that there is an image of it: the one that was made of the same before, or a new one. */
export async function run(settings: Settings, ports: RunPorts): Promise<LegReport> {
  ports.log.info(`${settings.operation} ${join(settings.folder, settings.template)}`);
  if (settings.operation === 'validate') return validate(settings, ports);
  const known = await knownImage(settings, ports);
  return known === undefined ? build(settings, ports) : reuse(settings, known, ports);
}

async function validate(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const { log } = ports;
  const packer = await ports.packer();
  const steps: [string, () => ReturnType<Packer['validate']>][] = [
    ['init', packer.init],
    ...(settings.checkFormat ? [['fmt', packer.format] as [string, typeof packer.format]] : []),
    ['validate', packer.validate],
  ];
  for (const [step, call] of steps) {
    const { ok, errors } = await log.group(`packer ${step}`, call);
    if (!ok) return refused(settings, step, errors);
  }
  return report(settings, { status: 'succeeded', cause: '' }, undefined, 'The template is valid.\n\n');
}

/** The image that was built of the same before and is still there, unless a new one was asked for. */
async function knownImage(settings: Settings, { images }: RunPorts): Promise<Image | undefined> {
  const { fingerprint, force, region, last } = settings;
  if (fingerprint === '' || force || region === '') return undefined;
  const same = (await images.tagged(region, { [TAG.fingerprint]: fingerprint })).filter(isAvailable);
  if (same.length > 0) return same.reduce((a, b) => (a.createdAt < b.createdAt ? b : a));
  // One of the ledger whose tags somebody took, or that was built before there were any.
  const id = last?.buildFingerprint === fingerprint ? last.outputs?.['ami-id'] : undefined;
  return id === undefined ? undefined : (await images.byId(region, [id])).find(isAvailable);
}

const isAvailable = (image: Image) => image.state === 'available';

async function reuse(settings: Settings, image: Image, ports: RunPorts): Promise<LegReport> {
  ports.log.info(`${image.id} (${image.name}, ${image.createdAt}) is made of the same`);
  if (image.tags[TAG.fingerprint] === undefined) await tag(settings, [image], image.id, ports);
  const { moved, ...made } = await handOver(settings, image, new Map(), ports);
  const outcome: Outcome = moved
    ? { status: 'succeeded', cause: '' }
    : { status: 'unchanged', cause: `${image.id} is made of the same template and variables` };
  return report(settings, outcome, { ...made, outcome });
}

async function build(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const { log } = ports;
  const packer = await ports.packer();
  const init = await log.group('packer init', () => packer.init());
  if (!init.ok) return refused(settings, 'init', init.errors);
  const { ok, errors, images: built } = await log.group('packer build', () => packer.build());
  if (!ok) return refused(settings, 'build', errors);
  const { region } = settings;
  const id = built.get(region) ?? built.get('') ?? (region === '' ? [...built.values()][0] : undefined);
  if (id === undefined) return report(settings, nothingBuilt(settings, built));
  if (region === '') {
    const outcome: Outcome = { status: 'succeeded', cause: '' };
    return report(settings, outcome, { image: id, everywhere: built, outcome, notes: [] });
  }
  const image = await awaitAvailable(id, region, ports);
  const others = new Map([...built].filter(([where]) => where !== region && where !== ''));
  const copies = await Promise.all([...others].map(([where, copy]) => awaitAvailable(copy, where, ports)));
  await tag(settings, [image, ...copies], id, ports);
  const { moved: _moved, ...made } = await handOver(settings, image, others, ports);
  const outcome: Outcome = { status: 'succeeded', cause: '' };
  return report(settings, outcome, { ...made, outcome });
}

function nothingBuilt({ region }: Settings, built: ReadonlyMap<string, string>): Outcome {
  const where = [...built.keys()].join(', ');
  const cause = where
    ? `the template built images in ${where}, and none in ${region}`
    : 'the template built no machine image';
  return { status: 'failed', cause, next: 'Check the sources of its build block and their region' };
}

/** Writes onto images, and their snapshots, whose they are and what they are made of. */
async function tag(settings: Settings, made: readonly Image[], id: string, { images }: RunPorts): Promise<void> {
  const tags = tagsFor(settings, id);
  await Promise.all(made.map((image) => images.tag(image.region, [image.id, ...image.snapshots], tags)));
}

function tagsFor({ series, fingerprint, commit, runUrl }: Settings, id: string): Record<string, string> {
  return {
    [TAG.series]: series,
    [TAG.build]: id,
    ...(fingerprint && { [TAG.fingerprint]: fingerprint }),
    ...(commit && { [TAG.commit]: commit }),
    ...(runUrl && { [TAG.run]: runUrl }),
  };
}

/** Copies, parameters, and what is old: the same after a build and for an image that was there, so that a run that was cut short is completed. */
async function handOver(
  settings: Settings,
  image: Image,
  built: ReadonlyMap<string, string>,
  ports: RunPorts,
): Promise<Omit<Made, 'outcome'> & { moved: boolean }> {
  const { region, parameter, keep, series } = settings;
  const everywhere = new Map([[region, image.id], ...built]);
  const missing = settings.regions.filter((where) => !everywhere.has(where));
  const tagged = { ...image, tags: tagsFor(settings, image.id) };
  for (const [where, copy] of await ensureCopies(tagged, missing, ports)) everywhere.set(where, copy.id);
  const notes: string[] = [];
  // Only when all are there: whoever reads a parameter finds the same build in every region.
  for (const [where, id] of everywhere) {
    const before = parameter === '' ? id : await ports.parameters(where).read(parameter);
    if (before === id) continue;
    await ports.parameters(where).write(parameter, id);
    ports.log.info(`${parameter} in ${where} names ${id}`);
    notes.push(
      `${code(parameter)} in ${where} names ${code(id)}${before === undefined ? '' : `, no longer ${code(before)}`}.`,
    );
  }
  const moved = notes.length > 0;
  if (keep === undefined) return { image: image.id, everywhere, notes, moved };
  try {
    const pruned = await prune({ series, keep, current: image.id, regions: [...everywhere.keys()] }, ports);
    if (pruned.failure !== '') {
      ports.log.warning(`Old images stay: ${pruned.failure}`);
      notes.push(`Old images stay: ${pruned.failure}`);
    }
    return { image: image.id, everywhere, notes, moved, pruned };
  } catch (error) {
    if (error instanceof Problem && error.kind === 'cancelled') throw error;
    // The image is built and handed over; what could not be removed is removed by the next run.
    ports.log.warning(`Old images stay: ${messageOf(error)}`);
    notes.push(`Old images stay: ${messageOf(error)}`);
    return { image: image.id, everywhere, notes, moved };
  }
}

function report(settings: Settings, outcome: Outcome, made?: Made, body = ''): LegReport {
  const { fingerprint, region } = settings;
  const image = made?.image ?? '';
  const everywhere = made?.everywhere ?? new Map<string, string>();
  const others = [...everywhere].filter(([where]) => where !== region && where !== '');
  const removed = made?.pruned?.removed ?? [];
  return {
    outcome,
    outputs: {
      'ami-id': image,
      'ami-ids': JSON.stringify(Object.fromEntries(everywhere)),
      fingerprint,
      removed: removed.map(({ id }) => id).join(','),
    },
    componentOutputs:
      image === ''
        ? {}
        : { 'ami-id': image, ...Object.fromEntries(others.map(([where, id]) => [`ami-id-${where}`, id])) },
    entry: fingerprint === '' || image === '' ? {} : { buildFingerprint: fingerprint },
    summary: title(settings) + body + (made ? storyOf(settings, made) : ''),
  };
}

function storyOf({ fingerprint, region }: Settings, { everywhere, notes, outcome, pruned }: Made): string {
  const rows = [...everywhere].map(([where, id]) => [where || region, code(id)]);
  const parts = [
    outcome.status === 'unchanged' ? 'Made of the same before, and still there: nothing was built.' : '',
    table(['Region', 'Image'], rows),
    ...notes,
    ...(pruned?.removed.length
      ? [`Removed, with their snapshots: ${pruned.removed.map(({ id }) => code(id)).join(', ')}.`]
      : []),
    ...(pruned?.held ?? []).map(
      ({ build, uses }) =>
        `${code(build.id)} is old and stays: held by ${[...new Set(uses.map(({ by }) => by))].join(', ')}.`,
    ),
    fingerprint ? `Fingerprint ${code(fingerprint.slice(0, 12))}` : '',
  ];
  return parts
    .filter(Boolean)
    .map((part) => `${part.trimEnd()}\n\n`)
    .join('');
}

function title({ operation, folder, template, environment }: Settings): string {
  return heading(3, `Packer ${operation}: ${join(folder, template)}${environment ? ` (${environment})` : ''}`);
}

function refused(settings: Settings, step: string, errors: readonly TemplateError[]): LegReport {
  const [first] = errors;
  const messages = errors.map((error) => error.message);
  const place = first?.file === undefined ? '' : ` (${join(settings.folder, first.file)}:${first.line ?? 1})`;
  const outcome: Outcome = {
    status: isDenied(messages) ? 'denied' : 'failed',
    cause: `packer ${step} failed: ${(first?.message ?? 'no reason given').slice(0, 500)}${place}`,
    next: nextFor(messages),
  };
  return {
    ...report(settings, outcome, undefined, codeBlock(messages.join('\n'))),
    annotations: errors.map((error) => ({
      level: 'error',
      title: `Packer ${step}`,
      message: error.message,
      file: error.file === undefined ? undefined : join(settings.folder, error.file),
      line: error.line,
      column: error.column,
    })),
  };
}
