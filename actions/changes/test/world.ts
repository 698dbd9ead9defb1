import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { EXAMPLE } from '../../../lib/config/example.ts';
import { githubContext } from '../../../lib/context.ts';
import { apiGit } from '../../../lib/git/api.ts';
import { type Fixture, fixture } from '../../../lib/git/fixture.ts';
import { openGit } from '../../../lib/git/repository.ts';
import { type GitHubClient, github } from '../../../lib/github/client.ts';
import { readInputs } from '../../../lib/inputs.ts';
import { githubLedger } from '../../../lib/ledger/github.ts';
import { openLedger } from '../../../lib/ledger/open.ts';
import { recordingLog } from '../../../lib/log.ts';
import { processes } from '../../../lib/process.ts';
import { createGithub, type Github } from '../../../local/github/server.ts';
import { compareByApi } from '../compare-api.ts';
import { fields } from '../inputs.ts';
import { writeFiles } from '../lists.ts';
import { run } from '../run.ts';

const FILE = '.github/slipway.yml';
export const ZERO = '0'.repeat(40);
export const TOKEN = 'token';
export const repository = { default_branch: 'main' };

export let origin: Fixture;
export let api: Github;
export const temp = mkdtempSync(join(tmpdir(), 'slipway-changes-'));
/** Commits by what they did. */
export const at: Record<string, string> = {};

/** One repository and one GitHub for the tests of a file. */
export function useWorld(): void {
  beforeAll(async () => {
    origin = fixture();
    at.start = origin.commit({ [FILE]: EXAMPLE, 'web/a': '1', 'bot/a': '1', 'infra/main.tf': '1', 'infra/ami/x': '1' });
    at.web = origin.commit({ 'web/a': '2' });
    at.bot = origin.commit({ 'bot/a': '2' });
    at.ami = origin.commit({ 'infra/ami/x': '2' });
    at.docs = origin.commit({ 'README.md': 'x' });
    at.setting = origin.commit({ [FILE]: EXAMPLE.replace('container: web }', 'container: web, desired-count: 3 }') });
    origin.git('checkout', '--quiet', '-b', 'topic', at.web);
    at.topic = origin.commit({ 'bot/b': '1' });
    at.topic2 = origin.commit({ 'infra/main.tf': '2' });
    origin.git('checkout', '--quiet', '-b', 'merged', at.docs);
    origin.git('merge', '--quiet', '--no-ff', '--message', 'merge', at.topic2);
    at.merge = origin.git('rev-parse', 'HEAD');
    longLived();
    origin.git('checkout', '--quiet', '-b', 'gone', at.web);
    at.gone = origin.commit({ 'web/gone': '1' });
    origin.git('checkout', '--quiet', 'main');
    origin.git('branch', '--quiet', '-D', 'gone');
    api = await createGithub({
      repositories: [{ owner: 'acme', name: 'sample', gitDir: join(origin.folder, '.git') }],
      tokens: { [TOKEN]: { login: 'github-actions[bot]' } },
    });
  });

  afterAll(async () => {
    await api.close();
    origin.remove();
    rmSync(temp, { recursive: true });
  });
}

/** A release branch that main is merged into now and then, the pull request that brings it back, and one from a fork. */
function longLived(): void {
  origin.git('checkout', '--quiet', '-b', 'release', at.start ?? '');
  at.release = origin.commit({ 'bot/r': '1' });
  origin.git('merge', '--quiet', '--no-ff', '--message', 'merge main', at.ami ?? '');
  at.release2 = origin.commit({ 'web/r': '1' });
  origin.git('checkout', '--quiet', '--detach', at.docs ?? '');
  origin.git('merge', '--quiet', '--no-ff', '--message', 'merge', at.release2);
  at.releaseMerge = origin.git('rev-parse', 'HEAD');
  // What a fork brings is on no branch here: its commits are reached by id alone.
  origin.git('checkout', '--quiet', '--detach', at.web ?? '');
  at.fork = origin.commit({ 'bot/f': '1' });
  origin.git('checkout', '--quiet', '--detach', at.docs ?? '');
  origin.git('merge', '--quiet', '--no-ff', '--message', 'merge', at.fork);
  at.forkMerge = origin.git('rev-parse', 'HEAD');
  origin.git('tag', '--annotate', '--message', 'v1', 'v1', at.start ?? '');
  at.tag = origin.git('rev-parse', 'refs/tags/v1');
}

