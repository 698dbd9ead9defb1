import { describe, expect, test } from '@jest/globals';
import { deriveAction, deriveWorkflow } from './derive.ts';
import { substituteInputs } from './expressions.ts';

const none = () => {
  throw new Error('nothing is called');
};

describe('references', () => {
  test('to this repository become repository and ref, others stay', () => {
    const steps = [{ uses: '$/actions/ship' }, { uses: '$/' }, { uses: 'actions/checkout@0123' }, { run: 'echo $/x' }];
    const derived = deriveWorkflow({ on: 'push', jobs: { a: { steps } } }, none);
    expect(derived.jobs).toEqual({
      a: {
        steps: [
          { uses: 'slipway/slipway/actions/ship@v1' },
          { uses: 'slipway/slipway@v1' },
          { uses: 'actions/checkout@0123' },
          { run: 'echo $/x' },
        ],
      },
    });
  });

  test('in composite actions too', () => {
    const runs = { using: 'composite', steps: [{ uses: '$/actions/x', with: { a: 'b' } }] };
    expect(deriveAction({ name: 'x', runs })).toEqual({
      name: 'x',
      runs: { using: 'composite', steps: [{ uses: 'slipway/slipway/actions/x@v1', with: { a: 'b' } }] },
    });
  });
});

test('what act does not know is left out, and nothing else', () => {
  const job = {
    concurrency: { group: 'g', queue: 'max' },
    environment: { name: 'dev', deployment: false },
    'runs-on': 'ubuntu-latest',
  };
  expect(deriveWorkflow({ concurrency: { group: 'all', queue: 'max' }, jobs: { job } }, none)).toEqual({
    concurrency: { group: 'all' },
    jobs: { job: { concurrency: { group: 'g' }, environment: { name: 'dev' }, 'runs-on': 'ubuntu-latest' } },
  });
});

test('an empty matrix has one leg, so that the job ends as skipped', () => {
  const strategy = { matrix: { component: '${{ fromJSON(needs.a.outputs.list) }}' } };
  expect(deriveWorkflow({ jobs: { job: { strategy } } }, none).jobs).toMatchObject({
    job: {
      strategy: {
        matrix: {
          component: `\${{ fromJSON((needs.a.outputs.list) != '[]' && (needs.a.outputs.list) || '["none"]') }}`,
        },
      },
    },
  });
});

describe('a called workflow of the same repository', () => {
  const inputs = { list: { required: true }, where: {}, limit: { default: 5 } };
  const leg = {
    'runs-on': '${{ inputs.where }}',
    steps: [{ run: 'x', env: { L: '${{ inputs.list }}, ${{ inputs.limit }}' } }],
  };
  const called = { on: { workflow_call: { inputs } }, jobs: { leg } };
  const call = {
    needs: ['a'],
    if: '${{ !cancelled() }}',
    uses: '$/.github/workflows/leg.yml',
    with: { list: '${{ needs.a.outputs.x }}', where: "it's" },
  };
  const derive = (job: Record<string, unknown>, workflow: Record<string, unknown> = called) =>
    deriveWorkflow({ jobs: { job } }, (file) => (file === 'leg.yml' ? workflow : none()));

  test('takes the place of its call, with what the call gives it', () => {
    expect(derive(call).jobs).toEqual({
      job: {
        'runs-on': "${{ 'it''s' }}",
        steps: [{ run: 'x', env: { L: "${{ (needs.a.outputs.x) }}, ${{ '5' }}" } }],
        needs: ['a'],
        if: '${{ !cancelled() }}',
      },
    });
  });

  const refused: [string, Record<string, unknown>, Record<string, unknown>, RegExp][] = [
    [
      'outputs',
      call,
      { ...called, jobs: { leg: { ...leg, outputs: { a: 'b' } } } },
      /has outputs, which belong to its call/,
    ],
    ['secrets', { ...call, secrets: 'inherit' }, called, /passes secrets/],
    ['an unknown input', { ...call, with: { nope: 1 } }, called, /no input "nope"/],
    ['an undeclared one inside', call, { ...called, jobs: { leg: { run: '${{ inputs.gone }}' } } }, /no input "gone"/],
  ];
  test('of several jobs gives each the name of the call, what the call needs and when it runs', () => {
    const later = { needs: ['leg'], if: "${{ inputs.list != '[]' }}", steps: [] };
    const workflow = { ...called, jobs: { leg, later } };
    const jobs = { job: call, after: { needs: ['a', 'job'], if: '${{ always() }}', steps: [] } };
    const derived = deriveWorkflow({ jobs }, () => workflow).jobs as Record<string, unknown>;
    expect(Object.keys(derived)).toEqual(['job-leg', 'job-later', 'after']);
    expect(derived['job-leg']).toMatchObject({ needs: ['a'], if: '${{ !cancelled() }}' });
    expect(derived['job-later']).toMatchObject({
      needs: ['a', 'job-leg'],
      if: "${{ (!cancelled()) && ((needs.a.outputs.x) != '[]') }}",
    });
    expect(derived.after).toMatchObject({ needs: ['a', 'job-leg', 'job-later'] });
  });

  test('of several jobs was skipped when its first one was', () => {
    const jobs = { job: call, after: { needs: ['job'], if: "${{ needs.job.result != 'skipped' }}", steps: [] } };
    const derived = deriveWorkflow({ jobs }, () => ({ ...called, jobs: { leg, other: leg } })).jobs;
    expect(derived).toMatchObject({ after: { if: "${{ needs.job-leg.result != 'skipped' }}" } });
  });

  test('of several jobs has no one result that an expression could look at', () => {
    const jobs = { job: call, after: { needs: ['job'], if: "${{ needs.job.result == 'success' }}", steps: [] } };
    expect(() => deriveWorkflow({ jobs }, () => ({ ...called, jobs: { leg, other: leg } }))).toThrow(
      /which is several jobs/,
    );
  });

  test.each(refused)('with %s is refused', (_, job, workflow, message) => {
    expect(() => derive(job, workflow)).toThrow(message);
  });
});

test('only whole names are inputs', () => {
  const values = new Map([['a', '${{ x }}']]);
  expect(substituteInputs('${{ github.event.inputs.a || inputs.a }} inputs.a', values)).toBe(
    '${{ github.event.inputs.a || (x) }} inputs.a',
  );
});
