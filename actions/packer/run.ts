import { join } from 'node:path';
import type { LedgerEntry } from '../../lib/ledger/ledger.ts';
import type { LegReport } from '../../lib/leg/leg.ts';
import type { Log } from '../../lib/log.ts';
import type { Outcome } from '../../lib/outcome.ts';
import { code, codeBlock, heading, table } from '../../lib/summary.ts';
import type { TemplateError } from './machine.ts';
import type { Packer } from './packer.ts';
import type { Target } from './settings.ts';

/** SSM parameters as a port. */
export interface Parameters {
  /** Undefined when there is no such parameter. */
  read(name: string): Promise<string | undefined>;
  write(name: string, value: string): Promise<void>;
}

export interface RunPorts {
  packer: Packer;
  parameters: Parameters;
  log: Log;
}

export interface Settings extends Target {
  operation: 'validate' | 'build';
  environment: string;
  region: string;
  /** '' when it is not known: then every build builds. */
  fingerprint: string;
  force: boolean;
  /** The component's last good entry in the ledger. */
  last: LedgerEntry | undefined;
}

/** Validates a template, or builds its machine image unless the one that is there is made of the same. */
export async function run(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const { packer, log } = ports;
  const where = join(settings.folder, settings.template);
  log.info(`Packer ${packer.version}: ${settings.operation} ${where}`);
  const init = await log.group('packer init', () => packer.init());
  if (!init.ok) return refused(settings, 'init', init.errors);
  if (settings.operation === 'validate') {
    const { ok, errors } = await log.group('packer validate', () => packer.validate());
    return ok
      ? report(settings, { status: 'succeeded', cause: '' }, '', 'The template is valid.\n\n')
      : refused(settings, 'validate', errors);
  }
  const known = knownImage(settings);
  return known === undefined ? build(settings, ports) : reuse(settings, known, ports);
}

/** The image that was built of the same before, unless a new one was asked for. */
function knownImage({ fingerprint, force, last }: Settings): string | undefined {
  if (fingerprint === '' || force || last?.buildFingerprint !== fingerprint) return undefined;
  return last.outputs?.['ami-id'];
}

async function reuse(settings: Settings, ami: string, ports: RunPorts): Promise<LegReport> {
  const { parameter } = settings;
  const moved = await store(parameter, ami, ports);
  const outcome: Outcome = moved
    ? { status: 'succeeded', cause: '' }
    : { status: 'unchanged', cause: `${ami} is made of the same template and variables` };
  const note = moved
    ? `${code(parameter)} held another image and names ${code(ami)} again.\n\n`
    : `${code(ami)} stays.\n\n`;
  return report(settings, outcome, ami, note);
}

async function build(settings: Settings, ports: RunPorts): Promise<LegReport> {
  const { packer, log } = ports;
  const { ok, errors, images } = await log.group('packer build', () => packer.build());
  if (!ok) return refused(settings, 'build', errors);
  const ami =
    images.get(settings.region) ?? images.get('') ?? (settings.region === '' ? [...images.values()][0] : undefined);
  if (ami === undefined) {
    const built = [...images.keys()].join(', ');
    const cause = built
      ? `the template built images in ${built}, and none in ${settings.region}`
      : 'the template built no machine image';
    return report(
      settings,
      { status: 'failed', cause, next: 'Check the sources of its build block and their region' },
      '',
      '',
    );
  }
  await store(settings.parameter, ami, ports);
  const rows = [...images].map(([region, id]) => [region || settings.region, code(id)]);
  return report(settings, { status: 'succeeded', cause: '' }, ami, table(['Region', 'Image'], rows));
}

/** @returns whether the parameter had to be changed. */
async function store(parameter: string, ami: string, { parameters, log }: RunPorts): Promise<boolean> {
  if (parameter === '' || (await parameters.read(parameter)) === ami) return false;
  await parameters.write(parameter, ami);
  log.info(`${parameter} names ${ami}`);
  return true;
}

function report(settings: Settings, outcome: Outcome, ami: string, body: string): LegReport {
  const { fingerprint, parameter } = settings;
  const facts = [
    ...(fingerprint ? [`Fingerprint ${code(fingerprint.slice(0, 12))}`] : []),
    ...(parameter && ami ? [`parameter ${code(parameter)}`] : []),
  ];
  return {
    outcome,
    outputs: { 'ami-id': ami, fingerprint },
    componentOutputs: ami === '' ? {} : { 'ami-id': ami },
    entry: fingerprint === '' || ami === '' ? {} : { buildFingerprint: fingerprint },
    summary: title(settings) + body + (facts.length > 0 ? `${facts.join(', ')}\n\n` : ''),
  };
}

function title({ operation, folder, template, environment }: Settings): string {
  return heading(3, `Packer ${operation}: ${join(folder, template)}${environment ? ` (${environment})` : ''}`);
}

function refused(settings: Settings, step: string, errors: readonly TemplateError[]): LegReport {
  const [first] = errors;
  const place = first?.file === undefined ? '' : ` (${join(settings.folder, first.file)}:${first.line ?? 1})`;
  const denied = errors.some((error) =>
    /UnauthorizedOperation|AccessDenied|not authorized to perform/.test(error.message),
  );
  const outcome: Outcome = {
    status: denied ? 'denied' : 'failed',
    cause: `packer ${step} failed: ${(first?.message ?? 'no reason given').slice(0, 500)}${place}`,
    next: denied ? 'Give the role of this run the right that the message names' : 'See the log of this step',
  };
  const text = errors.map((error) => error.message).join('\n');
  return {
    ...report(settings, outcome, '', codeBlock(text)),
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
