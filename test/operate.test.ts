import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { deriveTree } from '../local/act/derive.ts';
import { findAct } from '../local/act/find.ts';
import { type Pushed, push, replace, SLUG } from '../local/demo/repository.ts';
import { type EventRun, runEvent, type Tools } from '../local/demo/run-event.ts';
import { type Surroundings, surround } from '../local/demo/surroundings.ts';
import { identityOf, messageOfRun } from '../local/demo/witness.ts';

const ROOT = resolve(import.meta.dirname, '..');
const MINUTE = 60_000;
const PIPELINE = '.github/workflows/pipeline.yml';
const JOBS = '.github/workflows/jobs.yml';
const WATCH = '.github/workflows/watch.yml';

let folder = '';
let around: Surroundings;
let tools: Tools;
let first: Pushed;
let second: Pushed;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-operate-'));
  const tree = join(folder, 'tree');
  await deriveTree(ROOT, tree);
  tools = { act: await findAct(ROOT), root: ROOT, tree, folder, logFile: join(folder, 'act.log') };
  around = await surround(ROOT, folder);
  first = await push(around.repository, 'Add the sample');
  // The pipeline written out as plain jobs, as it is given to people to copy; the called one carries on from its ledger.
  const written = join(around.repository.clone, JOBS);
  copyFileSync(join(ROOT, 'workflows/jobs.yml'), written);
  const run = await pushed(first, JOBS);
  rmSync(written);
  expect([run.exitCode, stages(run)]).toEqual([
    0,
    { detect: 'succeeded', infra: 'succeeded', web: 'succeeded', bot: 'succeeded', notify: 'succeeded' },
  ]);
  const rounded = 'Math.round(process.uptime())';
  await replace(around.repository, 'web/src/health.ts', rounded, 'Math.floor(process.uptime())');
  second = await push(around.repository, 'Round down');
  const carriedOn = await pushed(second);
  expect([carriedOn.exitCode, stages(carriedOn)]).toEqual([
    0,
    { detect: 'succeeded', web: 'succeeded', notify: 'succeeded' },
  ]);
}, 6 * MINUTE);
afterAll(async () => {
  await around?.local.stop();
  rmSync(folder, { recursive: true, force: true });
}, MINUTE);

function pushed({ sha, subject, event }: Pushed, workflow = PIPELINE): Promise<EventRun> {
  return runEvent(around, tools, { title: subject, sha, workflow, eventName: 'push', event });
}

/** What a person chooses under "Run workflow". */
function dispatch(inputs: Record<string, string>): Promise<EventRun> {
  const all = { operation: 'deploy', environment: 'dev', components: '', confirm: '', ...inputs };
  const event = { ref: 'refs/heads/main', inputs: all, repository: second.event.repository, sender: { login: 'ada' } };
  return runEvent(around, tools, {
    title: all.operation,
    sha: second.sha,
    workflow: PIPELINE,
    eventName: 'workflow_dispatch',
    event,
  });
}

const stages = (run: EventRun) => Object.fromEntries(run.story.stages.map(({ name, state }) => [name, state]));

