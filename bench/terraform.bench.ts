import { COMMENT_LIMIT } from '../actions/terraform/github/comment.ts';
import { largePlan } from '../actions/terraform/plan/fixture.ts';
import { summarisePlan } from '../actions/terraform/plan/plan.ts';
import { commentText } from '../actions/terraform/report/comment-text.ts';
import { planSection } from '../actions/terraform/report/summary.ts';
import { type Benchmark, type Case, median } from './benchmark.ts';

/** A plan of 2,000 resources is rendered within this. */
const RENDER_LIMIT_MS = 1000;
const SUMMARY_LIMIT_MIB = 1;

function render(text: string) {
  const started = performance.now();
  const plan = summarisePlan(JSON.parse(text));
  const summary = planSection(plan, true);
  const comment = commentText({
    root: { name: 'infra', environment: 'prod' },
    plan,
    values: true,
    findings: [],
    cost: undefined,
    refusal: '',
    sha: 'a'.repeat(40),
    runUrl: 'https://github.com/acme/sample/actions/runs/7',
    tool: 'Terraform 1.11.4',
  });
  return { ms: performance.now() - started, summary, comment };
}

function caseOf(count: number, rounds: number): Case {
  const text = JSON.stringify(largePlan(count, 'Tr0ub4dor'));
  const runs = [...Array(rounds + 1)].map(() => render(text));
  const [first] = runs;
  if (!first) throw new Error('nothing was run');
  return {
    name: `${count} resources`,
    measures: [
      { name: 'plan', value: Buffer.byteLength(text) / 2 ** 20, unit: 'MiB' },
      // An action renders once, so the first run counts as well.
      { name: 'first', value: first.ms, unit: 'ms', ...(count <= 2000 && { limit: RENDER_LIMIT_MS }) },
      { name: 'median', value: median(runs.slice(1).map(({ ms }) => ms)), unit: 'ms' },
      {
        name: 'summary',
        value: Buffer.byteLength(first.summary) / 2 ** 20,
        unit: 'MiB',
        limit: SUMMARY_LIMIT_MIB,
        hard: true,
      },
      { name: 'comment', value: first.comment.length, unit: 'count', limit: COMMENT_LIMIT, hard: true },
    ],
  };
}

const benchmark: Benchmark = {
  title: 'terraform: from the JSON of a plan to its comment and its summary',
  async run({ rounds }) {
    return [20, 200, 2000, 10_000].map((count) => caseOf(count, rounds));
  },
};
export default benchmark;