export const DEPTHS = ['full', 'depth 1', 'no checkout', 'no git'] as const;
const withoutGit = new Set<string>();

/** A workspace as actions/checkout leaves it at a commit, or an empty one. */
export function workspaceAt(commit: string, depth: (typeof DEPTHS)[number]): string {
  if (depth === 'no checkout') return mkdtempSync(join(temp, 'empty-'));
  if (depth === 'no git') {
    const folder = mkdtempSync(join(temp, 'without-git-'));
    withoutGit.add(folder);
    return folder;
  }
  const clone = origin.clone('--no-checkout', ...(depth === 'depth 1' ? ['--depth=1'] : []));
  if (depth === 'depth 1') {
    // A clone of one commit and nothing else: no branch of another depth is left to help.
    clone.git('fetch', '--quiet', '--depth=1', 'origin', commit);
    const refs = clone.git('for-each-ref', '--format=%(refname)').split('\n').filter(Boolean);
    for (const ref of refs) clone.git('update-ref', '-d', ref);
  }
  // As actions/checkout does: the commit of a pull request's merge is on no branch.
  if (depth === 'full') clone.git('fetch', '--quiet', 'origin', commit);
  clone.git('checkout', '--quiet', '--detach', commit);
  if (depth === 'depth 1') clone.git('prune', '--expire=now');
  return clone.folder;
}

export interface Given {
  head: string;
  eventName?: string;
  event?: Record<string, unknown>;
  ref?: string;
  inputs?: Record<string, string>;
  token?: string;
}

export async function changes(
  workspace: string,
  { head, eventName = 'push', event = {}, ref = 'refs/heads/main', inputs = {}, token = TOKEN }: Given,
) {
  const context = {
    ...githubContext({
      GITHUB_REPOSITORY: 'acme/sample',
      GITHUB_SHA: head,
      GITHUB_REF: ref,
      GITHUB_REF_NAME: ref.replace(/^refs\/(heads|tags)\//, ''),
      GITHUB_EVENT_NAME: eventName,
      GITHUB_API_URL: api.url,
      GITHUB_GRAPHQL_URL: api.graphqlUrl,
      GITHUB_WORKSPACE: workspace,
      RUNNER_TEMP: temp,
    }),
    event,
  };
  const given = readInputs(fields, (name) => ({ config: FILE, token, ...inputs })[name] ?? '');
  const git: string[][] = [];
  const real = processes();
  let calls = 0;
  const counted = github({ context, token });
  const client: GitHubClient = {
    rest: (...request) => {
      calls++;
      return counted.rest(...request);
    },
    graphql: (...request) => {
      calls++;
      return counted.graphql(...request);
    },
  };
  const report = await run(given, {
    git: withoutGit.has(workspace)
      ? apiGit({ client: async () => client, repository: context.repository })
      : openGit({
          processes: {
            run: (argv, o) => {
              git.push([...argv]);
              return real.run(argv, o);
            },
          },
          workspace,
          tempDir: temp,
          origin: { url: origin.url },
        }),
    ledger: async () =>
      given.ledger === 'github' && token
        ? githubLedger(client, context)
        : openLedger({ kind: given.ledger, token, context }),
    compare: compareByApi(token ? async () => client : undefined, context.repository, recordingLog()),
    readFile: async (path) => {
      try {
        return readFileSync(join(workspace, path), 'utf8');
      } catch {
        return undefined;
      }
    },
    writeFiles: (files) => writeFiles(temp, files),
    rawInput: (name) => inputs[name] ?? '',
    context,
    log: recordingLog(),
  });
  const reasons = JSON.parse(report.outputs.reasons ?? '{}') as Record<
    string,
    { status: string; reason: string; baseWhy: string }
  >;
  return {
    report,
    reasons,
    ships: JSON.parse(report.outputs.components ?? '[]') as string[],
    fetches: git.filter((argv) => argv[1] === 'fetch').length,
    /** Requests to GitHub's API. */
    calls,
  };
}

export const pullRequest = () => ({ pull_request: { head: { sha: at.topic2 }, base: { sha: at.docs } }, repository });
