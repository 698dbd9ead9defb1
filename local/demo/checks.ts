import type { Tally } from './prober.ts';
import type { Push } from './pushes.ts';
import type { Travelled } from './travel.ts';

/** Something that the demo has to show, and whether it did. */
export interface Check {
  name: string;
  ok: boolean;
  /** What was seen instead. */
  seen: string;
}

/** What the web service said of itself after a push. */
export interface Identity {
  revision: string;
  digest: string;
}

export interface Witness {
  push: Push;
  travelled: Travelled;
  /** What answered after the run. */
  identity: Identity;
  /** All text of the run's Discord message. */
  message: string;
  /** Revisions whose migration ran to its end in a task of its own. */
  migrated: readonly string[];
}

export const LEAST_PER_SECOND = 20;

/** The least that people must be able to see in three pushes; all of it has to hold for the demo to be a success. */
export function judge(witnesses: readonly Witness[], probe: Tally): Check[] {
  return [...witnesses.flatMap((witness, i) => pushChecks(witness, witnesses[i - 1])), ...probeChecks(probe)];
}

function pushChecks(witness: Witness, before: Witness | undefined): Check[] {
  const { push, travelled, identity, message } = witness;
  const fails = Object.values(push.expected).includes('rolled-back');
  const title = push.title.replace(/:.*/, '');
  const check = (name: string, ok: boolean, seen: string): Check => ({ name: `${title}: ${name}`, ok, seen });
  return [
    check(
      fails ? 'the run fails' : 'the run succeeds',
      (travelled.exitCode !== 0) === fails,
      `exit code ${travelled.exitCode}`,
    ),
    ...Object.entries(push.expected).map(([name, expected]) => {
      const seen = travelled.results.find(({ component }) => component === name)?.outcome.status ?? 'absent';
      return check(`${name} is ${expected}`, seen === expected, seen);
    }),
    ...Object.entries(push.expected)
      .filter(([, expected]) => expected === 'absent')
      .map(([name]) => {
        const reason = travelled.reasons[name] ?? '';
        return check(
          `it says why ${name} does not ship`,
          /unchanged since [0-9a-f]{7,}/.test(reason),
          reason || 'no reason',
        );
      }),
    ...(push.expected.web === 'absent' ? [] : [migrationCheck(check, witness)]),
    ...(fails && before ? failureChecks(check, witness, before) : [versionCheck(check, travelled, identity)]),
    check('Discord names what shipped', namesAll(message, push), message || 'no message'),
  ];
}

type Make = (name: string, ok: boolean, seen: string) => Check;

/** `before` of the sample: it runs on the new image whether or not that image then gets healthy. */
function migrationCheck(check: Make, { travelled, migrated }: Witness): Check {
  return check('the migration ran before web', migrated.includes(travelled.sha), migrated.join(', ') || 'none ran');
}

function versionCheck(check: Make, travelled: Travelled, { revision, digest }: Identity): Check {
  const result = travelled.results.find(({ component }) => component === 'web');
  const ok = result?.digest !== undefined && result.digest === digest && revision === travelled.sha;
  return check('the new version answers', ok, `revision ${revision}, digest ${digest}`);
}

function failureChecks(check: Make, { travelled, identity, message }: Witness, before: Witness): Check[] {
  const cause = travelled.results.find(({ component }) => component === 'web')?.outcome.cause ?? '';
  return [
    check('its cause is the health check', /health/i.test(cause), cause || 'no cause'),
    check(
      'the old version still answers',
      identity.revision === before.identity.revision && identity.digest === before.identity.digest,
      `revision ${identity.revision}, digest ${identity.digest}`,
    ),
    check(
      'Discord says that it failed, and why',
      /health/i.test(message) && /roll|fail/i.test(message),
      message || 'no message',
    ),
  ];
}

function namesAll(message: string, push: Push): boolean {
  return Object.entries(push.expected).every(([name, expected]) => expected === 'absent' || message.includes(name));
}

function probeChecks(probe: Tally): Check[] {
  return [
    {
      name: 'no request of the prober failed',
      ok: probe.failed === 0 && probe.sent > 0,
      seen: `${probe.failed} of ${probe.sent} failed: ${JSON.stringify(probe.failures)}`,
    },
    {
      name: `the prober sent at least ${LEAST_PER_SECOND} requests a second`,
      ok: probe.perSecond >= LEAST_PER_SECOND,
      seen: `${probe.perSecond} a second`,
    },
  ];
}
