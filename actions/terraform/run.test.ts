import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../lib/config/load.ts';
import { Problem } from '../../lib/errors.ts';
import { github } from '../../lib/github/client.ts';
import { readInputs } from '../../lib/inputs.ts';
import { recordingLog } from '../../lib/log.ts';
import { processes } from '../../lib/process.ts';
import { findOnPath } from '../../lib/tools/install.ts';
import { type GitFixture, gitFixture } from '../../local/github/fixture.ts';
import { createGithub, type Github } from '../../local/github/server.ts';
import { fields } from './inputs.ts';
import type { RunPorts } from './operations/settings.ts';
import { run } from './run.ts';
import { readSettings } from './settings.ts';
import { environmentFor, openTerraform } from './terraform.ts';

// These run the real terraform (or tofu) on roots without providers.
const binary = (await findOnPath('terraform', process.env)) ?? (await findOnPath('tofu', process.env));
if (!binary) throw new Error('These tests need terraform or tofu on PATH');

const base = mkdtempSync(join(tmpdir(), 'slipway-terraform-test-'));
let workspace = '';
let count = 0;
beforeEach(() => {
  workspace = join(base, String(++count));
  mkdirSync(join(workspace, 'infra'), { recursive: true });
  mkdirSync(join(workspace, 'tmp'));
  write('main.tf', ROOT);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const ROOT = `variable "size" {
  type    = string
  default = "small"
}

variable "password" {
  type      = string
  default   = "hunter2-default"
  sensitive = true
}

terraform {
  backend "local" {}
}

resource "terraform_data" "host" {
  input            = { size = var.size, password = var.password }
  triggers_replace = [var.size]
}

output "size" {
  value = terraform_data.host.output.size
}

output "sizes" {
  value = [var.size]
}

output "password" {
  value     = var.password
  sensitive = true
}
`;

function write(name: string, text: string): void {
  writeFileSync(join(workspace, 'infra', name), text);
}

interface Options {
  signal?: AbortSignal;
  env?: NodeJS.ProcessEnv;
  ports?: Partial<RunPorts>;
  giveUpMs?: number;
  /** Programs beside terraform, by name. */
  installed?: Record<string, string>;
}

async function go(
  given: Record<string, string>,
  {
    signal = new AbortController().signal,
    env = {},
    ports: ports_ = {},
    installed = {},
    giveUpMs = 60_000,
  }: Options = {},
) {
  const inputs = readInputs(fields, (name) => given[name] ?? '');
  const config = async () => loadConfig(CONFIG, '.github/slipway.yml');
  const { settings, folder, vars } = await readSettings(
    { ...inputs, root: given.root ?? 'infra' },
    { workspace, config },
  );
  const log = recordingLog();
  const tempDir = join(workspace, 'tmp');
  const childEnv = environmentFor(
    { ...process.env, ...env },
    { vars, environment: inputs.environment, pluginCache: join(base, 'plugins') },
  );
  const ports = { processes: processes(), log, env: childEnv, signal, scratch: join(tempDir, 'scratch') };
  const terraform = await openTerraform(binary ?? '', folder, { ...ports, giveUpMs });
  const tools = { processes: processes(), log, env: childEnv, signal, find: async (tool: string) => installed[tool] };
  const identity = { repository: 'acme/sample', commit: 'c'.repeat(40), runId: '7', runAttempt: 1, actor: 'ada' };
  const lastApplied = async () => undefined;
  const all = { terraform, log, tempDir, tools, github: undefined, identity, now: () => 0, lastApplied, ...ports_ };
  const report = await run(settings, all);
  const everything = JSON.stringify([report, log.lines]);
  return {
    ...report,
    log,
    everything,
    changes: report.outputs.changes ? JSON.parse(report.outputs.changes) : undefined,
  };
}

const CONFIG = `version: 1
components:
  infra: { kind: terraform, root: infra, vars: { size: medium } }
  image: { kind: ami, paths: ['ami/**'], template: ami }
environments:
  dev: {}
  prod: { components: { infra: { vars: { size: large } } } }
`;

test('apply creates, gives non-sensitive outputs, masks the others; a second apply changes nothing', async () => {
  const first = await go({ operation: 'apply', environment: 'dev', vars: 'password=s3cret-word' });
  expect(first.outcome).toEqual({ status: 'succeeded', cause: '' });
  expect(first.changes).toMatchObject({ create: 1, replace: 0, destroy: 0, outputs: 3 });
  expect(JSON.parse(first.outputs.outputs ?? '')).toEqual({ size: 'small', sizes: ['small'] });
  expect(new Set(first.log.masked)).toEqual(new Set(['s3cret-word', 'hunter2-default']));
  expect(first.everything).not.toContain('s3cret-word');
  expect(first.summary).toContain('`terraform_data.host`');
  expect(first.summary).toContain('(sensitive)');
  // Plans hold secrets: none is left behind.
  expect(readdirSync(join(workspace, 'tmp')).filter((name) => name.startsWith('slipway-plan-'))).toEqual([]);

  const second = await go({ operation: 'apply', environment: 'dev', vars: 'password=s3cret-word' });
  expect(second.outcome.status).toBe('unchanged');
  expect(JSON.parse(second.outputs.outputs ?? '')).toMatchObject({ size: 'small' });
});

test('plan puts what is destroyed or replaced first, with the attribute that forces it, and hides sensitive values', async () => {
  await go({ operation: 'apply' });
  write('more.tf', 'resource "terraform_data" "another" {\n  input = "x"\n}\n');
  const planned = await go({ operation: 'plan', vars: 'size=enormous\npassword=s3cret-word' });
  expect(planned.outcome.status).toBe('succeeded');
  expect(planned.changes).toMatchObject({ create: 1, replace: 1 });
  const rows = planned.summary.split('\n').filter((line) => line.startsWith('| '));
  expect(rows[2]).toContain('❗ replace');
  expect(rows[2]).toContain('forced by `triggers_replace`');
  expect(planned.summary).toContain('[!WARNING]');
  expect(planned.everything).not.toContain('s3cret-word');
  expect(planned.summary).toContain('input.size: "small" → "enormous"');
  expect(planned.summary).toContain('input.password: (sensitive value) → (sensitive value)');
  const without = await go({ operation: 'plan', vars: 'size=enormous', values: 'false' });
  expect(without.everything).not.toMatch(/enormous/);
  expect(existsSync(planned.outputs.plan ?? '')).toBe(true);
});

test('a variable that the root does not declare, and a pattern that protects nothing, are told', async () => {
  const given = {
    operation: 'plan',
    vars: 'siez=large\nsize=large',
    protected: 'terraform_data.hots\nterraform_data.host',
  };
  const { log } = await go(given);
  expect(log.lines.filter((line) => line.startsWith('warning: '))).toEqual([
    expect.stringMatching(/'siez' is no variable of infra, .* ignores it. Did you mean 'size'\?/),
    expect.stringMatching(/'protected' has terraform_data.hots, and no resource of infra has that address/),
  ]);
});

test('apply takes exactly the saved plan, and refuses it once the state has moved', async () => {
  await go({ operation: 'apply' });
  const planned = await go({ operation: 'plan', vars: 'size=large' });
  const stale = await go({ operation: 'plan', vars: 'size=huge' });
  const applied = await go({ operation: 'apply', plan: planned.outputs.plan ?? '', vars: 'size=large' });
  expect(applied.outcome.status).toBe('succeeded');
  expect(JSON.parse(applied.outputs.outputs ?? '').size).toBe('large');
  const refused = await go({ operation: 'apply', plan: stale.outputs.plan ?? '', vars: 'size=huge' });
  expect(refused.outcome.status).toBe('failed');
  expect(refused.outcome.cause).toMatch(/stale/i);
  expect(refused.outcome.next).toMatch(/plan again/);
});

test('where plans are approved, one that is not encrypted or not in the approval is refused', async () => {
  const key = 'k'.repeat(44);
  const { outputs } = await go({ operation: 'plan' });
  const plan = outputs.plan ?? '';
  // Any job of a run may leave a file under the name of a plan.
  await expect(go({ operation: 'apply', plan, 'plan-key': key })).rejects.toThrow(/none that slipway has saved/);
  await expect(go({ operation: 'apply', plan, 'plan-digest': 'none' })).rejects.toThrow(
    /no plan of this root was approved/,
  );
  const file = join(workspace, 'tmp/saved.enc');
  await go({ operation: 'plan', 'save-plan': file, 'plan-key': key });
  const given = { operation: 'apply', plan: file, 'plan-key': key };
  await expect(go({ ...given, 'plan-digest': 'none' })).rejects.toThrow(/no plan of this root was approved/);
  await expect(go({ ...given, 'plan-digest': 'abc' })).rejects.toThrow(/input 'plan-digest' is "abc".*64/);
  expect(existsSync(join(workspace, 'infra/terraform.tfstate'))).toBe(false);
  expect((await go(given)).outcome.status).toBe('succeeded');
});

test('destroy needs the name of the environment typed', async () => {
  await go({ operation: 'apply', environment: 'dev' });
  for (const confirm of ['', 'prod', 'yes']) {
    await expect(go({ operation: 'destroy', environment: 'dev', confirm })).rejects.toThrow(
      /input 'confirm'.*Type dev/,
    );
  }
  await expect(go({ operation: 'destroy', confirm: '' })).rejects.toThrow(/no environment to destroy/);
  const gone = await go({ operation: 'destroy', environment: 'dev', confirm: 'dev' });
  expect(gone.outcome.status).toBe('succeeded');
  expect(gone.changes).toMatchObject({ destroy: 1 });
});

test('drift is what a plan would change; it fails the run unless told not to', async () => {
  await go({ operation: 'apply' });
  expect((await go({ operation: 'drift' })).outcome.status).toBe('unchanged');
  const drifted = await go({ operation: 'drift', vars: 'size=other' });
  expect(drifted.outcome).toMatchObject({ status: 'failed', cause: expect.stringMatching(/1 to replace/) });
  expect(drifted.outputs.plan).toBe('');
  expect((await go({ operation: 'drift', vars: 'size=other', 'fail-on-drift': 'false' })).outcome.status).toBe(
    'succeeded',
  );
});

test('output reads without changing anything', async () => {
  await go({ operation: 'apply' });
  const read = await go({ operation: 'output' });
  expect(JSON.parse(read.outputs.outputs ?? '')).toEqual({ size: 'small', sizes: ['small'] });
  expect(read.log.masked).toEqual(['hunter2-default']);
});

test('validate needs no backend and points at unformatted files', async () => {
  write('ugly.tf', 'output "x" {\nvalue=1\n}\n');
  const { outcome, annotations } = await go({ operation: 'validate' });
  expect(outcome).toMatchObject({ status: 'failed', cause: 'ugly.tf is not formatted' });
  expect(annotations).toEqual([expect.objectContaining({ level: 'error', file: 'infra/ugly.tf' })]);
});

const broken: [string, string, string, RegExp, number | undefined][] = [
  [
    'an unknown variable',
    'validate',
    'output "x" {\n  value = var.nothing\n}\n',
    /undeclared input variable \(infra\/broken.tf:2\)/,
    2,
  ],
  ['bad syntax', 'plan', 'output "x" {\n  value = \n}\n', /terraform init failed: .*\(infra\/broken.tf:2\)/, 2],
  ['a failing precondition', 'plan', PRECONDITION(), /precondition failed \(infra\/broken.tf:4\)/, 4],
];
function PRECONDITION(): string {
  return 'resource "terraform_data" "x" {\n  lifecycle {\n    precondition {\n      condition     = var.size == "none"\n      error_message = "never"\n    }\n  }\n}\n';
}
test.each(broken)('%s becomes an annotation at its place', async (_, operation, text, cause, line) => {
  write('broken.tf', text);
  const { outcome, annotations } = await go({ operation });
  expect(outcome.status).toBe('failed');
  expect(outcome.cause).toMatch(cause);
  expect(annotations?.[0]).toMatchObject({ level: 'error', file: 'infra/broken.tf', line });
});

test('an apply that fails halfway says how far it came', async () => {
  write(
    'steps.tf',
    `resource "terraform_data" "bad" {
  depends_on = [terraform_data.host]
  provisioner "local-exec" {
    command = "exit 3"
  }
}
`,
  );
  const { outcome, summary, annotations } = await go({ operation: 'apply' });
  expect(outcome.status).toBe('failed');
  expect(outcome.cause).toMatch(
    /terraform apply failed after 1 resource was changed: .*provisioner.* in terraform_data.bad \(infra\/steps.tf:3\)/i,
  );
  expect(outcome.next).toMatch(/goes on from/);
  expect(summary).toMatch(/✅ done \| `terraform_data.host` \| create/);
  expect(summary).toMatch(/❌ failed \| `terraform_data.bad` \| (create|)/);
  expect(annotations?.[0]).toMatchObject({
    file: 'infra/steps.tf',
    line: 3,
    message: expect.stringMatching(/^terraform_data.bad: /),
  });
});

test('what a failing apply says hides what is sensitive', async () => {
  write(
    'bad.tf',
    `resource "terraform_data" "bad" {
  provisioner "local-exec" {
    command = nonsensitive("echo db://app:\${var.password}@db; exit 3")
  }
}
`,
  );
  const failed = await go({ operation: 'apply', vars: 'password=s3cret-word' });
  expect(failed.outcome.status).toBe('failed');
  expect(failed.annotations?.[0]?.message).toContain('db://app:(sensitive value)@db');
  expect(JSON.stringify([failed.summary, failed.annotations, failed.outcome])).not.toContain('s3cret-word');
});

test.each(['tests/x.tftest.hcl', 'x.tf'])('%s that is not formatted fails the validation', async (name) => {
  mkdirSync(join(workspace, 'infra/tests'));
  write(
    name,
    'run "x" {\ncommand=plan\n}\n'.replace(/^run "x"|command=plan/g, (text) =>
      name === 'x.tf' ? ({ 'run "x"': 'locals', 'command=plan': 'a=1' }[text] ?? '') : text,
    ),
  );
  expect((await go({ operation: 'validate' })).outcome).toMatchObject({
    status: 'failed',
    cause: `${name} is not formatted`,
  });
});

test.each(['-target=terraform_data.host', '-refresh=false -exclude terraform_data.host'])(
  'arguments for a part of a root (%s) are refused: such a plan is not the whole truth',
  async (args) => {
    await expect(go({ operation: 'plan' }, { env: { TF_CLI_ARGS_plan: args } })).rejects.toThrow(
      /TF_CLI_ARGS_plan.*a part of the root/,
    );
  },
);

test('what a plan warns of hides what is sensitive', async () => {
  write(
    'check.tf',
    `check "x" {
  assert {
    condition     = var.size == "none"
    error_message = nonsensitive("db://app:\${var.password}@db")
  }
}
`,
  );
  const planned = await go({ operation: 'plan', vars: 'password=s3cret-word' });
  expect(planned.annotations?.[0]).toMatchObject({ level: 'warning', message: 'db://app:(sensitive value)@db' });
  expect(JSON.stringify([planned.summary, planned.annotations])).not.toContain('s3cret-word');
});

const SLOW = `resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "touch started; sleep 2"
  }
}
`;

async function started(): Promise<void> {
  for (let tries = 0; !existsSync(join(workspace, 'infra', 'started')) && tries < 300; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a held lock is explained with its holder', async () => {
  write('slow.tf', SLOW);
  const holding = go({ operation: 'apply' });
  await started();
  const { outcome } = await go({ operation: 'apply', 'lock-timeout': '0s' });
  expect(outcome.status).toBe('failed');
  expect(outcome.cause).toMatch(/^the state is locked by \S+@\S+ for apply since \d{4}/);
  expect(outcome.next).toMatch(/operation unlock and lock-id [0-9a-f-]{36}/);
  expect((await holding).outcome.status).toBe('succeeded');
});

test('cancelling lets Terraform finish what it has begun and write its state', async () => {
  write('slow.tf', SLOW.replace('sleep 2', 'sleep 1'));
  const stop = new AbortController();
  const running = go({ operation: 'apply' }, { signal: stop.signal });
  await started();
  stop.abort();
  await expect(running).rejects.toMatchObject({ kind: 'cancelled' });
  const state = execFileSync(binary ?? '', ['show', '-json'], { cwd: join(workspace, 'infra') });
  expect(JSON.parse(String(state)).values.root_module.resources.length).toBeGreaterThan(0);
});

test('cancelling ends what a local-exec has started too: nothing works on once the state is unlocked', async () => {
  write('slow.tf', SLOW.replace('sleep 2', '(sleep 1; touch late) & wait'));
  const stop = new AbortController();
  const running = go({ operation: 'apply' }, { signal: stop.signal });
  await started();
  stop.abort();
  await expect(running).rejects.toMatchObject({ kind: 'cancelled' });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(readdirSync(join(workspace, 'infra'))).not.toContain('late');
});

test('what hangs after a cancellation is given up, and the lock is given back', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  // Nothing stops this read but a second interrupt.
  write(
    'hangs.tf',
    `data "terraform_remote_state" "hangs" {
  backend    = "http"
  config     = { address = "http://127.0.0.1:${port}/" }
  depends_on = [terraform_data.host]
}
`,
  );
  const stop = new AbortController();
  const asked = new Promise((resolve) => silent.once('request', resolve));
  const running = go({ operation: 'apply' }, { signal: stop.signal, giveUpMs: 200 });
  await asked;
  stop.abort();
  await expect(running).rejects.toMatchObject({ kind: 'cancelled' });
  silent.closeAllConnections();
  silent.close();
  const files = readdirSync(join(workspace, 'infra'));
  expect(files).not.toContain('.terraform.tfstate.lock.info');
  // What was done before is kept.
  const state = JSON.parse(readFileSync(join(workspace, 'infra/terraform.tfstate'), 'utf8'));
  expect(state.resources).toMatchObject([{ type: 'terraform_data', name: 'host' }]);
});

test('the action’s own inputs are not in Terraform’s environment, and variables are no arguments', async () => {
  write(
    'env.tf',
    'resource "terraform_data" "env" {\n  provisioner "local-exec" {\n    command = "env > seen; cat /proc/$PPID/cmdline >> seen"\n  }\n}\n',
  );
  await go({ operation: 'apply', vars: 'size=tiny-word' }, { env: { INPUT_TOKEN: 'ghs_token' } });
  const seen = execFileSync('cat', [join(workspace, 'infra', 'seen')]).toString();
  expect(seen).not.toContain('ghs_token');
  expect(seen).toContain('TF_VAR_size=tiny-word');
  expect(seen.split('\0').join(' ')).not.toMatch(/-var\b/);
});

test('backend settings reach the backend through a file', async () => {
  const state = join(workspace, 'dev.tfstate');
  await go({ operation: 'apply', 'backend-config': `path=${state}` });
  expect(existsSync(state)).toBe(true);
});

test('a component brings its root and variables, with the environment’s overrides; inputs win', async () => {
  const inProd = await go({ operation: 'apply', component: 'infra', environment: 'prod', root: '' });
  expect(JSON.parse(inProd.outputs.outputs ?? '').size).toBe('large');
  const byInput = await go({
    operation: 'apply',
    component: 'infra',
    environment: 'prod',
    root: '',
    vars: 'size=mine',
  });
  expect(JSON.parse(byInput.outputs.outputs ?? '').size).toBe('mine');
});

const wrong: [string, Record<string, string>, RegExp][] = [
  ['no root', { root: '' }, /input 'root'.*neither it nor a component/],
  ['a root that is not there', { root: 'nowhere' }, /input 'root' is "nowhere": there is no such folder/],
  ['a component of another kind', { component: 'image', root: '' }, /"image": it is of kind ami.*packer action/],
  ['an unknown component', { component: 'infar', root: '' }, /Did you mean 'infra'/],
  ['a variable file that is not there', { 'var-files': 'x.tfvars' }, /input 'var-files' is "x.tfvars"/],
  ['an unknown operation', { operation: 'aply' }, /input 'operation' is "aply".*validate, plan, apply/],
];
test.each(wrong)('%s is one clear Problem', async (_, given, message) => {
  const error = await go(given).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(Problem);
  expect((error as Problem).message).toMatch(message);
});

describe('policies and costs of a plan', () => {
  /** A stand-in that keeps what it was given to read, and says what it is told to. */
  function program(name: string, prints: unknown): string {
    const path = join(workspace, name);
    const text = JSON.stringify(prints).replaceAll("'", '');
    writeFileSync(
      path,
      `#!/bin/sh\nfor a in "$@"; do case "$a" in *plan.json) cp "\${a#--path=}" '${path}.seen'; stat -c %a "\${a#--path=}" > '${path}.mode';; esac; done\nprintf '%s' '${text}'\n`,
    );
    chmodSync(path, 0o755);
    return path;
  }
  beforeEach(() => {
    mkdirSync(join(workspace, 'policy'));
    writeFileSync(join(workspace, 'policy/a.rego'), '');
  });

  test('what a policy denies is not applied, and its words hide what is sensitive', async () => {
    const conftest = program('conftest', [
      { namespace: 'main', failures: [{ msg: 'host has the password s3cret-word' }] },
    ]);
    for (const operation of ['plan', 'apply']) {
      const given = { operation, policy: 'policy', vars: 'password=s3cret-word' };
      const run = await go(given, { installed: { conftest } });
      expect(run.outcome).toMatchObject({
        status: 'denied',
        cause: 'conftest main: host has the password (sensitive value)',
      });
      expect(run.everything).not.toContain('s3cret-word');
      // The plan in clear text was there for the policy alone, and for no other user.
      expect(JSON.parse(readFileSync(`${conftest}.seen`, 'utf8')).format_version).toMatch(/^1\./);
      expect(readFileSync(`${conftest}.mode`, 'utf8').trim()).toBe('600');
    }
    expect(
      readdirSync(join(workspace, 'tmp'), { recursive: true }).filter((name) => /plan/.test(String(name))),
    ).toEqual([]);
    expect(existsSync(join(workspace, 'infra/terraform.tfstate'))).toBe(false);
  });

  test('what passes is applied, and its price is told', async () => {
    const installed = {
      conftest: program('conftest', [{ namespace: 'main', warnings: [{ msg: 'no tags' }] }]),
      infracost: program('infracost', { currency: 'EUR', totalMonthlyCost: '12', diffTotalMonthlyCost: '12' }),
    };
    const env = { INFRACOST_API_KEY: 'ico-key' };
    const planned = await go({ operation: 'plan', policy: 'policy' }, { installed, env });
    expect(planned.outcome.status).toBe('succeeded');
    expect(planned.summary).toContain('**Costs a month**: 0.00 → 12.00 EUR (+12.00)');
    expect(planned.summary).toContain('⚠️ conftest `main`: no tags');
    expect((await go({ operation: 'apply', policy: 'policy' }, { installed, env })).outcome.status).toBe('succeeded');
  });

  test('a policy whose program is not there is no pass', async () => {
    for (const operation of ['apply', 'plan']) {
      await expect(go({ operation, policy: 'policy' })).rejects.toThrow(/conftest, which is not installed/);
      expect(readdirSync(join(workspace, 'tmp')).filter((name) => name.startsWith('slipway-plan-'))).toEqual([]);
    }
    await expect(go({ operation: 'apply', policy: 'nowhere' })).rejects.toThrow(/input 'policy' is "nowhere"/);
  });

  test('lint and policies of the configuration belong to validate', async () => {
    const issue = {
      rule: { name: 'r', severity: 'error' },
      message: 'm',
      range: { filename: 'main.tf', start: { line: 2 } },
    };
    const { outcome, annotations } = await go(
      { operation: 'validate' },
      { installed: { tflint: program('tflint', { issues: [issue] }) } },
    );
    expect(outcome).toMatchObject({ status: 'denied', cause: 'tflint r: m' });
    expect(annotations).toContainEqual(expect.objectContaining({ level: 'error', file: 'infra/main.tf', line: 2 }));
    expect((await go({ operation: 'validate', lint: 'false' })).outcome.status).toBe('succeeded');
  });
});

describe('limits', () => {
  test('hold for an apply too, with the plan shown', async () => {
    await go({ operation: 'apply' });
    const given = { operation: 'apply', vars: 'size=large', protected: 'terraform_data.*' };
    const held = await go(given);
    expect(held.outcome).toMatchObject({
      status: 'denied',
      cause: expect.stringMatching(/replace terraform_data.host/),
    });
    expect(held.summary).toContain('❗ replace | `terraform_data.host`');
    expect((await go({ ...given, protected: '', 'max-destroy': '1' })).outcome.status).toBe('succeeded');
  });
});

describe('a comment', () => {
  let git: GitFixture;
  let server: Github;
  beforeEach(async () => {
    git = gitFixture();
    git.commit({ a: '1' });
    git.branch('feature');
    git.commit({ a: '2' });
    server = await createGithub({
      repositories: [{ owner: 'acme', name: 'sample', gitDir: git.bare }],
      tokens: { ours: { login: 'github-actions[bot]' }, blind: { login: 'x[bot]', permissions: { contents: 'read' } } },
    });
    const opened = {
      title: 'x',
      body: null,
      state: 'open',
      draft: false,
      author: 'ada',
      head: 'feature',
      base: 'main',
    } as const;
    server.addPull('acme/sample', opened);
  });
  afterEach(async () => {
    await server.close();
    git.remove();
  });
  const place = (token: string): Pick<RunPorts, 'github'> => {
    const repository = { owner: 'acme', name: 'sample', slug: 'acme/sample' };
    const event = { pull_request: { number: 1, head: { sha: 'd'.repeat(40) } } };
    const context = {
      repository,
      sha: 'c'.repeat(40),
      runUrl: 'https://ci.test/7',
      event,
      eventName: 'pull_request',
      apiUrl: server.url,
      graphqlUrl: server.graphqlUrl,
    };
    return { github: { client: github({ context, token }), context, log: recordingLog() } };
  };
  const comments = () => server.snapshot().repositories[0]?.comments.map(({ body }) => body) ?? [];

  test('of a plan that fails takes the place of the one before', async () => {
    const ports = place('ours');
    await go({ operation: 'plan', comment: 'true', vars: 'password=s3cret-word' }, { ports });
    expect(comments()).toEqual([expect.stringMatching(/1 to create.*dddddddddddd/s)]);
    write('broken.tf', PRECONDITION());
    expect((await go({ operation: 'plan', comment: 'true' }, { ports })).outcome.status).toBe('failed');
    expect(comments()).toEqual([expect.stringMatching(/❌ failed: .*precondition failed/s)]);
    expect(comments().join()).not.toMatch(/s3cret-word|1 to create/);
    // The runner masks logs and summaries, and no comment: an error's words may quote any value.
    expect(comments().join()).not.toMatch(/never/);
  });

  test('that may not be written is a warning: the plan is in the summary all the same', async () => {
    const run = await go({ operation: 'plan', comment: 'true' }, { ports: place('blind') });
    expect(run.outcome.status).toBe('succeeded');
    expect(run.log.lines.join('\n')).toMatch(/warning: The plan could not be written into pull request #1 .*403/);
    expect(comments()).toEqual([]);
  });

  test('is no part of a run that is about no pull request', async () => {
    const run = await go({ operation: 'plan', comment: 'true' });
    expect(run.log.lines.join('\n')).toMatch(/No comment: there is no token/);
  });
});