describe('by hand', () => {
  test(
    'check-status finds everything as the ledger says',
    async () => {
      const run = await dispatch({ operation: 'check-status' });
      expect(run.exitCode).toBe(0);
      expect(Object.keys(stages(run)).sort()).toEqual(['bot', 'confirm', 'infra', 'notify', 'web']);
    },
    MINUTE,
  );

  test(
    'a rollback has to name its components',
    async () => {
      const run = await dispatch({ operation: 'rollback' });
      expect([run.exitCode, stages(run)]).toEqual([1, { confirm: 'failed', notify: 'succeeded' }]);
    },
    MINUTE,
  );

  test(
    'a rollback puts the version before back, and the next run does not ship it again',
    async () => {
      const since = Date.now();
      const run = await dispatch({ operation: 'rollback', components: 'web' });
      expect(run.results.map(({ component, outcome }) => [component, outcome.status])).toEqual([['web', 'succeeded']]);
      expect((await identityOf(around.webUrl)).revision).toBe(first.sha);
      expect(messageOfRun(around.local.discord, { startedAt: since })).toContain('web');

      const next = await dispatch({ operation: 'deploy' });
      expect(next.exitCode).toBe(0);
      expect(stages(next)).not.toHaveProperty('web');
      expect((await identityOf(around.webUrl)).revision).toBe(first.sha);
    },
    2 * MINUTE,
  );

  test(
    'the scheduled refresh leaves alone what was rolled back, and what is young',
    async () => {
      const watch = join(around.repository.clone, WATCH);
      copyFileSync(join(ROOT, 'workflows/schedule.yml'), watch);
      const event = { schedule: '17 5 * * *', repository: second.event.repository };
      const run = await runEvent(around, tools, {
        title: 'refresh',
        sha: second.sha,
        workflow: WATCH,
        eventName: 'schedule',
        event,
      });
      rmSync(watch);
      expect(run.exitCode).toBe(0);
      const refreshed = run.results.map(({ component, outcome }) => [component, outcome.status, outcome.cause]);
      expect(refreshed).toContainEqual(['web', 'unchanged', expect.stringMatching(/^not refreshed: .*other content/)]);
      expect(refreshed).toContainEqual(['bot', 'unchanged', expect.any(String)]);
      expect((await identityOf(around.webUrl)).revision).toBe(first.sha);
    },
    2 * MINUTE,
  );

  test(
    'what was rolled back ships when it is forced',
    async () => {
      const run = await dispatch({ operation: 'deploy', components: 'web' });
      expect([run.exitCode, stages(run).web]).toEqual([0, 'succeeded']);
      expect((await identityOf(around.webUrl)).revision).toBe(second.sha);
    },
    2 * MINUTE,
  );

  test(
    'destroy needs the name of the environment, and then destroys the infrastructure',
    async () => {
      const refused = await dispatch({ operation: 'destroy', confirm: 'prod' });
      expect([refused.exitCode, stages(refused)]).toEqual([1, { confirm: 'failed', notify: 'succeeded' }]);
      const run = await dispatch({ operation: 'destroy', confirm: 'dev' });
      expect([run.exitCode, stages(run).infra]).toEqual([0, 'succeeded']);
    },
    MINUTE,
  );
});

describe('a pull request', () => {
  const workflow = '.github/workflows/check.yml';
  let head = '';
  beforeAll(async () => {
    const { clone } = around.repository;
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', clone, '-c', 'user.name=Eve', '-c', 'user.email=eve@sample.test', ...args], {
        encoding: 'utf8',
      }).trim();
    git('checkout', '--quiet', '-b', 'feature');
    await replace(around.repository, 'web/src/health.ts', 'Math.floor(process.uptime())', 'process.uptime()');
    await replace(around.repository, 'infra/main.tf', 'input = {', 'input = {\n    more        = "x"');
    git('commit', '--quiet', '--all', '--message', 'Say more');
    git('push', '--quiet', 'origin', 'feature');
    head = git('rev-parse', 'HEAD');
    // The caller as it is given to people to copy.
    copyFileSync(join(ROOT, 'workflows/pull-request.yml'), join(clone, workflow));
  });

  test.each([SLUG, 'stranger/sample'])(
    'from %s is validated and built, and nothing is deployed',
    async (from) => {
      const before = around.local.requests().length;
      const pull = {
        number: 1,
        head: { ref: 'feature', sha: head, repo: { full_name: from } },
        base: { ref: 'main', sha: second.sha, repo: { full_name: SLUG } },
      };
      const event = { action: 'opened', number: 1, pull_request: pull, repository: second.event.repository };
      const run = await runEvent(around, tools, {
        title: 'Say more',
        sha: head,
        workflow,
        eventName: 'pull_request',
        event,
      });
      expect([run.exitCode, stages(run)]).toEqual([0, { detect: 'succeeded', web: 'succeeded', infra: 'succeeded' }]);
      // Without a role for plans nobody gets credentials, so AWS is not even asked who this is.
      expect(around.local.requests().slice(before)).toEqual([]);
    },
    2 * MINUTE,
  );
});
