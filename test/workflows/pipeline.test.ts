import { describe, expect, test } from '@jest/globals';
import { blockedBy, order } from '../../lib/config/graph.ts';
import type { ConfigData } from '../../lib/config/schema.ts';
import { compileCondition, type JobResult, type JobState } from './conditions.ts';
import { type Job, own } from './files.ts';
import { type Decision, walk } from './simulate.ts';

const STAGES = ['ami', 'infra', 'app-1', 'bot-1', 'app-2', 'bot-2', 'app-3', 'bot-3'];
const pipeline = own.find(({ path }) => path.endsWith('/pipeline.yml'));
const everything = pipeline?.content.jobs ?? {};
const TELLING = /^tell-\d$/;
/** The graph without the jobs that only tell how far it is: nothing that ships may depend on them. */
const jobs = Object.fromEntries(
  Object.entries(everything)
    .filter(([id]) => !TELLING.test(id))
    .map(([id, job]) => [
      id,
      id === 'notify' ? { ...job, needs: [job.needs ?? []].flat().filter((need) => !TELLING.test(need)) } : job,
    ]),
);

/** The rules of the pipeline that a decision breaks. */
function broken(decision: Decision): string[] {
  const { job, runs, results, planned, cancelled } = decision;
  const isStage = STAGES.includes(job);
  const rules: [string, boolean][] = [
    ['notify always runs', job !== 'notify' || runs],
    ['nothing ships without a good detection', !isStage || !runs || results.get('detect') === 'success'],
    ['nothing ships after the run was cancelled', !isStage || !runs || !cancelled],
    ['a stage with nothing to ship does not run', !isStage || !runs || planned.has(job)],
    [
      'one stage’s failure skips no other: its legs decide by what they need',
      !isStage || runs || cancelled || results.get('detect') !== 'success' || !planned.has(job),
    ],
  ];
  return rules.filter(([, kept]) => !kept).map(([rule]) => rule);
}

/** Walks until `enough` says so; what is broken, with the first way to it. */
function judge(graph: Record<string, Job>, enough: (found: ReadonlyMap<string, string>) => boolean = () => false) {
  const found = new Map<string, string>();
  let decisions = 0;
  walk(graph, (decision) => {
    decisions += 1;
    for (const rule of broken(decision)) {
      if (!found.has(rule)) found.set(rule, `${decision.job} after ${JSON.stringify([...decision.results])}`);
    }
    return !enough(found);
  });
  return { decisions, broken: found };
}

describe('the job graph', () => {
  test('has the stages in the order that the config file knows', () => {
    expect(Object.keys(jobs)).toEqual(['detect', ...STAGES, 'notify']);
    for (const [i, id] of STAGES.entries()) {
      // Both of a wave wait for everything before the wave, and not for each other.
      const before = STAGES.slice(0, i).filter(
        (other) => !(other.startsWith('app-') && other.slice(4) === id.slice(4)),
      );
      expect([id, jobs[id]?.needs]).toEqual([id, ['detect', ...before]]);
    }
    expect(jobs.notify?.needs).toEqual(['detect', ...STAGES]);
  });

  test('keeps its rules in every combination of results', () => {
    const { decisions, broken } = judge(jobs);
    expect(Object.fromEntries(broken)).toEqual({});
    // Each of eight stages empty or one of three ends is 4^8 ways alone.
    expect(decisions).toBeGreaterThan(4 ** 8);
  });

  const mutations: [string, string, (condition: string) => string | undefined][] = [
    ['notify always runs', 'notify', () => undefined],
    ['notify always runs', 'notify', () => '${{ !cancelled() }}'],
    ['nothing ships without a good detection', 'bot-2', (c) => c.replace("needs.detect.result == 'success' && ", '')],
    ['nothing ships after the run was cancelled', 'infra', (c) => c.replace('!cancelled()', 'always()')],
    [
      'a stage with nothing to ship does not run',
      'app-3',
      (c) => c.replace(/ && needs\.detect\.outputs\.[\w-]+ != '\[\]'/, ''),
    ],
    [
      'one stage’s failure skips no other: its legs decide by what they need',
      'app-1',
      (c) => c.replace('!cancelled()', 'success()'),
    ],
    [
      'one stage’s failure skips no other: its legs decide by what they need',
      'app-2',
      (c) => c.replace('!cancelled() && ', ''),
    ],
  ];
  test.each(mutations)('%s: a changed condition of %s is found', (rule, id, mutate) => {
    const { if: condition = '', ...job } = jobs[id] ?? {};
    const changed = mutate(condition);
    expect(changed).not.toBe(condition);
    const graph = { ...jobs, [id]: changed === undefined ? job : { ...job, if: changed } };
    expect([...judge(graph, (found) => found.has(rule)).broken.keys()]).toContain(rule);
  });

  test('an output that the runner dropped is an error, never an empty stage', () => {
    const runs = compileCondition(jobs['app-1']?.if);
    const needs: JobState['needs'] = { detect: { result: 'success', outputs: { 'matrix-app-1': '' } } };
    expect(runs({ needs, ancestors: ['success'], cancelled: false })).toBe(true);
  });
});

