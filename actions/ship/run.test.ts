import { describe, expect, test } from '@jest/globals';
import { environmentConfig, loadConfig } from '../../lib/config/load.ts';
import type { AppComponent } from '../../lib/config/schema.ts';
import { Problem } from '../../lib/errors.ts';
import { readInputs } from '../../lib/inputs.ts';
import type { Ledger, LedgerEntry } from '../../lib/ledger/ledger.ts';
import { recordingLog } from '../../lib/log.ts';
import type { Outcome } from '../../lib/outcome.ts';
import type { Report } from '../../lib/report.ts';
import type { Result } from '../../lib/result.ts';
import { fields } from './inputs.ts';
import type { Image, ShipPorts, Steps } from './ports.ts';
import { run } from './run.ts';

const CONFIG = `
version: 1
registry: { account: '123456789012', region: eu-central-1 }
components:
  infra: { kind: terraform, root: infra }
  web:
    kind: service
    after: [infra]
    image: { repository: sample-web, context: web }
    deploy: { to: ecs, cluster: sample, service: web, container: web }
    verify: { url: 'http://127.0.0.1/health' }
environments:
  dev: {}
  prod: { after: dev }
`;
const digest = (c: string) => `sha256:${c.repeat(64)}`;
const NEW: Image = {
  container: 'web',
  reference: `registry.test/sample-web@${digest('b')}`,
  revision: 'newrev',
  buildFingerprint: 'fb',
};
const arn = (n: number) => `arn:aws:ecs:eu-central-1:123456789012:task-definition/web:${n}`;

const deployed: LedgerEntry = {
  component: 'web',
  environment: 'dev',
  commit: 'old',
  state: 'deployed',
  releaseFingerprint: 'release-a',
  images: { web: `sample-web@${digest('a')}` },
  taskDefinition: arn(1),
  revision: 'oldrev',
  runUrl: 'https://example.test/1',
  at: '2026-01-01T00:00:00.000Z',
};

const good: Outcome = { status: 'succeeded', cause: '' };
const report = (outcome: Outcome, outputs: Record<string, string> = {}): Report => ({ outcome, outputs, summary: '' });

interface World {
  operation?: string;
  environment?: string;
  inputs?: Record<string, string>;
  entries?: LedgerEntry[];
  devEntries?: LedgerEntry[];
  results?: Record<string, Result['outcome']>;
  /** Commits that are ancestors of what the ledger holds. */
  ancestors?: string[];
  deploy?: Report | Problem;
  build?: Report;
  verify?: (Report | undefined)[];
  rollback?: Report;
  baseline?: Report;
  /** The component asks for a soak that is compared with what served before. */
  compares?: boolean;
  status?: Report;
  recordFails?: boolean;
  /** `rollback-on-failure` of the component. */
  goesBack?: boolean;
  /** Commits whose images are built from the same. */
  alike?: [string, string][];
}

function configText({ goesBack = true, compares = false }: World): string {
  const soak = 'soak: { duration: 1s }, baseline: true';
  const text = compares ? CONFIG.replace("health' }", `health', ${soak} }`) : CONFIG;
  return goesBack ? text : text.replace('container: web }', 'container: web, rollback-on-failure: false }');
}

