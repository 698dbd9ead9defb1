import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { deriveTree } from '../local/act/derive.ts';
import { findAct } from '../local/act/find.ts';
import { LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../local/aws/credentials.ts';
import { createRepository, type Pushed, push, replace, SLUG } from '../local/demo/repository.ts';
import { type EventRun, runEvent, type Tools } from '../local/demo/run-event.ts';
import type { Surroundings } from '../local/demo/surroundings.ts';
import type { Permissions } from '../local/github/tokens.ts';
import { startLocal } from '../local/start.ts';

// A team's way with two Terraform roots, through the workflow files under act: a first deployment in two waves, a pull request with
// its plans as comments, the approval of exactly what is applied, drift, and a destroy that its guards hold back.

const ROOT = resolve(import.meta.dirname, '..');
const MINUTE = 60_000;
const SECRET = 'Tr0ub4dor-and-3';
const KEY = randomBytes(32).toString('base64');
const WORKFLOW = '.github/workflows/infra.yml';

let folder = '';
let around: Surroundings;
let tools: Tools;
let main: Pushed;

const BACKEND = `terraform {
  backend "s3" {
    use_lockfile                = true
    use_path_style              = true
    skip_credentials_validation = true
    skip_requesting_account_id  = true
    skip_metadata_api_check     = true
  }
}
`;

const FILES: Record<string, string> = {
  '.github/slipway.yml': `version: 1
components:
  app:
    kind: terraform
    root: app
    after: [network]
    vars: { network: "\${output:network.id}", password: "\${ssm:/sample/password}" }
    backend-config: { bucket: state, key: app.tfstate, region: eu-central-1 }
    protected: [terraform_data.database]
  network:
    kind: terraform
    root: network
    backend-config: { bucket: state, key: network.tfstate, region: eu-central-1 }
environments:
  dev: { role: "arn:aws:iam::123456789012:role/slipway-dev", region: eu-central-1 }
`,
  [WORKFLOW]: `on:
  push: { branches: [main] }
  pull_request:
  workflow_dispatch:
    inputs:
      operation: { type: string }
      confirm: { type: string, default: "" }
permissions: {}
jobs:
  check:
    if: \${{ github.event_name == 'pull_request' }}
    permissions: { contents: read, pull-requests: write, deployments: read, id-token: write }
    uses: slipway/slipway/.github/workflows/check.yml@v1
    with:
      environment: dev
      plan-role: arn:aws:iam::123456789012:role/slipway-plan
  plan:
    if: \${{ github.event_name == 'push' }}
    permissions: { contents: read, pull-requests: read, deployments: read, id-token: write }
    uses: slipway/slipway/.github/workflows/plan.yml@v1
    with: { environment: dev }
  approve:
    needs: [plan]
    runs-on: ubuntu-latest
    timeout-minutes: 5
    permissions: {}
    environment: dev-approval
    steps:
      - run: echo Approved
  deploy:
    needs: [plan, approve]
    permissions: { contents: read, deployments: write, id-token: write }
    uses: slipway/slipway/.github/workflows/pipeline.yml@v1
    with:
      environment: dev
      approved: \${{ needs.plan.outputs.plans }}
  operate:
    if: \${{ github.event_name == 'workflow_dispatch' }}
    permissions: { contents: read, deployments: write, id-token: write, issues: write }
    uses: slipway/slipway/.github/workflows/operate.yml@v1
    with:
      operation: \${{ inputs.operation }}
      environment: dev
      confirm: \${{ inputs.confirm }}
`,
  'network/main.tf': `${BACKEND}
resource "terraform_data" "vpc" {
  input = "vpc-1"
}

output "id" {
  value = terraform_data.vpc.output
}
`,
  'app/main.tf': `${BACKEND}
variable "network" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}

variable "size" {
  type    = string
  default = "small"
}

resource "terraform_data" "database" {
  input = { network = var.network, password = var.password }
}

resource "terraform_data" "web" {
  input            = { size = var.size, url = nonsensitive("db://app:\${var.password}@db") }
  triggers_replace = [var.size]
}

output "size" {
  value = terraform_data.web.output.size
}

output "password" {
  value     = var.password
  sensitive = true
}
`,
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-infra-'));
  const template = join(folder, 'template');
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(join(template, path, '..'), { recursive: true });
    writeFileSync(join(template, path), text);
  }
  const repository = await createRepository(template, folder);
  const [owner = '', name = ''] = SLUG.split('/');
  const local = await startLocal({
    world: {
      roles: [{ name: 'slipway-dev' }, { name: 'slipway-plan' }],
      buckets: ['state'],
      parameters: {
        '/sample/password': { value: SECRET, type: 'SecureString' },
        '/slipway/dev/plan-key': { value: KEY, type: 'SecureString' },
      },
      github: { repositories: [{ owner, name, gitDir: repository.remote, defaultBranch: 'main' }] },
    },
  });
  const { GITHUB_TOKEN = '', ...env } = local.env({ credentials: false });
  around = {
    local,
    repository,
    webUrl: '',
    webhook: '',
    env: { ...env, CHECKPOINT_DISABLE: '1', AWS_EC2_METADATA_DISABLED: 'true' },
    secrets: { GITHUB_TOKEN },
  };
  const tree = join(folder, 'tree');
  await deriveTree(ROOT, tree);
  tools = { act: await findAct(ROOT), root: ROOT, tree, folder, logFile: join(folder, 'act.log') };
}, 2 * MINUTE);
afterAll(async () => {
  await around?.local.stop();
  rmSync(folder, { recursive: true, force: true });
}, MINUTE);