describe('the message', () => {
  const tellers = Object.keys(everything).filter((id) => TELLING.test(id));
  const writes = (job: Job | undefined) => (job?.steps ?? []).some(({ uses }) => uses === '$/actions/discord-notify');
  const needsOf = (id: string): string[] => [everything[id]?.needs ?? []].flat();

  test('is written by detect, the tellers and notify, and by nobody else', () => {
    expect(Object.keys(everything).filter((id) => writes(everything[id]))).toEqual(['detect', ...tellers, 'notify']);
    expect(tellers).toEqual(['tell-1', 'tell-2', 'tell-3']);
  });

  test('has one writer at a time: each waits for all before it', () => {
    for (const [n, id] of tellers.entries())
      expect([id, needsOf(id)]).toEqual([id, expect.arrayContaining(['detect', ...tellers.slice(0, n)])]);
    expect(needsOf('notify')).toEqual(expect.arrayContaining(tellers));
  });

  test('holds nothing up: what ships needs no teller', () => {
    for (const id of STAGES) expect([id, needsOf(id).filter((need) => TELLING.test(need))]).toEqual([id, []]);
  });

  test('goes from writer to writer by its id, the newest first', () => {
    const id = (job: string) =>
      `${job === 'detect' ? '' : `needs.${job}.result == 'success' && `}needs.${job}.outputs.message-id`;
    const given = (job: string) =>
      everything[job]?.steps?.find(({ uses }) => uses === '$/actions/discord-notify')?.with?.['message-id'];
    for (const [n, job] of [...tellers, 'notify'].entries()) {
      const before = ['detect', ...tellers.slice(0, n)].reverse();
      expect([job, given(job)]).toEqual([job, `\${{ ${before.map(id).join(' || ')} }}`]);
    }
  });

  const none = {
    'matrix-app-1': '[]',
    'matrix-bot-1': '[]',
    'matrix-app-2': '[]',
    'matrix-bot-2': '[]',
    'matrix-app-3': '[]',
    'matrix-bot-3': '[]',
  };
  test.each([
    ['tell-1', { infra: 'success' }, { 'matrix-app-1': '["web"]' }, true],
    ['tell-1', { infra: 'failure' }, { 'matrix-bot-3': '["bot"]' }, true],
    ['tell-1', { infra: 'success' }, {}, false],
    ['tell-1', {}, { 'matrix-app-1': '["web"]' }, false],
    ['tell-1', { infra: 'success' }, { 'matrix-app-1': '["web"]', 'message-id': '' }, false],
    ['tell-2', { 'app-1': 'success' }, { 'matrix-app-2': '["web"]' }, true],
    ['tell-2', { 'app-1': 'success' }, { 'matrix-app-1': '["web"]' }, false],
    ['tell-3', { 'bot-2': 'success' }, { 'matrix-app-3': '["web"]' }, true],
    ['tell-3', { infra: 'success' }, { 'matrix-app-3': '["web"]' }, false],
  ] as const)('%s after %j with %j is edited: %s', (job, ended, outputs, wanted) => {
    const runs = compileCondition(everything[job]?.if);
    const needs = Object.fromEntries(
      needsOf(job).map((id) => [id, { result: (ended as Record<string, JobResult>)[id] ?? 'skipped', outputs: {} }]),
    );
    const detect = { result: 'success' as const, outputs: { ...none, 'message-id': '1', ...outputs } };
    expect(runs({ needs: { ...needs, detect }, ancestors: [], cancelled: false })).toBe(wanted);
    expect(runs({ needs: { ...needs, detect }, ancestors: [], cancelled: true })).toBe(false);
  });
});

