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
    ['two jobs', call, { ...called, jobs: { leg, other: leg } }, /has 2 jobs/],
    [
      'an if of its own',
      call,
      { ...called, jobs: { leg: { ...leg, if: 'always()' } } },
      /has "if", which belongs to its call/,
    ],
    ['secrets', { ...call, secrets: 'inherit' }, called, /passes secrets/],
    ['an unknown input', { ...call, with: { nope: 1 } }, called, /no input "nope"/],
    ['an undeclared one inside', call, { ...called, jobs: { leg: { run: '${{ inputs.gone }}' } } }, /no input "gone"/],
  ];
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
