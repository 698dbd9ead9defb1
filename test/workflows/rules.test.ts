import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { callers, jobsOf, type Mapping, own, ROOT, usesOf } from './files.ts';

const all = [...own, ...callers];
const THIRD_PARTY = ['actions/checkout', 'actions/upload-artifact', 'actions/download-artifact', 'actions/cache'];
const PIN = /^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/;

describe('third-party actions', () => {
  const third = usesOf(all).filter(({ uses }) => !uses.startsWith('$/') && !uses.startsWith('slipway/'));

  test('are only those of GitHub itself', () => {
    expect(new Set(third.map(({ uses }) => uses.split('@')[0]))).toEqual(new Set(THIRD_PARTY));
  });

  test('are pinned by a full commit id', () => {
    expect(third.filter(({ uses }) => !PIN.test(uses))).toEqual([]);
  });

  test('say their version beside the pin, the same one everywhere', () => {
    const versions = new Map<string, Set<string>>();
    for (const { uses, workflow } of third) {
      const line = workflow.text.split('\n').find((text) => text.includes(uses)) ?? '';
      const version = /@[0-9a-f]{40} # (v\d+\.\d+\.\d+)$/.exec(line)?.[1] ?? `no version in ${workflow.path}`;
      const name = uses.split('@')[0] ?? '';
      versions.set(name, (versions.get(name) ?? new Set()).add(`${uses} ${version}`));
    }
    for (const [name, found] of versions)
      expect([name, found.size, ...found]).toEqual([name, 1, expect.stringMatching(/ v\d/)]);
  });
});

describe('rights', () => {
  test.each(all.map((workflow) => [workflow.path, workflow] as const))(
    '%s has none for the workflow itself',
    (_, workflow) => {
      expect(workflow.content.permissions).toEqual({});
    },
  );

  test.each(jobsOf(all).map(({ where, job }) => [where, job] as const))('%s states its own', (_, job) => {
    expect(job.permissions).toBeDefined();
  });

  // GitHub checks this when the run starts, skipped jobs included; a run that asks for more does not start.
  test('are granted by every call to all jobs of what it calls', () => {
    const byPath = new Map(own.map((workflow) => [workflow.path, workflow]));
    for (const { where, job } of jobsOf(all).filter(({ job }) => job.uses !== undefined)) {
      const path = job.uses?.replace(/^(\$\/|slipway\/slipway\/)/, '').replace(/@v1$/, '') ?? '';
      const called = byPath.get(path);
      if (!called) throw new Error(`${where} calls ${job.uses}, which does not exist`);
      for (const inner of jobsOf([called]))
        for (const [scope, level] of Object.entries(inner.job.permissions ?? {}))
          expect([where, inner.where, scope, enough(job.permissions?.[scope], level)]).toEqual([
            where,
            inner.where,
            scope,
            true,
          ]);
    }
  });

  test('no workflow runs with rights on a stranger’s code', () => {
    for (const { text, path } of all) expect([path, /^[^#\n]*pull_request_target/m.test(text)]).toEqual([path, false]);
  });
});

function enough(granted: unknown, asked: unknown): boolean {
  return granted === 'write' || granted === asked;
}

describe('jobs', () => {
  test.each(
    jobsOf(all)
      .filter(({ job }) => job.uses === undefined)
      .map(({ where, job }) => [where, job] as const),
  )('%s has a time limit', (_, job) => expect(job['timeout-minutes']).toEqual(expect.any(Number)));

  test('no script contains an expression: values come in by the environment', () => {
    for (const { where, job } of jobsOf(all))
      for (const step of job.steps ?? []) expect([where, step.run?.includes('${{') ?? false]).toEqual([where, false]);
  });

  test('checkouts leave no credentials in the workspace', () => {
    for (const { where, uses, given } of usesOf(all).filter(({ uses }) => uses.startsWith('actions/checkout@')))
      expect([where, uses, given['persist-credentials']]).toEqual([where, uses, false]);
  });

  test('whatever writes the ledger runs in a lane that loses nobody', () => {
    const deploying = jobsOf(callers).filter(({ job }) => /\/(pipeline|operate)\.yml@/.test(job.uses ?? ''));
    expect(deploying.length).toBeGreaterThan(4);
    for (const { where, job } of deploying) {
      expect([where, job.concurrency]).toEqual([where, { group: expect.stringMatching(/^slipway-/), queue: 'max' }]);
    }
  });
});

describe('own actions and workflows', () => {
  // Two environments of one run may begin alike (prod and prod-eu): one's pattern must not fetch the other's artifacts.
  test('end the name of an environment in that of an artifact by what no name of one holds', () => {
    const environment = '${{ inputs.environment }}';
    const names = usesOf(own).flatMap(({ where, given }) =>
      [given.name, given.pattern]
        // The plan of a pipeline is fetched by its whole name.
        .filter((name) => String(name).includes(environment) && !String(name).startsWith('slipway-plan-'))
        .map((name) => [where, String(name).split(environment)[1]?.[0]]),
    );
    expect(names.length).toBeGreaterThan(10);
    for (const [where, next] of names) expect([where, next]).toEqual([where, '.']);
  });

  test('are referenced at the running commit', () => {
    for (const { where, uses } of usesOf(own))
      expect([where, uses.startsWith('$/') || THIRD_PARTY.includes(uses.split('@')[0] ?? '')]).toEqual([where, true]);
  });

  const calls = usesOf(all).filter(({ uses }) => uses.startsWith('$/') || uses.startsWith('slipway/slipway'));
  test.each(calls.map((call) => [`${call.where} → ${call.uses}`, call] as const))(
    '%s exists and takes what it is given',
    (_, call) => {
      const declared = declaredInputs(call.uses);
      expect(Object.keys(call.given).filter((name) => !(name in declared))).toEqual([]);
      const missing = Object.entries(declared)
        .filter(([name, input]) => (input as Mapping | null)?.required === true && !(name in call.given))
        .map(([name]) => name);
      expect(missing).toEqual([]);
    },
  );
});

function declaredInputs(uses: string): Mapping {
  const path = uses.replace(/^(\$\/|slipway\/slipway\/?)/, '').replace(/@v1$/, '');
  if (path.endsWith('.yml')) {
    const workflow = own.find((candidate) => candidate.path === path);
    const on = workflow?.content.on as { workflow_call?: { inputs?: Mapping } } | undefined;
    if (!on?.workflow_call) throw new Error(`${uses}: no reusable workflow there`);
    return on.workflow_call.inputs ?? {};
  }
  const file = join(ROOT, path, 'action.yml');
  if (!existsSync(file)) throw new Error(`${uses}: there is no ${join(path, 'action.yml')}`);
  return (parse(readFileSync(file, 'utf8')) as { inputs?: Mapping }).inputs ?? {};
}
