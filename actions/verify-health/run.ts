import type { Clock } from '../../lib/clock.ts';
import { humanDuration } from '../../lib/clock.ts';
import { Problem } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import { code, details, escapeCell, heading, table } from '../../lib/summary.ts';
import { type FailureReason, fillIn } from './expect.ts';
import type { VerifyInputs } from './inputs.ts';
import type { Probe } from './probe.ts';
import { type Verdict, watch } from './watch.ts';

export interface VerifyPorts {
  probe: Probe;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}

/** Probes all addresses side by side; healthy when every one has passed often enough in a row. */
export async function run(inputs: VerifyInputs, ports: VerifyPorts): Promise<Report> {
  const urls = inputs.url.map(checkedUrl);
  if (urls.length === 0) throw noUrl();
  const { expect, identityPaths } = fillIn(inputs.expect ?? {}, inputs);
  const started = ports.clock.now();
  const deadline = started + inputs.timeout;
  const say = (text: string) => ports.log.info(`${humanDuration(ports.clock.now() - started).padStart(8)}  ${text}`);
  const verdicts = await Promise.all(
    urls.map((url) =>
      watch(
        {
          url,
          expect,
          identityPaths,
          successes: inputs.successes ?? 1,
          intervalMs: inputs.interval,
          attemptTimeoutMs: inputs['attempt-timeout'],
          deadline,
          failFast: inputs['fail-fast'],
          signal: ports.signal,
        },
        { probe: ports.probe, clock: ports.clock, say },
      ),
    ),
  );
  const outcome = outcomeOf(verdicts, inputs.timeout);
  const latency = percentile(
    verdicts.flatMap((verdict) => verdict.latencies),
    0.95,
  );
  return {
    outcome,
    outputs: {
      attempts: String(verdicts.reduce((n, verdict) => n + verdict.attempts, 0)),
      identity: JSON.stringify(Object.fromEntries(verdicts.map((verdict) => [verdict.url, verdict.identity]))),
      'latency-p95': latency === undefined ? '' : latency.toFixed(0),
      reason: verdicts.find((verdict) => !verdict.healthy)?.failure?.reason ?? '',
    },
    summary: summaryOf(verdicts, outcome, started, ports.clock.now()),
  };
}

/** The outcome of all addresses together: the first that is not healthy decides. */
export function outcomeOf(verdicts: readonly Verdict[], timeoutMs: number): Outcome {
  const bad = verdicts.find((verdict) => !verdict.healthy);
  if (!bad) return { status: 'succeeded', cause: '' };
  const why = bad.failure ? `${bad.failure.reason}: ${bad.failure.cause}` : 'too few answers came in time';
  const more = verdicts.filter((verdict) => !verdict.healthy).length - 1;
  const others = more > 0 ? ` (and ${more} more)` : '';
  const next = NEXT[bad.failure?.reason ?? 'timeout'];
  if (bad.timedOut)
    return {
      status: 'timed-out',
      cause: `${bad.url} was not healthy within ${humanDuration(timeoutMs)}: ${why}${others}`,
      next,
    };
  return { status: 'failed', cause: `${bad.url} cannot become healthy by waiting: ${why}${others}`, next };
}

/** What to look at, by what was wrong last. */
const NEXT: Readonly<Record<FailureReason, string>> = {
  dns: 'Check the host in `url`, and that its DNS record exists where the runner looks names up',
  refused:
    'Check the port in `url`, that the service listens on it, and that firewalls and security groups let the runner in',
  tls: 'Check that the certificate is for the host in `url`, still valid, and sent with its whole chain; NODE_EXTRA_CA_CERTS names a CA of your own',
  timeout: 'Look at the service’s log; raise `timeout` or `attempt-timeout` if it is only slow',
  status: 'Look at the service’s log for these requests, or correct `expect.status`',
  assert: 'Look at the service’s log, or correct `expect`',
  'version-mismatch':
    'See whether the deployment ended and every earlier instance is gone; a cache or another service at this address answers like this too',
  flapping: 'Look for instances that restart, or for an earlier version behind the same address',
};

/** Nearest-rank percentile. */
export function percentile(values: readonly number[], rank: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)];
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return text;
  throw new Problem({
    what: "input 'url'",
    seen: url?.password ? '(address with a password)' : text,
    cause: 'it is not an http or https address without credentials',
    fix: 'Write for instance https://www.example.com/health',
  });
}

function noUrl(): Problem {
  return new Problem({
    what: "input 'url'",
    cause: 'it is empty, and no component gives one',
    fix: 'Set `url`, or `component` with a `verify.url` in the config file',
  });
}

function summaryOf(verdicts: readonly Verdict[], outcome: Outcome, started: number, ended: number): string {
  const rows = verdicts.map((verdict) => {
    const p95 = percentile(verdict.latencies, 0.95);
    return [
      code(verdict.url),
      verdict.healthy ? '✅ healthy' : `❌ ${escapeCell(verdict.failure?.reason ?? 'timeout')}`,
      String(verdict.attempts),
      p95 === undefined ? '' : `${p95.toFixed(0)} ms`,
      code(JSON.stringify(verdict.identity)),
    ];
  });
  const events = verdicts
    .flatMap((verdict) => verdict.events.map((e) => ({ ...e, url: verdict.url })))
    .toSorted((a, b) => a.at - b.at);
  return (
    heading(
      3,
      verdicts.every((verdict) => verdict.healthy) ? `Healthy after ${humanDuration(ended - started)}` : 'Not healthy',
    ) +
    (outcome.cause === '' ? '' : `${escapeCell(outcome.cause)}\n\n`) +
    table(['Address', 'State', 'Probes', 'p95', 'Says of itself'], rows) +
    details(
      'Timeline',
      table(
        ['After', 'Address', 'What changed'],
        events.map((e) => [humanDuration(e.at - started), code(e.url), escapeCell(e.text)]),
      ),
    )
  );
}
