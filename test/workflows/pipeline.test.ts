import { describe, expect, test } from '@jest/globals';
import { blockedBy, order } from '../../lib/config/graph.ts';
import type { ConfigData } from '../../lib/config/schema.ts';
import { compileCondition, type JobState } from './conditions.ts';
import { type Job, own } from './files.ts';
import { type Decision, walk } from './simulate.ts';

const STAGES = ['ami', 'infra', 'app-1', 'bot-1', 'app-2', 'bot-2', 'app-3', 'bot-3'];
const pipeline = own.find(({ path }) => path.endsWith('/pipeline.yml'));
const jobs = pipeline?.content.jobs ?? {};

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
