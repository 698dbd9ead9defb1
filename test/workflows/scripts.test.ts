import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readResults } from '../../lib/result.ts';
import { compileCondition } from './conditions.ts';
import { own, type Step } from './files.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-scripts-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function jobs(file: string) {
  const workflow = own.find(({ path }) => path.endsWith(`/${file}`));
  if (!workflow) throw new Error(`there is no ${file}`);
  return workflow.content.jobs;
}

function script(file: string, job: string, name: RegExp): string {
  const step = jobs(file)[job]?.steps?.find((candidate: Step) => name.test(String(candidate.name)));
  if (step?.run === undefined) throw new Error(`${file}: ${job} has no step ${name}`);
  return step.run;
}

/** Runs a step's script as the runner does. */
function run(text: string, env: Record<string, string>) {
  const output = join(folder, 'output');
  const { status, stdout } = spawnSync('bash', ['-e', '-c', text], {
    env: { PATH: process.env.PATH, GITHUB_OUTPUT: output, ...env },
    encoding: 'utf8',
  });
  return { status, stdout, output };
}

describe('the plan', () => {
  const text = script('pipeline.yml', 'detect', /Count every planned component/);

  test('counts every planned component as failed', async () => {
    const DIRECTORY = join(folder, 'plan');
    const lists = { AMI: '[]', TERRAFORM: '["infra"]', SERVICE: '["web","api-2"] [] ["late"]', BOT: '["bot"] [] []' };
    expect(run(text, { DIRECTORY, ENVIRONMENT: 'dev', ...lists }).status).toBe(0);
    const results = await readResults(DIRECTORY);
    expect([...results.values()].map(({ component, stage }) => [component, stage]).sort()).toEqual([
      ['api-2', 'service'],
      ['bot', 'bot'],
      ['infra', 'terraform'],
      ['late', 'service'],
      ['web', 'service'],
    ]);
    for (const result of results.values()) {
      expect(result).toMatchObject({
        environment: 'dev',
        outcome: { status: 'failed', cause: expect.stringMatching(/without leaving a result/) },
      });
      expect(Date.parse(result.startedAt)).not.toBeNaN();
    }
  });

  test('is a file even when nothing ships, because an empty artifact is none', () => {
    const DIRECTORY = join(folder, 'empty');
    const lists = { AMI: '[]', TERRAFORM: '[]', SERVICE: '[] [] []', BOT: '[] [] []' };
    expect(run(text, { DIRECTORY, ENVIRONMENT: 'dev', ...lists }).status).toBe(0);
    expect(execFileSync('ls', [DIRECTORY], { encoding: 'utf8' })).toBe('planned\n');
  });
});

describe('lists of components', () => {
  const steps: [string, string][] = [
    ['check.yml', 'detect'],
    ['operate.yml', 'confirm'],
  ];
  test.each(steps)('%s: those of all waves become one', (file, job) => {
    const text = script(file, job, /into one list/);
    const { status, output } = run(text, { APP: '["web"] ["api"] []', BOT: '["bot"] [] []' });
    expect([status, readFileSync(output, 'utf8')]).toEqual([0, 'components=["web","api","bot"]\n']);
    rmSync(output);
    run(text, { APP: '[] [] []', BOT: '[] [] []' });
    expect(readFileSync(output, 'utf8')).toBe('components=[]\n');
    rmSync(output);
  });
});

describe('operate', () => {
  const text = script('operate.yml', 'confirm', /Refuse/);
  const asked: [string, string, string, string, number][] = [
    // operation, environment, components, confirm, exit code
    ['check-status', 'dev', 'all', '', 0],
    ['drift', 'dev', 'all', '', 0],
    ['refresh', 'dev', 'all', '', 0],
    ['rollback', 'dev', 'web', '', 0],
    ['rollback', 'dev', 'all', '', 1],
    ['rollback', 'dev', '', '', 1],
    ['destroy', 'dev', 'all', 'dev', 0],
    ['destroy', 'dev', 'all', '', 1],
    ['destroy', 'prod', 'all', 'dev', 1],
    ['destroy', 'dev', 'all', 'dev ', 1],
    ['destroy', 'dev', 'all', '*', 1],
    ['deploy', 'dev', 'all', '', 1],
    ['', 'dev', 'all', '', 1],
    ['check-status) ;; *', 'dev', 'all', '', 1],
  ];
  test.each(asked)(
    '%s of %s with components "%s", confirmed with "%s", ends with %d',
    (OPERATION, ENVIRONMENT, COMPONENTS, CONFIRM, code) => {
      const { status, stdout } = run(text, { OPERATION, ENVIRONMENT, COMPONENTS, CONFIRM });
      expect(status).toBe(code);
      if (code !== 0) expect(stdout).toMatch(/^::error title=Refused::.+\n$/);
    },
  );

  const legs: [string, string][] = [
    ['check-status', 'status'],
    ['rollback', 'rollback'],
    ['refresh', 'refresh'],
    ['drift', 'drift'],
    ['destroy', 'destroy'],
  ];
  test.each(legs)('%s runs the job %s and no other, after the first job and never without it', (operation, job) => {
    const outputs = { running: '["web"]', terraform: '["infra"]' };
    for (const [, other] of legs) {
      const runs = compileCondition(jobs('operate.yml')[other]?.if);
      for (const result of ['success', 'failure', 'cancelled', 'skipped'] as const)
        for (const cancelled of [true, false]) {
          const needs = { confirm: { result, outputs: result === 'success' ? outputs : {} } };
          const expected = other === job && result === 'success' && !cancelled;
          expect([
            other,
            result,
            cancelled,
            runs({ needs, ancestors: [result], cancelled, inputs: { operation } }),
          ]).toEqual([other, result, cancelled, expected]);
        }
    }
  });
});