async function ship(world: World = {}) {
  const environment = world.environment ?? 'dev';
  const config = environmentConfig(loadConfig(configText(world), 'slipway.yml'), environment);
  const calls: string[] = [];
  const kept: string[] = [];
  const releases: string[] = [];
  const restored: boolean[] = [];
  const recorded: LedgerEntry[] = [];
  const saved: Result[] = [];
  const verifications = [...(world.verify ?? [])];
  const steps: Steps = {
    build: async () => {
      calls.push('build');
      return { report: world.build ?? report(good), images: world.build ? [] : [NEW] };
    },
    promoted: async ({ images = {}, revision = '' }) => {
      calls.push('promote');
      return [{ ...NEW, reference: `registry.test/${images.web}`, revision }];
    },
    fingerprint: async ([image]) => (image?.reference.endsWith(digest('a')) ? 'release-a' : 'release-b'),
    deploy: async (images, revisions) => {
      kept.push(...revisions);
      calls.push(`deploy ${images[0]?.reference}`);
      if (world.deploy instanceof Problem) throw world.deploy;
      const outputs = {
        'task-definition-arn': arn(2),
        'previous-task-definition-arn': arn(1),
        'release-fingerprint': 'release-b',
      };
      return world.deploy ?? report(good, outputs);
    },
    rollback: async (to, release = '') => {
      calls.push(`rollback ${to}`);
      releases.push(release);
      return world.rollback ?? report(good, { 'task-definition-arn': arn(1) });
    },
    baseline: async () => {
      calls.push('baseline');
      return world.baseline ?? report(good);
    },
    verify: async ({ revision }, again = false) => {
      calls.push(`verify ${revision}`);
      restored.push(again);
      return verifications.length > 0 ? verifications.shift() : report(good);
    },
    status: async () => world.status ?? report(good),
  };
  const ledger: Ledger = {
    read: async (env) => {
      const entries =
        env === environment ? [...recorded].reverse().concat(world.entries ?? []) : (world.devEntries ?? []);
      return new Map(entries.length > 0 ? [['web', entries]] : []);
    },
    record: async (entry) => {
      if (world.recordFails)
        throw new Problem({ what: 'ledger', cause: 'it cannot be written', fix: 'x', kind: 'denied' });
      recorded.push(entry);
    },
  };
  const ports: ShipPorts = {
    config,
    component: config.components.web as AppComponent,
    steps,
    ledger,
    isAncestor: async (ancestor) => (world.ancestors ?? []).includes(ancestor),
    sameContent: async (a, b) => (world.alike ?? []).some(([x, y]) => x === a && y === b),
    results: async () =>
      new Map(
        Object.entries(world.results ?? {}).map(([component, outcome]): [string, Result] => [
          component,
          { component, environment, stage: 'terraform', outcome, startedAt: '', endedAt: '' },
        ]),
      ),
    saveResult: async (result) => void saved.push(result),
    clock: { now: () => Date.parse('2026-01-02T00:00:00Z'), sleep: async () => undefined },
    log: recordingLog(),
    context: { sha: 'new', runUrl: 'https://example.test/2', actor: 'ada' },
  };
  const given: Record<string, string> = {
    component: 'web',
    environment,
    operation: world.operation ?? '',
    ...world.inputs,
  };
  const result = await run(
    readInputs(fields, (name) => given[name] ?? ''),
    ports,
  );
  return { report: result, calls, kept, releases, restored, recorded, result: saved[0] };
}

describe('refresh', () => {
  const refresh = (world: World) => ship({ operation: 'refresh', ...world });

  test('ships a newer build of what runs', async () => {
    const { report, calls, recorded } = await refresh({ entries: [deployed], alike: [['new', 'old']] });
    expect(report.outcome).toEqual(good);
    expect(calls).toEqual(['promote', 'build', `deploy ${NEW.reference}`, 'verify newrev']);
    expect(recorded).toMatchObject([{ state: 'deployed', releaseFingerprint: 'release-b' }]);
  });

  test.each<[string, World, RegExp]>([
    ['the commit has other content than what runs', { entries: [deployed] }, /commit new has other content than old/],
    ['nothing was ever deployed', {}, /holds no deployment of web in dev/],
    [
      'it was destroyed',
      { entries: [{ ...deployed, state: 'destroyed' }], alike: [['new', 'old']] },
      /holds no deployment/,
    ],
    [
      'the settings of the deployment differ',
      { entries: [{ ...deployed, releaseFingerprint: 'release-0' }], alike: [['new', 'old']] },
      /settings of the deployment differ/,
    ],
    [
      'the environment before holds other content',
      { environment: 'prod', entries: [deployed], devEntries: [{ ...deployed, commit: 'dev' }] },
      /commit dev has other content than old/,
    ],
    ['the environment before holds nothing', { environment: 'prod', entries: [deployed] }, /dev holds no verified/],
  ])('leaves it where %s', async (_, world, why) => {
    const { report, calls, recorded } = await refresh(world);
    expect(report.outcome).toMatchObject({ status: 'unchanged', cause: expect.stringMatching(why) });
    expect(calls.filter((call) => call !== 'promote')).toEqual([]);
    expect(recorded).toEqual([]);
  });

  test('promotes what the environment before has refreshed', async () => {
    const { calls } = await refresh({
      environment: 'prod',
      entries: [deployed],
      devEntries: [{ ...deployed, commit: 'old', images: { web: `sample-web@${digest('c')}` } }],
    });
    expect(calls).toContain(`deploy registry.test/sample-web@${digest('c')}`);
    expect(calls).not.toContain('build');
  });
});

