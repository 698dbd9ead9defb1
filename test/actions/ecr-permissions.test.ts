import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { actionOf } from '../../local/registry/front.ts';
import type { Registry } from '../../local/registry/registry.ts';
import { type Local, startLocal } from '../../local/start.ts';
import { runAction } from '../support/action.ts';
import { pushScript } from '../support/image.ts';
import { registryWriter } from '../support/registry.ts';

// The README's policies against what is really asked: of the API, and of the registry by the action and by docker.
let local: Local;
let work: string;
const README = readFileSync(new URL('../../actions/ecr-build-push/README.md', import.meta.url), 'utf8');
const TOKEN = 'ecr:GetAuthorizationToken';

interface Statement {
  Action: string[];
}

/** The actions of the first policy after a line that begins so. */
function allowed(heading: string): string[] {
  const section = README.slice(README.indexOf('## Permissions'));
  const at = section.indexOf(`\n${heading}`);
  expect([heading, at > 0]).toEqual([heading, true]);
  const policy = /```json\n([\s\S]*?)```/.exec(section.slice(at))?.[1] ?? '[]';
  return [(JSON.parse(policy) as Statement | Statement[]) ?? []].flat().flatMap((s) => s.Action);
}

/** What was asked while f ran, by IAM's names; of one registry's repositories where one is named. */
async function asked(f: () => Promise<unknown>, registries: readonly Registry[] = [local.registry]): Promise<string[]> {
  const before = local.requests().length;
  const books = registries.map((r) => r.requests().length);
  await f();
  const calls = local
    .requests()
    .slice(before)
    .map((r) => `${r.service}:${r.operation}`);
  const transfers = registries.flatMap((r, i) =>
    r
      .requests()
      .slice(books[i])
      .map((one) => actionOf(one.method, one)),
  );
  // ListImageReferrers has the permission of BatchGetImage.
  const named = [...calls, ...transfers].map((a) => (a === 'ecr:ListImageReferrers' ? 'ecr:BatchGetImage' : a));
  return [...new Set(named)].sort();
}

const run = async (inputs: Record<string, string>) => {
  const env = { ...local.env(), GITHUB_WORKSPACE: work, GITHUB_REF_TYPE: 'branch', GITHUB_REF_NAME: 'main' };
  const done = await runAction('ecr-build-push', { context: '.', tags: 'raw=v1', ...inputs }, { cwd: work, env });
  expect([done.code, done.outputs.cause]).toEqual([0, expect.any(String)]);
};

beforeAll(async () => {
  local = await startLocal({
    world: {
      repositories: ['built', 'scanned', 'pruned', 'source'],
      registries: [{ account: '123456789012', region: 'us-east-1', repositories: ['target'] }],
    },
  });
  // A task that runs, since only what runs is described.
  const image = await pushScript(local, 'source:run', 'sleep 600');
  const containerDefinitions = [{ name: 'app', image, memory: 64 }];
  local.ecs.seed({
    clusters: [
      {
        name: 'sample',
        taskDefinitions: [{ family: 'app', containerDefinitions }],
        services: [{ serviceName: 'app', taskDefinition: 'app', desiredCount: 1 }],
      },
    ],
  });
  await local.ecs.ready(30_000);
  work = mkdtempSync(join(tmpdir(), 'slipway-permissions-'));
  writeFileSync(join(work, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n');
  const git = (...args: string[]) => execFileSync('git', args, { cwd: work, stdio: 'pipe' });
  git('init', '--quiet');
  git('add', '-A');
  git('-c', 'user.name=t', '-c', 'user.email=t@t.invalid', 'commit', '--quiet', '-m', 'x');
}, 60_000);
afterAll(async () => {
  await local?.stop();
  rmSync(work, { recursive: true, force: true });
}, 30_000);

test('a build', async () => {
  expect(await asked(() => run({ repository: 'built' }))).toEqual([...allowed('Build:'), TOKEN].sort());
}, 60_000);

test('a build that makes its repository', async () => {
  const create = { repository: 'made', 'create-repository': 'true' };
  const calls = await asked(async () => {
    await run(create);
    await run(create);
  });
  expect(calls).toEqual([...allowed('Build:'), ...allowed('`create-repository`'), TOKEN].sort());
}, 60_000);

test('a build with a scan', async () => {
  const calls = await asked(() => run({ repository: 'scanned', scan: 'ecr' }));
  expect(calls).toEqual([...allowed('Build:'), ...allowed('`scan: ecr`'), TOKEN].sort());
}, 60_000);

test('a prune', async () => {
  const pruned = registryWriter(local.registry, 'pruned');
  await pruned.index([await pruned.image()], 'old');
  await pruned.image({ tag: 'new' });
  const inputs = { operation: 'prune', repository: 'pruned', 'keep-newest': '1', 'min-age': '0', ledger: 'none' };
  expect(await asked(() => run(inputs))).toEqual(allowed('Prune').sort());
}, 60_000);

test('a promotion', async () => {
  const { digest } = await registryWriter(local.registry, 'source').image();
  const before = local.registry.requests().length;
  const target = local.registries.get('123456789012/us-east-1') as Registry;
  const inputs = { operation: 'promote', from: `source@${digest}`, repository: 'target', region: 'us-east-1' };
  const calls = await asked(() => run({ ...inputs, 'from-region': 'eu-central-1' }), [local.registry, target]);
  const [from, to] = [allowed('Promote, the source'), allowed('Promote, the target')];
  expect(calls).toEqual([...new Set([...from, ...to, TOKEN])].sort());
  const reads = local.registry
    .requests()
    .slice(before)
    .map((r) => actionOf(r.method, r));
  expect(from).toEqual(expect.arrayContaining(reads));
}, 60_000);
