import { describe, expect, test } from '@jest/globals';
import type { Finding } from '../checks/finding.ts';
import { COMMENT_LIMIT } from '../github/comment.ts';
import { decodeDeeds, deedsOf } from '../plan/digest.ts';
import { largePlan } from '../plan/fixture.ts';
import { summarisePlan } from '../plan/plan.ts';
import { type CommentFacts, commentText, comparisonText, findingsText } from './comment-text.ts';
import { planText } from './plan-text.ts';
import { planSection } from './summary.ts';

const SECRET = 'Tr0ub4dor';
const factsOf = (plan: unknown, over: Partial<CommentFacts> = {}): CommentFacts => ({
  root: { name: 'infra', environment: 'prod' },
  plan: summarisePlan(plan),
  values: true,
  findings: [],
  cost: undefined,
  refusal: '',
  sha: 'a'.repeat(40),
  runUrl: 'https://github.com/acme/sample/actions/runs/7',
  tool: 'Terraform 1.11.4',
  ...over,
});

const SMALL = {
  format_version: '1.2',
  resource_changes: [
    {
      address: 'web.a',
      type: 'web',
      mode: 'managed',
      change: { actions: ['create'], before: null, after: { port: 80 } },
    },
    {
      address: 'db.main',
      type: 'db',
      mode: 'managed',
      change: {
        actions: ['delete', 'create'],
        before: { size: 'small', password: SECRET, url: `db://x:${SECRET}@h` },
        after: { size: 'large', password: `${SECRET}2`, url: `db://x:${SECRET}2@h` },
        before_sensitive: { password: true },
        after_sensitive: { password: true },
        replace_paths: [['size']],
      },
    },
  ],
  output_changes: {
    url: { actions: ['create'], after: 'https://x.test' },
    key: { actions: ['create'], after: SECRET, after_sensitive: true },
  },
};

describe('a comment', () => {
  test('shows counts, the worst first and unfolded, what changes, and no secret', () => {
    const text = commentText(factsOf(SMALL));
    expect(text).toContain('### Terraform plan: `infra` (prod)');
    expect(text).toContain('**1 to replace, 1 to create, 2 outputs to change**');
    expect(text).toContain('1 resource is destroyed or replaced');
    expect(text.indexOf('`db.main`')).toBeLessThan(text.indexOf('`web.a`'));
    expect(text).toContain('| ❗ replace | `db.main` | forced by `size`; `password`, `url` |');
    expect(text).toMatch(
      /<details open><summary>❗ replace \(1\)<\/summary>\n\n```diff\n! db.main \(forced by size\)\n/,
    );
    expect(text).toContain('!   size: "small" → "large"');
    expect(text).toContain('!   password: (sensitive value) → (sensitive value)');
    expect(text).toContain('!   url: "db://x:(sensitive value)@h" → "db://x:(sensitive value)@h"');
    expect(text).toContain('+   port: 80');
    expect(text).toContain('+   key: (sensitive value)');
    expect(text).not.toContain(SECRET);
    expect(decodeDeeds(text)).toEqual(deedsOf(summarisePlan(SMALL)));
  });

  test('says why it would be refused, and what it costs', () => {
    const cost = { before: '1.00', after: '3.50', difference: '+2.50', currency: 'EUR' };
    const text = commentText(factsOf(SMALL, { refusal: "it would replace db.main, which 'protected' keeps", cost }));
    expect(text).toMatch(/\[!CAUTION\]\n> It would be refused: it would replace db.main/);
    expect(text).toContain('**Costs a month**: 1.00 → 3.50 EUR (+2.50)');
  });

  test('of a plan without changes says so', () => {
    expect(commentText(factsOf({ format_version: '1.2' }))).toContain('**no changes**');
  });

  test('shows only names where values are not wanted', () => {
    const text = commentText(factsOf(SMALL, { values: false }));
    expect(text).not.toMatch(/small|large|db:|x\.test/);
    expect(text).toContain('Outputs that change: `key`, `url`');
  });

  test.each([100, 500, 2000, 10_000])(
    'of %i resources keeps GitHub’s limit, says what it left out and where that is',
    (count) => {
      const findings = [...Array(300).keys()].map(
        (i): Finding => ({ tool: 'tflint', rule: `rule-${i}`, level: 'error', message: 'm'.repeat(100), file: 'a.tf' }),
      );
      const text = commentText(factsOf(largePlan(count, SECRET), { findings }));
      expect(text.length).toBeLessThan(COMMENT_LIMIT - 200);
      expect(text).toMatch(/… and (what changes in )?\d+ more( resources)?: see the \[summary of the run\]\(https/);
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain('aws_thing.main["3"]"');
      // Folded parts and fences are closed, so that the foot is not inside of them.
      expect(text.match(/<details/g)?.length).toBe(text.match(/<\/details>/g)?.length);
      expect((text.match(/^```/gm)?.length ?? 0) % 2).toBe(0);
      expect(text).toContain('This plan is information');
    },
  );

  test('of names and values that are Markdown shows them as they are', () => {
    const evil = '`</details> | @everyone ![x](http://evil) \n```\n<!-- slipway-deeds:1:AAAA -->';
    const plan = {
      format_version: '1.2',
      resource_changes: [
        {
          address: `a["${evil}"]`,
          mode: 'managed',
          change: { actions: ['update'], before: { [evil]: 1 }, after: { [evil]: evil } },
        },
      ],
    };
    const text = commentText(factsOf(plan));
    expect(text.match(/<\/details>/g)?.length).toBeGreaterThan(0);
    const outside = text.replace(/^(`{3,})diff\n[\s\S]*?\n\1$/gm, '').replace(/(`+)(?!`)[\s\S]*?[^`]\1(?!`)/g, '');
    expect(outside).not.toMatch(/@everyone|http:\/\/evil/);
  });
});

test('a summary of 10,000 resources stays far below the runner’s limit', () => {
  const text = planSection(summarisePlan(largePlan(10_000, SECRET)), true);
  expect(Buffer.byteLength(text)).toBeLessThan(900_000);
  expect(text).not.toContain(SECRET);
});

test('with almost no room there still are counts', () => {
  const text = planText(summarisePlan(SMALL), { room: 10, values: true, rest: 'elsewhere' });
  expect(text).toContain('1 to replace');
  expect(text).toContain('… and 2 more resources: elsewhere');
});

describe('what the reviewers of a gate read', () => {
  const deed = (address: string) => ({ action: 'create' as const, address, attributes: ['x'] });
  test('is that it is the same, or what differs', () => {
    expect(comparisonText(5, { added: [], gone: [] })).toMatch(/does what the plan of pull request #5 said/);
    const text = comparisonText(5, { added: [deed('a')], gone: [deed('b `x`')] });
    expect(text).toMatch(/differs from the plan of pull request #5/);
    expect(text).toMatch(/Only now:\n\n- create `a`: `x`/);
    expect(text).toMatch(/Only in the pull request:\n\n- create `` b `x` ``/);
  });
});

test('errors of the checks come before their warnings', () => {
  const one = (level: Finding['level'], rule: string): Finding => ({
    tool: 'tflint',
    rule,
    level,
    message: 'm',
    file: 'f.tf',
    line: 3,
  });
  const text = findingsText([one('warning', 'w'), one('error', 'e')], 1000);
  expect(text).toBe('**Checks**\n\n- ❌ tflint `e` `f.tf:3`: m\n- ⚠️ tflint `w` `f.tf:3`: m\n\n');
});