describe('deploy', () => {
  test('builds, deploys, verifies, records and leaves a result', async () => {
    const { report, calls, kept, recorded, result } = await ship({ entries: [deployed] });
    // What the ledger can go back to is not for retention to take away.
    expect(kept).toEqual([arn(1)]);
    expect(report.outcome).toEqual(good);
    expect(calls).toEqual(['build', `deploy ${NEW.reference}`, 'verify newrev']);
    expect(recorded).toEqual([
      {
        component: 'web',
        environment: 'dev',
        commit: 'new',
        state: 'deployed',
        buildFingerprint: 'fb',
        releaseFingerprint: 'release-b',
        images: { web: `sample-web@${digest('b')}` },
        taskDefinition: arn(2),
        revision: 'newrev',
        runUrl: 'https://example.test/2',
        at: '2026-01-02T00:00:00.000Z',
      },
    ]);
    expect(result).toMatchObject({
      component: 'web',
      stage: 'service',
      outcome: good,
      digest: digest('b'),
      revision: 'newrev',
    });
    expect(report.outputs.image).toBe(`sample-web@${digest('b')}`);
  });

  test('puts the release before back when verification fails, and verifies that', async () => {
    const bad = report({ status: 'timed-out', cause: 'it answered 500' });
    const world = { entries: [deployed], verify: [bad, report(good)] };
    const { report: end, calls, restored, recorded, result } = await ship(world);
    expect(calls.slice(2)).toEqual(['verify newrev', `rollback ${arn(1)}`, 'verify oldrev']);
    // What served before is not soaked again.
    expect(restored).toEqual([false, true]);
    expect(end.outcome.status).toBe('rolled-back');
    expect(end.outcome.cause).toContain('it answered 500; the release before it serves again and is healthy');
    expect(recorded).toMatchObject([{ state: 'held', releaseFingerprint: 'release-b' }]);
    expect(result?.outcome.status).toBe('rolled-back');
  });

  test('goes back to what the ledger has as verified where an earlier run was stopped before it had verified this release', async () => {
    const bad = report({ status: 'timed-out', cause: 'it answered 500' });
    const ran = report(
      { status: 'unchanged', cause: '' },
      { 'task-definition-arn': arn(2), 'release-fingerprint': 'release-b' },
    );
    const { report: end, calls, recorded } = await ship({ entries: [deployed], deploy: ran, verify: [bad] });
    expect([calls.slice(2, 4), end.outcome.status]).toEqual([['verify newrev', `rollback ${arn(1)}`], 'rolled-back']);
    expect(recorded).toMatchObject([{ state: 'held', releaseFingerprint: 'release-b' }]);
  });

  test('stopped in verification, it leaves things as they are: the next run verifies', async () => {
    const { report: end, calls } = await ship({
      entries: [deployed],
      verify: [report({ status: 'stopped', cause: 'cancelled' })],
    });
    expect([calls.slice(2), end.outcome.status]).toEqual([['verify newrev'], 'stopped']);
  });

  test('measures what serves before it deploys, where verification compares with it', async () => {
    const { calls } = await ship({ entries: [deployed], compares: true });
    expect(calls).toEqual(['build', 'baseline', `deploy ${NEW.reference}`, 'verify newrev']);
  });

  test('deploys nothing when what serves cannot be measured', async () => {
    const bad = report({ status: 'denied', cause: 'cloudwatch:GetMetricData was denied' });
    const { report: end, calls } = await ship({ entries: [deployed], compares: true, baseline: bad });
    expect([calls, end.outcome.status]).toEqual([['build', 'baseline'], 'denied']);
  });

  test('leaves what fails verification where the component says so', async () => {
    const bad = report({ status: 'timed-out', cause: 'it answered 500' });
    const { report: end, calls, recorded } = await ship({ entries: [deployed], verify: [bad], goesBack: false });
    expect(calls.slice(2)).toEqual(['verify newrev']);
    expect(end.outcome).toMatchObject({ status: 'failed', cause: expect.stringContaining('it was left as it is') });
    expect(recorded).toMatchObject([{ state: 'failed', releaseFingerprint: 'release-b' }]);
  });

  test.each<[string, World, string, RegExp, string[]]>([
    [
      'what it needs has failed',
      { results: { infra: { status: 'failed', cause: 'no state lock' } } },
      'unchanged',
      /^blocked: it needs infra, which ended as failed: no state lock; nothing was shipped$/,
      [],
    ],
    [
      'a newer commit is deployed',
      { entries: [{ ...deployed, commit: 'newer' }], ancestors: ['new'] },
      'superseded',
      /newer, which contains new, is deployed already/,
      [],
    ],
    [
      'this release is held',
      { entries: [{ ...deployed, state: 'held', releaseFingerprint: 'release-b', cause: 'it crashed' }, deployed] },
      'rolled-back',
      /rolled back in dev.*it crashed.*held/,
      ['build'],
    ],
    [
      'the build fails',
      { build: report({ status: 'failed', cause: 'exit code 1' }) },
      'failed',
      /exit code 1/,
      ['build'],
    ],
  ])('does not deploy when %s', async (_, world, status, cause, calls) => {
    const end = await ship(world);
    expect(end.report.outcome.status).toBe(status);
    expect(end.report.outcome.cause).toMatch(cause);
    expect(end.calls).toEqual(calls);
    expect(end.recorded).toEqual([]);
    expect(end.result).toBeDefined();
  });

  test('a blocked component is told as blocked, not as shipped', async () => {
    const end = await ship({ results: { infra: { status: 'failed', cause: 'x' } } });
    expect(end.result?.outcome.status).toBe('blocked');
    expect(end.report.outputs['blocked-by']).toContain('infra');
    expect(end.report.annotations).toMatchObject([{ level: 'warning' }]);
    expect(end.report.summary).toContain('blocked');
  });

  test.each<[string, World]>([
    ['a newer commit', { entries: [{ ...deployed, commit: 'newer' }], ancestors: ['new'] }],
    ['a held release', { entries: [{ ...deployed, state: 'held', releaseFingerprint: 'release-b' }] }],
  ])('force ships over %s', async (_, world) => {
    expect((await ship({ ...world, inputs: { force: 'web' } })).report.outcome).toEqual(good);
    expect((await ship({ ...world, inputs: { force: 'other' } })).report.outcome).not.toEqual(good);
  });

  test('a release that was forced through after it was held is not held any more', async () => {
    const held = { ...deployed, state: 'held', releaseFingerprint: 'release-b' } as const;
    const again = { ...deployed, releaseFingerprint: 'release-b' };
    expect((await ship({ entries: [again, held, deployed] })).report.outcome).toEqual(good);
  });

  test('a rollback by ECS is held, a failure is recorded, a cancellation is not', async () => {
    const ends = {
      'rolled-back': ['held'],
      failed: ['failed'],
      'timed-out': ['failed'],
      stopped: [],
      denied: [],
      superseded: [],
    } as const;
    for (const [status, states] of Object.entries(ends)) {
      const { recorded, report: end } = await ship({
        deploy: report({ status: status as Outcome['status'], cause: 'x' }),
      });
      expect([status, recorded.map((e) => e.state)]).toEqual([status, states]);
      expect(end.outcome.status).toBe(status);
    }
  });

  test('what is denied before it began ends as denied, with a result', async () => {
    const { report: end, result } = await ship({
      deploy: new Problem({ what: 'ecs:UpdateService', cause: 'AWS denied it', fix: 'Allow it', kind: 'denied' }),
    });
    expect(end.outcome).toMatchObject({ status: 'denied', next: 'Allow it' });
    expect(result?.outcome.status).toBe('denied');
  });

  test('is not finished while the ledger does not know of it', async () => {
    const { report: end } = await ship({ recordFails: true });
    expect(end.outcome.status).toBe('failed');
    expect(end.outcome.cause).toContain('deployed and healthy, but the ledger does not know');
  });

  test('an unchanged release is neither verified nor recorded twice', async () => {
    const outputs = { 'task-definition-arn': arn(2), 'release-fingerprint': 'release-b' };
    const same = { ...deployed, commit: 'new', releaseFingerprint: 'release-b' };
    const end = await ship({ entries: [same], deploy: report({ status: 'unchanged', cause: 'runs' }, outputs) });
    expect(end.report.outcome.status).toBe('unchanged');
    expect(end.calls).toEqual(['build', `deploy ${NEW.reference}`]);
    expect(end.recorded).toEqual([]);
    const moved = await ship({
      entries: [{ ...same, commit: 'old' }],
      deploy: report({ status: 'unchanged', cause: 'runs' }, outputs),
    });
    expect(moved.recorded).toMatchObject([{ commit: 'new', state: 'deployed' }]);
  });
});