const github = () => {
  const [repository] = around.local.github.snapshot().repositories;
  if (!repository) throw new Error('the local GitHub has no repository');
  return repository;
};
const ends = (run: EventRun) =>
  Object.fromEntries(run.results.map(({ component, outcome }) => [component, outcome.status]));
const causeOf = (run: EventRun, name: string) => run.results.find(({ component }) => component === name)?.outcome.cause;
const logged = () => readFileSync(tools.logFile, 'utf8');

/** What the caller above grants its jobs for each event, all of them together: one token stands for those of all jobs. */
const RIGHTS: Record<string, Permissions> = {
  pull_request: { contents: 'read', 'pull-requests': 'write', deployments: 'read' },
  push: { contents: 'read', 'pull-requests': 'read', deployments: 'write' },
  workflow_dispatch: { contents: 'read', deployments: 'write', issues: 'write' },
};

function run(eventName: string, { sha, subject, event }: Pushed): Promise<EventRun> {
  const { GITHUB_TOKEN = '' } = around.secrets;
  const permissions = RIGHTS[eventName] ?? {};
  around.local.github.allowToken(GITHUB_TOKEN, { login: 'github-actions[bot]', permissions });
  return runEvent(around, tools, { title: subject, sha, workflow: WORKFLOW, eventName, event });
}

function dispatch(inputs: Record<string, string>): Promise<EventRun> {
  const event = { ref: 'refs/heads/main', inputs, repository: main.event.repository, sender: { login: 'ada' } };
  return run('workflow_dispatch', { ...main, subject: inputs.operation ?? '', event });
}

function git(...args: string[]): string {
  const { clone } = around.repository;
  const person = ['-c', 'user.name=Ada', '-c', 'user.email=ada@sample.test'];
  return execFileSync('git', ['-C', clone, ...person, ...args], { encoding: 'utf8' }).trim();
}

test(
  'the first deployment applies what could be planned; the root that needs its outputs is planned by the next run',
  async () => {
    main = await push(around.repository, 'Two roots');
    const keyed = '    backend-config: { bucket: state,';
    const key = `    plan-key: "\${ssm:/slipway/dev/plan-key}"\n${keyed}`;
    const config = join(around.repository.clone, '.github/slipway.yml');
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll(keyed, key));
    main = await push(around.repository, 'Approve what is applied');
    const first = await run('push', main);
    expect([first.exitCode, ends(first)]).toEqual([1, { network: 'succeeded', app: 'denied' }]);
    expect(causeOf(first, 'app')).toMatch(/no plan of app was approved for dev in this run/);
    const second = await run('push', main);
    expect([second.exitCode, ends(second)]).toEqual([0, { app: 'succeeded' }]);
    expect([...around.local.s3.objects('state').keys()].sort()).toEqual(['app.tfstate', 'network.tfstate']);
  },
  2 * MINUTE,
);