describe('the legs', () => {
  const config = {
    components: {
      image: { kind: 'ami' },
      infra: { kind: 'terraform', 'depends-on': ['image'] },
      dns: { kind: 'terraform' },
      web: { kind: 'service', after: ['infra'] },
      site: { kind: 'service', after: ['dns'] },
      bot: { kind: 'bot', after: ['infra'] },
      worker: { kind: 'worker', after: ['web'] },
    },
  } as unknown as Pick<ConfigData, 'components'>;
  const names = Object.keys(config.components);
  const stages = order(config);
  const sequence = [...stages.ami, ...stages.terraform, ...stages.app.flat(), ...stages.bot.flat()];

  /** Runs the legs in order as the workflows do: the plan first, each leg's own result over it. */
  function ship(planned: ReadonlySet<string>, ends: ReadonlyMap<string, 'good' | 'bad' | 'lost'>): string[] {
    const endedWell = new Map<string, boolean>([...planned].map((name) => [name, false]));
    const started: string[] = [];
    for (const name of sequence.filter((candidate) => planned.has(candidate))) {
      if (blockedBy(config, name, endedWell).length > 0) continue;
      started.push(name);
      if (ends.get(name) === 'good') endedWell.set(name, true);
    }
    return started;
  }

  test('ship nothing after what it needs has failed or left no result, and everything else', () => {
    const direct = (name: string) => {
      const component = config.components[name] as { after?: string[]; 'depends-on'?: string[] } | undefined;
      return [...(component?.after ?? []), ...(component?.['depends-on'] ?? [])];
    };
    const wrong: unknown[] = [];
    for (const { planned, ends } of combinations(names)) {
      const started = new Set(ship(planned, ends));
      const good = (need: string): boolean =>
        !planned.has(need) ? direct(need).every(good) : started.has(need) && ends.get(need) === 'good';
      for (const name of planned)
        if (started.has(name) !== direct(name).every(good))
          wrong.push({ name, ends: [...ends], started: [...started] });
    }
    expect(wrong).toEqual([]);
  });

  function* combinations(all: readonly string[]) {
    const states = ['unplanned', 'good', 'bad', 'lost'] as const;
    for (let i = 0; i < states.length ** all.length; i += 1) {
      const ends = new Map<string, 'good' | 'bad' | 'lost'>();
      for (const [j, name] of all.entries()) {
        const state = states[Math.floor(i / states.length ** j) % states.length];
        if (state !== undefined && state !== 'unplanned') ends.set(name, state);
      }
      yield { planned: new Set(ends.keys()), ends };
    }
  }

  const legs = own.filter(({ path }) => /\/(ami|infra|app|bot)\.yml$/.test(path));
  test.each(legs.map((leg) => [leg.path, leg] as const))(
    'of %s read the plan, then what was left, and leave their own',
    (_, leg) => {
      const [job] = Object.values(leg.content.jobs);
      expect(job?.strategy).toMatchObject({ 'fail-fast': false });
      const steps = job?.steps ?? [];
      const at = (part: string, from = 0) => steps.findIndex((step, i) => i >= from && step.uses?.includes(part));
      const plan = at('download-artifact');
      const results = at('download-artifact', plan + 1);
      const deploy = steps.findIndex((step) => step.with?.['result-directory'] !== undefined);
      const leave = at('upload-artifact');
      expect(steps[plan]?.with?.name).toBe('slipway-plan-${{ inputs.plan }}');
      expect(steps[results]?.with).toMatchObject({ pattern: 'result-${{ inputs.plan }}-*', 'merge-multiple': true });
      expect([plan, results, deploy, leave]).toEqual([plan, results, deploy, leave].toSorted((a, b) => a - b));
      expect(steps[leave]?.if).toBe('${{ always() }}');
      expect(steps[leave]?.with?.overwrite).toBe(true);
      for (const step of steps.slice(0, leave)) expect([step.uses, step.if]).toEqual([step.uses, undefined]);
    },
  );
});
