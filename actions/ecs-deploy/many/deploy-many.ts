import { Problem } from '../../../lib/errors.ts';
import type { Log } from '../../../lib/log.ts';
import { isGood, type Outcome, outcomeLabel } from '../../../lib/outcome.ts';
import type { Report } from '../../../lib/report.ts';
import { code, escapeCell, escapeText, heading, table } from '../../../lib/summary.ts';
import { deploy } from '../deploy.ts';
import type { EcsDeployInputs } from '../inputs.ts';
import type { EcsDeployPorts } from '../ports.ts';
import { rollback } from '../rollback.ts';
import { type OneService, wavesOf } from './services.ts';

/** How one service of several ended. */
interface ServiceEnd {
  asked: OneService;
  /** Its name, with the cluster's where two have the same. */
  service: string;
  wave: number;
  outcome: Outcome;
  outputs: Record<string, string>;
  summary: string;
  /** Set when it was put back because another service failed. */
  back?: Outcome;
}

/**
 * Deploys several services with one set of images, wave after wave; a wave with a failure is the last. All or nothing: what
 * this run has deployed is put back when one of them fails.
 */
export async function deployMany(
  inputs: EcsDeployInputs,
  services: readonly OneService[],
  ports: EcsDeployPorts,
): Promise<Report> {
  checkNames(services, inputs);
  const ends: ServiceEnd[] = [];
  const waves = wavesOf(services);
  for (const [index, wave] of waves.entries()) {
    if (waves.length > 1)
      ports.log.info(`Wave ${index + 1} of ${waves.length}: ${wave.map((s) => s.service).join(', ')}`);
    // The post step keeps one rollout in mind, which it would mix up with the others of the wave.
    const own = wave.length === 1 ? ports : { ...ports, remember: undefined };
    ends.push(...(await Promise.all(wave.map((service) => deployOne(service, index + 1, inputs, own)))));
    if (ends.some((e) => !isGood(e.outcome))) break;
  }
  const failed = ends.filter((e) => !isGood(e.outcome));
  const cancelled = ports.signal.aborted;
  if (failed.length > 0 && inputs['all-or-nothing'] && !cancelled) await putBack(ends, inputs, ports);
  const skipped = services.filter((s) => !ends.some((e) => e.asked === s));
  return reportOf(ends, skipped, inputs);
}

function checkNames(services: readonly OneService[], inputs: EcsDeployInputs): void {
  const names = services.map((s) => `${s.cluster ?? inputs.cluster} ${s.service}`);
  const twice = services.find((_, i) => names.indexOf(names[i] ?? '') !== i);
  const none = services.find((s) => (s.cluster ?? inputs.cluster) === '');
  const problem = (seen: string, cause: string, fix: string) =>
    new Problem({ what: "input 'services'", seen, cause, fix });
  if (twice) throw problem(twice.service, 'it is listed twice', 'List each service once');
  if (none) throw problem(none.service, 'it is not said in which cluster it is', 'Set `cluster`');
  if (inputs.service !== '')
    throw new Problem({
      what: "inputs 'service' and 'services'",
      cause: 'both are given, and it is not clear which are meant',
      fix: 'Keep `services` alone, or make them one step each',
    });
}

function inputsOf(service: OneService, inputs: EcsDeployInputs): EcsDeployInputs {
  return {
    ...inputs,
    services: undefined,
    service: service.service,
    cluster: service.cluster ?? inputs.cluster,
    'task-definition': service['task-definition'] ?? inputs['task-definition'],
    container: service.container ?? inputs.container,
    'desired-count': service['desired-count'] ?? inputs['desired-count'],
  };
}

function nameOf(service: OneService, { services = [], cluster }: EcsDeployInputs): string {
  const several = services.filter((s) => s.service === service.service).length > 1;
  return several ? `${service.cluster ?? cluster}/${service.service}` : service.service;
}

async function deployOne(
  service: OneService,
  wave: number,
  inputs: EcsDeployInputs,
  ports: EcsDeployPorts,
): Promise<ServiceEnd> {
  const name = nameOf(service, inputs);
  const report = await deploy(inputsOf(service, inputs), { ...ports, log: prefixed(ports.log, name) }).catch(failure);
  return { asked: service, service: name, wave, ...report };
}

/** What is thrown for one service is its outcome here: the others have one too. */
function failure(error: unknown): Pick<Report, 'outcome' | 'outputs' | 'summary'> {
  if (!(error instanceof Problem)) throw error;
  const status = error.kind === 'denied' ? 'denied' : error.kind === 'cancelled' ? 'stopped' : 'failed';
  return { outcome: { status, cause: error.finding, next: error.parts.fix }, outputs: {}, summary: '' };
}