describe('Terraform roots', () => {
  test('are destroyed in the reverse order', () => {
    const text = script('operate.yml', 'confirm', /order of the roots/);
    const { status, output } = run(text, { TERRAFORM: '["network","app-2","edge"]' });
    expect([status, readFileSync(output, 'utf8')]).toEqual([0, 'components=["edge","app-2","network"]\n']);
    rmSync(output);
    run(text, { TERRAFORM: '[]' });
    expect(readFileSync(output, 'utf8')).toBe('components=[]\n');
    rmSync(output);
  });

  test('leave their digests for the approval, those that could be planned', () => {
    const note = script('plan.yml', 'plan', /Note its digest/);
    const gather = script('plan.yml', 'gather', /into one list/);
    const DIRECTORY = join(folder, 'approved');
    expect(run(note, { DIRECTORY, COMPONENT: 'network', DIGEST: 'aa' }).status).toBe(0);
    expect(run(note, { DIRECTORY, COMPONENT: 'app', DIGEST: '' }).status).toBe(0);
    expect(run(note, { DIRECTORY, COMPONENT: 'edge', DIGEST: 'bb' }).status).toBe(0);
    const { status, output } = run(gather, { DIRECTORY, COMPONENTS: '["network","app","edge"]' });
    expect([status, readFileSync(output, 'utf8')]).toEqual([0, 'plans={"network":"aa","edge":"bb"}\n']);
    rmSync(output);
    // Nothing to plan is still an approval: of nothing.
    run(gather, { DIRECTORY, COMPONENTS: '[]' });
    expect(readFileSync(output, 'utf8')).toBe('plans={}\n');
    rmSync(output);
    // A plan that is missing is no approval at all.
    expect(run(gather, { DIRECTORY, COMPONENTS: '["lost"]' }).status).not.toBe(0);
    rmSync(output, { force: true });
  });

  // Any job of the run may upload a file under the name of a plan: what is not in the approval must not pass for a plan without one.
  test.each(['wave-1', 'wave-2', 'wave-3'])(
    'of %s are applied with the digest that was approved, and none without',
    (job) => {
      const step = jobs('infra.yml')[job]?.steps?.find(({ name }: Step) => name === 'Apply');
      const digest = String(step?.with?.['plan-digest']);
      const text = digest.replace(/^\$\{\{|\}\}$/g, '').replaceAll('matrix.component', "'app'");
      const is = (approved: string, expected: string) =>
        compileCondition(`\${{ (${text}) == '${expected}' }}`)({
          needs: {},
          ancestors: [],
          cancelled: false,
          inputs: { approved },
        });
      expect([is('{"app":"aa","net":"bb"}', 'aa'), is('{"net":"bb"}', 'none'), is('{}', 'none'), is('', '')]).toEqual([
        true,
        true,
        true,
        true,
      ]);
    },
  );

  const text = script('operate.yml', 'confirm', /was not asked for/);
  const given = { OPERATION: 'unlock', ENVIRONMENT: 'dev', COMPONENTS: 'infra', CONFIRM: 'dev', LOCK_ID: 'x' };
  test.each([
    ['everything said', {}, 0],
    ['no id', { LOCK_ID: '' }, 1],
    ['another name typed', { CONFIRM: 'prod' }, 1],
    ['no component', { COMPONENTS: 'all' }, 1],
    ['two components', { COMPONENTS: 'infra,net' }, 1],
  ])('are unlocked with %s: %j → %i', (_, over, status) => {
    expect(run(text, { ...given, ...over }).status).toBe(status);
  });
});
