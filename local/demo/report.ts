import type { Check, Witness } from './checks.ts';
import type { Tally } from './prober.ts';
import { seconds, tableLines } from './terminal.ts';

/** Stages with their times, and what the prober saw. */
export function describeEnd(witnesses: readonly Witness[], probe: Tally, ms: number): string[] {
  const rows = witnesses.flatMap(({ push, travelled }) => [
    ...travelled.stages.map((stage, i) => [
      i === 0 ? push.title.replace(/:.*/, '') : '',
      stage.name,
      stage.state,
      seconds((stage.endedAt ?? stage.startedAt) - stage.startedAt).padStart(7),
    ]),
    ['', 'all', travelled.exitCode === 0 ? 'succeeded' : 'failed', seconds(travelled.ms).padStart(7)],
  ]);
  return [
    '',
    ...tableLines(['', 'stage', 'state', 'time'], rows),
    '',
    `  ${probe.sent} requests to web during all pushes (${probe.perSecond}/s): ${probe.failed} failed; p50 ${probe.p50} ms, p95 ${probe.p95} ms, max ${probe.max} ms`,
    `  ${seconds(ms)} in all`,
  ];
}

/** What did not happen as it should; one line when all did. */
export function describeChecks(checks: readonly Check[], paint: (code: number, text: string) => string): string[] {
  const wrong = checks.filter(({ ok }) => !ok);
  if (wrong.length === 0) return [paint(32, `  All ${checks.length} expectations were met.`)];
  return [
    '',
    ...wrong.map(({ name, seen }) => `  ${paint(31, '✗')} ${name}\n      seen: ${seen.replaceAll('\n', '\n      ')}`),
  ];
}

/** Why nothing else shipped; and what a failing step printed last, where it was not expected to fail or is the point. */
export function describeFailure({ push, travelled }: Witness): string[] {
  const shipped = new Set(travelled.results.map(({ component }) => component));
  const reasons = Object.entries(travelled.reasons)
    .filter(([name]) => !shipped.has(name))
    .map(([name, reason]) => `    ${name.padEnd(10)}          does not ship: ${reason}`);
  const unexpected = travelled.stages.filter(
    ({ state, name }) => (state === 'failed' || state === 'rolled-back') && push.expected[name] !== 'rolled-back',
  );
  const tails = unexpected.flatMap(({ name, tail }) => [
    '',
    `  What ${name} printed last:`,
    ...tail.map((line) => `    ${line}`),
  ]);
  const causes = travelled.results
    .filter(({ component, outcome }) => push.expected[component] === 'rolled-back' && outcome.cause !== '')
    .flatMap(({ outcome }) => outcome.cause.split('\n').map((line) => `      ${line}`));
  return [...reasons, ...causes, ...tails];
}