test(
  'a pull request gets its plan as a comment, and what is approved and applied is compared with it',
  async () => {
    git('checkout', '--quiet', '-b', 'feature');
    await replace(around.repository, 'app/main.tf', 'default = "small"', 'default = "large"');
    git('commit', '--quiet', '--all', '--message', 'Grow');
    git('push', '--quiet', 'origin', 'feature');
    const head = git('rev-parse', 'HEAD');
    const opened = {
      title: 'Grow',
      body: null,
      state: 'open',
      draft: false,
      author: 'ada',
      head: 'feature',
      base: 'main',
    } as const;
    const { number } = around.local.github.addPull(SLUG, opened);
    const pull = {
      number,
      head: { ref: 'feature', sha: head, repo: { full_name: SLUG } },
      base: { ref: 'main', sha: main.sha, repo: { full_name: SLUG } },
    };
    const event = { action: 'opened', number, pull_request: pull, repository: main.event.repository };
    const asked = around.local.requests().length;
    const checked = await run('pull_request', { ...main, sha: head, subject: 'Grow', event });
    expect([checked.exitCode, github().comments.length]).toEqual([0, 1]);
    // The key of plans that are applied is none of a pull request's business.
    const since = around.local.requests().slice(asked);
    expect(JSON.stringify(since.map(({ input }) => input))).not.toContain('plan-key');
    const [comment] = github().comments;
    expect(comment?.body).toContain('### Terraform plan: `app` (dev)');
    expect(comment?.body).toContain('**1 to replace, 1 output to change**');
    expect(comment?.body).toContain('input.size: "small" → "large"');
    expect(comment?.body).toContain(head.slice(0, 12));

    git('checkout', '--quiet', 'main');
    git('merge', '--quiet', '--squash', 'feature');
    main = await push(around.repository, 'Grow (#1)');
    around.local.github.mergePull(SLUG, number, main.sha);
    const deployed = await run('push', main);
    expect([deployed.exitCode, ends(deployed)]).toEqual([0, { app: 'succeeded' }]);
    expect(deployed.results[0]?.outputs).toEqual({ size: 'large' });
    expect(logged()).toContain(`It does what the plan of pull request #${number} said`);
  },
  2 * MINUTE,
);

test(
  'drift opens an issue; destroying needs the name typed and keeps what is protected',
  async () => {
    // Somebody applies something else by hand.
    const folderByHand = join(folder, 'by-hand');
    cpSync(join(around.repository.clone, 'app'), folderByHand, { recursive: true });
    const env = {
      ...around.env,
      PATH: process.env.PATH,
      HOME: folder,
      AWS_ACCESS_KEY_ID: LOCAL_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: LOCAL_SECRET_ACCESS_KEY,
      TF_VAR_password: SECRET,
      TF_VAR_network: 'vpc-1',
      TF_VAR_size: 'huge',
    };
    // Not synchronously: the S3 that it talks to is in this process.
    const options = { cwd: folderByHand, env, timeout: MINUTE };
    const byHand = (...args: string[]) => promisify(execFile)('terraform', args, options);
    await byHand(
      'init',
      '-backend-config=bucket=state',
      '-backend-config=key=app.tfstate',
      '-backend-config=region=eu-central-1',
    );
    await byHand('apply', '-auto-approve');

    const drift = await dispatch({ operation: 'drift' });
    expect([drift.exitCode, ends(drift)]).toEqual([1, { app: 'failed', network: 'unchanged' }]);
    expect(github().issues).toMatchObject([{ title: 'Terraform drift: app in dev', state: 'open' }]);

    const destroy = await dispatch({ operation: 'destroy', confirm: 'dev' });
    expect([destroy.exitCode, ends(destroy)]).toEqual([1, { app: 'denied', network: 'blocked' }]);
    expect(causeOf(destroy, 'app')).toMatch(/destroy terraform_data.database, which 'protected' keeps/);
    // What it needs stays as well.
    expect(causeOf(destroy, 'network')).toMatch(/app needs it, which ended as denied/);
    expect([...around.local.s3.objects('state').keys()].sort()).toEqual(['app.tfstate', 'network.tfstate']);
  },
  2 * MINUTE,
);

test('nothing that was logged, uploaded, commented or recorded holds the password or the key', () => {
  // How the runner is told what to mask is the one place where it has to be said.
  const lines = logged()
    .split('\n')
    .filter((line) => !/"command":"add-mask"|::add-mask::/.test(line));
  const told = [...lines, JSON.stringify(github())];
  const runs = readdirSync(folder).filter((name) => name.startsWith('run-'));
  const uploaded = runs.flatMap((name) =>
    readdirSync(join(folder, name, 'artifacts'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  expect(uploaded.filter((path) => path.endsWith('.tfplan.enc')).length).toBeGreaterThan(2);
  for (const word of [SECRET, KEY]) {
    expect([
      told.filter((line) => line.includes(word)),
      uploaded.filter((path) => readFileSync(path).includes(word)),
    ]).toEqual([[], []]);
  }
});