describe('an environment after another', () => {
  test('gets the very digest that was verified there, and its commit', async () => {
    const { calls, recorded } = await ship({ environment: 'prod', devEntries: [deployed] });
    expect(calls).toEqual(['promote', `deploy registry.test/sample-web@${digest('a')}`, 'verify oldrev']);
    expect(recorded).toMatchObject([
      { environment: 'prod', commit: 'old', images: { web: `sample-web@${digest('a')}` } },
    ]);
  });

  test('gets nothing that was not', async () => {
    const { report: end, calls } = await ship({ environment: 'prod', devEntries: [{ ...deployed, state: 'failed' }] });
    expect(end.outcome).toMatchObject({ status: 'failed', next: 'Deploy it to dev first' });
    expect(calls).toEqual([]);
  });
});

describe('rollback', () => {
  const current = { ...deployed, commit: 'cur', releaseFingerprint: 'release-b', taskDefinition: arn(2) };

  test('goes to the release before, verifies it, and holds the one that was left', async () => {
    const world: World = { operation: 'rollback', entries: [current, deployed] };
    const { report: end, calls, releases, recorded } = await ship(world);
    expect(end.outcome).toEqual(good);
    expect(calls).toEqual([`rollback ${arn(1)}`, 'verify oldrev']);
    expect(releases).toEqual(['release-a']);
    expect(recorded).toMatchObject([
      { state: 'held', releaseFingerprint: 'release-b', cause: 'rolled back by hand by ada' },
      { state: 'deployed', releaseFingerprint: 'release-a', commit: 'old', taskDefinition: arn(1) },
    ]);
  });

  test('does not go to a release that is held', async () => {
    const older = { ...deployed, releaseFingerprint: 'release-0', taskDefinition: arn(0), revision: 'oldest' };
    const held = { ...deployed, state: 'held' } as const;
    const { calls } = await ship({ operation: 'rollback', entries: [current, held, deployed, older] });
    expect(calls[0]).toBe(`rollback ${arn(0)}`);
  });

  test('says so when there is none', async () => {
    const { report: end } = await ship({ operation: 'rollback', entries: [current] });
    expect(end.outcome.status).toBe('failed');
    expect(end.outcome.cause).toContain('no earlier release');
  });
});