/** Those that succeeded go back to what they ran; the newest wave first. One that cannot is told and does not stop the others. */
async function putBack(ends: ServiceEnd[], inputs: EcsDeployInputs, ports: EcsDeployPorts): Promise<void> {
  for (const end of ends.toReversed()) {
    const previous = end.outputs['previous-task-definition-arn'] ?? '';
    const moved = end.outcome.status === 'succeeded' && previous !== end.outputs['task-definition-arn'];
    if (!moved) continue;
    if (previous === '') {
      end.back = { status: 'failed', cause: 'it was created by this run, so there is nothing to go back to' };
      continue;
    }
    ports.log.info(`${end.service}: going back, because another service failed (all-or-nothing)`);
    const back = { ...inputsOf(end.asked, inputs), 'task-definition': previous, 'desired-count': undefined };
    const named = { ...ports, log: prefixed(ports.log, end.service) };
    end.back = (await rollback(back, named).catch(failure)).outcome;
  }
}

function reportOf(ends: readonly ServiceEnd[], skipped: readonly OneService[], inputs: EcsDeployInputs): Report {
  const outcome = overall(ends, skipped);
  const results = Object.fromEntries([
    ...ends.map((e): [string, object] => [
      e.service,
      {
        outcome: e.back && isGood(e.back) ? 'rolled-back' : e.outcome.status,
        cause: [e.outcome.cause, e.back?.cause].filter(Boolean).join('; '),
        taskDefinition: e.outputs['task-definition-arn'] ?? '',
        previous: e.outputs['previous-task-definition-arn'] ?? '',
      },
    ]),
    ...skipped.map((s): [string, object] => [
      nameOf(s, inputs),
      { outcome: 'skipped', cause: 'an earlier wave failed' },
    ]),
  ]);
  const rows = [
    ...ends.map((e) => [
      String(e.wave),
      code(e.service),
      e.back
        ? `${outcomeLabel(e.outcome.status)}, put back: ${outcomeLabel(e.back.status)}`
        : outcomeLabel(e.outcome.status),
      escapeCell(e.back?.cause || e.outcome.cause),
    ]),
    ...skipped.map((s) => ['', code(s.service), 'not tried', 'an earlier wave failed']),
  ];
  const log = ends.map((e) => e.outputs.log ?? '').find((text) => text !== '') ?? '';
  return {
    outcome,
    outputs: { services: JSON.stringify(results), log, 'task-definition-arn': '', 'deployment-arn': '' },
    summary:
      heading(3, `${outcomeLabel(outcome.status)}: ${ends.length + skipped.length} services`) +
      (outcome.cause === '' ? '' : `${escapeText(outcome.cause)}\n\n`) +
      table(['Wave', 'Service', 'Outcome', 'Cause'], rows) +
      (inputs['all-or-nothing'] ? 'All or nothing was asked for.\n\n' : '') +
      ends.map((e) => e.summary).join(''),
  };
}

function overall(ends: readonly ServiceEnd[], skipped: readonly OneService[]): Outcome {
  const failed = ends.filter((e) => !isGood(e.outcome));
  const [first] = failed;
  if (!first) {
    const unchanged = ends.every((e) => e.outcome.status === 'unchanged');
    return unchanged
      ? { status: 'unchanged', cause: 'every service runs this already' }
      : { status: 'succeeded', cause: '' };
  }
  const back = ends.filter((e) => e.back);
  const stuck = back.filter((e) => e.back && !isGood(e.back));
  const parts = [
    ...failed.map((e) => `${e.service} ended as ${e.outcome.status}: ${e.outcome.cause}`),
    ...(back.length > stuck.length
      ? [
          `put back: ${back
            .filter((e) => !stuck.includes(e))
            .map((e) => e.service)
            .join(', ')}`,
        ]
      : []),
    ...stuck.map((e) => `${e.service} could not be put back: ${e.back?.cause}`),
    ...(skipped.length > 0 ? [`not tried: ${skipped.map((s) => s.service).join(', ')}`] : []),
  ];
  return {
    status: stuck.length > 0 ? 'failed' : first.outcome.status,
    cause: parts.join('; '),
    ...(first.outcome.next && { next: first.outcome.next }),
  };
}

/** Several services write at once: each line says whose it is. A group cannot hold lines of others, so its title is a line. */
function prefixed(log: Log, name: string): Log {
  const say = (message: string) => `[${name}] ${message}`;
  return {
    info: (message) => log.info(say(message)),
    debug: (message) => log.debug(say(message)),
    warning: (message) => log.warning(say(message)),
    mask: log.mask,
    group: (title, f) => {
      log.info(say(title));
      return f();
    },
  };
}