describe('status and record', () => {
  const live = {
    taskDefinition: arn(2),
    images: { web: `registry.test/sample-web@${digest('b')}` },
    digests: { web: [digest('b')] },
    revisions: { web: 'newrev' },
    release: 'release-b',
    trouble: '',
  };
  const status = report(good, { status: JSON.stringify(live) });

  test('names what differs between the ledger and what runs', async () => {
    const { report: end, recorded } = await ship({ operation: 'status', entries: [deployed], status });
    expect(end.outcome).toEqual(good);
    expect(JSON.parse(end.outputs.status ?? '').differences).toEqual([
      `the ledger says ${digest('a')}, and ${digest('b')} runs`,
      'the ledger says web:1, and the service is set to web:2',
    ]);
    expect(end.annotations).toHaveLength(2);
    expect(recorded).toEqual([]);
  });

  test('record writes what runs', async () => {
    const { recorded } = await ship({ operation: 'record', status });
    expect(recorded).toMatchObject([
      { state: 'deployed', releaseFingerprint: 'release-b', images: { web: `sample-web@${digest('b')}` } },
    ]);
  });

  const hostStatus = (over: object = {}) => ({
    instance: 'i-1',
    release: 'release-b',
    image: `registry.test/sample-web@${digest('b')}`,
    digest: digest('b'),
    state: 'running',
    health: 'healthy',
    since: '',
    drift: '',
    ...over,
  });
  const hosts = (trouble: string, ...found: object[]) =>
    report(good, { hosts: JSON.stringify(found), trouble, revision: 'newrev', 'release-fingerprint': 'release-b' });

  test.each([
    ['one image everywhere', hosts('', hostStatus(), hostStatus()), []],
    ['a host that differs', hosts('i-1: it serves release x', hostStatus()), ['i-1: it serves release x']],
    ['two images', hosts('', hostStatus(), hostStatus({ digest: digest('c') })), ['the hosts run 2 different images']],
  ])('of hosts: %s', async (_, status, differences) => {
    const images = { web: `sample-web@${digest('b')}` };
    const entry = { ...deployed, taskDefinition: '', images };
    const { report: end } = await ship({ operation: 'status', entries: [entry], status });
    expect(JSON.parse(end.outputs.status ?? '').differences).toEqual(differences);
  });

  test('record writes what hosts run, with its release and revision', async () => {
    const { recorded } = await ship({ operation: 'record', status: hosts('', hostStatus(), hostStatus()) });
    expect(recorded).toMatchObject([{ state: 'deployed', releaseFingerprint: 'release-b', revision: 'newrev' }]);
  });

  test('record refuses what is not settled', async () => {
    const moving = report(good, { status: JSON.stringify({ ...live, trouble: '1 of 2 tasks run' }) });
    const { recorded, report: end } = await ship({ operation: 'record', status: moving });
    expect(end.outcome.status).toBe('failed');
    expect(recorded).toEqual([]);
  });
});
