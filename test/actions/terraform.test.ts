import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createCredentialStore, LOCAL_ACCESS_KEY_ID, LOCAL_SECRET_ACCESS_KEY } from '../../local/aws/credentials.ts';
import { createS3, type S3 } from '../../local/s3/server.ts';
import { type ActionOptions, type ActionRun, runAction } from '../support/action.ts';

// The action as the runner starts it, the real terraform, and its S3 backend with the native lock against local/s3.

const SECRET = 'Tr0ub4dor-and-3';
const KEY = randomBytes(32).toString('base64');
const base = mkdtempSync(join(tmpdir(), 'slipway-terraform-s3-'));
let s3: S3;
let workspace = '';
let temp = '';
let count = 0;
/** Everything that any run has printed or left, searched for the secret at the end. */
const everything: string[] = [];

beforeAll(async () => {
  const credentials = createCredentialStore({ account: '123456789012', now: Date.now });
  s3 = await createS3({ region: 'eu-central-1', buckets: ['state'], credentials });
});
afterAll(async () => {
  await s3.close();
  rmSync(base, { recursive: true, force: true });
});
beforeEach(() => {
  count += 1;
  workspace = join(base, String(count));
  temp = join(workspace, 'temp');
  mkdirSync(join(workspace, 'infra'), { recursive: true });
  mkdirSync(temp);
  write('main.tf', ROOT);
});

const ROOT = `terraform {
  backend "s3" {
    use_lockfile                = true
    use_path_style              = true
    skip_credentials_validation = true
    skip_requesting_account_id  = true
    skip_region_validation      = true
  }
}
variable "size" { default = "small" }
variable "password" {
  type      = string
  sensitive = true
}
resource "terraform_data" "host" {
  input = { size = var.size, password = var.password, url = nonsensitive("db://app:\${var.password}@db") }
}
output "size" { value = terraform_data.host.output.size }
output "password" {
  value     = var.password
  sensitive = true
}
`;

const lockKey = () => `${count}.tfstate.tflock`;

function write(name: string, text: string): void {
  writeFileSync(join(workspace, 'infra', name), text);
}

interface Given extends ActionOptions {
  run?: string;
  sha?: string;
}

async function terraform(
  inputs: Record<string, string>,
  { run: id = '7', sha = 'a'.repeat(40), ...options }: Given = {},
) {
  const given = { root: 'infra', 'lock-timeout': '0s', vars: `password=${SECRET}`, ...inputs };
  const run = await runAction(
    'terraform',
    { 'backend-config': `bucket=state\nkey=${count}.tfstate\nregion=eu-central-1`, ...given },
    {
      ...options,
      cwd: workspace,
      env: {
        GITHUB_WORKSPACE: workspace,
        GITHUB_REPOSITORY: 'acme/sample',
        GITHUB_SHA: sha,
        GITHUB_RUN_ID: id,
        GITHUB_ACTOR: 'ada',
        AWS_ENDPOINT_URL_S3: s3.url,
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: LOCAL_ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY: LOCAL_SECRET_ACCESS_KEY,
        AWS_EC2_METADATA_DISABLED: 'true',
        ...options.env,
      },
    },
  );
  keep(run);
  return run;
}

function keep({ log, summary, outputs }: ActionRun): void {
  // How the runner is told what to mask is the one place where it has to be said.
  const printed = log.replace(/^::add-mask::.*$/gm, '');
  everything.push(printed, summary, JSON.stringify(outputs));
}

const outcome = ({ outputs }: ActionRun) => [outputs.outcome, outputs.cause ?? ''] as const;

test('an approved plan is applied exactly once: with its key, in its run, to the state that it was made for', async () => {
  const file = join(temp, 'infra.tfplan.enc');
  const planned = await terraform({ operation: 'plan', 'save-plan': file, 'plan-key': KEY, environment: 'prod' });
  expect([planned.code, planned.outputs.outcome]).toEqual([0, 'succeeded']);
  const digest = planned.outputs['plan-digest'] ?? '';
  expect(planned.summary).toContain(`SHA-256 \`${digest}\``);
  expect(planned.summary).toContain('password: (sensitive value)');
  expect(planned.summary).toContain('url: "db://app:(sensitive value)@db"');
  const sealed = readFileSync(file);
  for (const word of [SECRET, 'tfstate', 'small']) expect([word, sealed.includes(word)]).toEqual([word, false]);

  const approved = { operation: 'apply', plan: file, 'plan-digest': digest, 'plan-key': KEY, environment: 'prod' };
  const refused: [Record<string, string>, Given, RegExp][] = [
    [{ 'plan-key': randomBytes(32).toString('base64') }, {}, /saved with another key/],
    [{ 'plan-digest': 'f'.repeat(64) }, {}, /was approved/],
    [{ environment: 'dev' }, {}, /environment prod, and this is dev/],
    [{ vars: `password=${SECRET}\nsize=large` }, {}, /have come in since: variable size/],
    [{}, { run: '8' }, /run 7, and this is 8/],
    [{}, { sha: 'b'.repeat(40) }, /at commit aaaaaaaaaaaa/],
    [{ plan: join(temp, 'other.enc') }, {}, /no plan of this root was approved for prod/],
  ];
  const runs: ActionRun[] = [];
  for (const [over, options] of refused) runs.push(await terraform({ ...approved, ...over }, options));
  for (const [i, run] of runs.entries())
    expect([run.code, run.outputs.cause]).toEqual([1, expect.stringMatching(refused[i]?.[2] ?? /$/)]);
  expect(s3.objects('state').has(`${count}.tfstate`)).toBe(false);

  const applied = await terraform(approved);
  expect(outcome(applied)).toEqual(['succeeded', '']);
  expect(applied.outputs.outputs).toBe('{"size":"small"}');
  expect(applied.log).toContain(`::add-mask::${SECRET}`);

  const again = await terraform(approved);
  expect(outcome(again)).toEqual([
    'failed',
    expect.stringMatching(/stale: it was made for .* never written, and the state is now serial 1 of lineage/),
  ]);
}, 60_000);

test('with a key there has to be an approval', async () => {
  const run = await terraform({ operation: 'apply', 'plan-key': KEY });
  expect([run.code, run.outputs.cause]).toEqual([
    1,
    expect.stringMatching(/only a plan that was saved and approved is applied/),
  ]);
});

describe('the lock', () => {
  const KILLED = `resource "terraform_data" "killed" {
  depends_on = [terraform_data.host]
  provisioner "local-exec" {
    command = "kill -9 $PPID"
  }
}
`;
  const SLOW = `resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "touch started; while [ ! -e go-on ]; do sleep 0.05; done"
  }
}
`;

  test('held by another run is explained with who, what for and since when', async () => {
    write('slow.tf', SLOW);
    const holding = terraform({ operation: 'apply', component: '' });
    for (let tries = 0; !existsSync(join(workspace, 'infra/started')); tries++) {
      if (tries > 500) throw new Error((await holding).log);
      await sleep(20);
    }
    const second = await terraform({ operation: 'apply' });
    expect(outcome(second)).toEqual([
      'failed',
      expect.stringMatching(/^the state is locked by \S+@\S+ for apply since \d{4}-\d\d-\d\d/),
    ]);
    // A plan that nobody applies does not even notice.
    expect((await terraform({ operation: 'plan' })).code).toBe(0);
    const waiting = terraform({ operation: 'apply', 'lock-timeout': '30s' });
    writeFileSync(join(workspace, 'infra/go-on'), '');
    expect(outcome(await holding)).toEqual(['succeeded', '']);
    expect(outcome(await waiting)).toEqual(['unchanged', 'nothing had to change']);
  }, 60_000);

  test('of a run that was killed in the middle: the next run says so, unlocking is guarded, and the one after goes on', async () => {
    write('killed.tf', KILLED);
    const killed = await terraform({ operation: 'apply', environment: 'dev' });
    expect(outcome(killed)).toEqual(['failed', expect.stringMatching(/failed after 1 resource was changed/)]);
    expect(killed.summary).toMatch(/⚠️ begun, not finished \| `terraform_data.killed`/);
    expect(killed.summary).toMatch(/✅ done \| `terraform_data.host`/);
    expect(s3.objects('state').has(lockKey())).toBe(true);

    const next = await terraform({ operation: 'apply', environment: 'dev' });
    expect(outcome(next)).toEqual(['failed', expect.stringMatching(/^the state is locked by .* for apply since/)]);
    expect(next.log).toMatch(/its holder was killed/);
    const id = next.outputs['lock-id'] ?? '';
    expect(id).toMatch(/^[0-9a-f-]{36}$/);

    const unlock = (over: Record<string, string>) => terraform({ operation: 'unlock', environment: 'dev', ...over });
    const guarded = [
      await unlock({ 'lock-id': id }),
      await unlock({ 'lock-id': id, confirm: 'prod' }),
      await unlock({ confirm: 'dev' }),
      await unlock({ confirm: 'dev', 'lock-id': '0'.repeat(36) }),
    ];
    expect(guarded.map(({ code, outputs }) => [code, outputs.cause])).toEqual([
      [1, expect.stringMatching(/input 'confirm'/)],
      [1, expect.stringMatching(/input 'confirm' is "prod"/)],
      [1, expect.stringMatching(new RegExp(`with the id ${id}`))],
      [1, expect.stringMatching(new RegExp(`with the id ${id}`))],
    ]);
    expect(s3.objects('state').has(lockKey())).toBe(true);

    const unlocked = await unlock({ confirm: 'dev', 'lock-id': id });
    expect([unlocked.code, unlocked.outputs.outcome]).toEqual([0, 'succeeded']);
    expect(unlocked.log).toMatch(/was taken away by ada/);
    expect(outcome(await unlock({ confirm: 'dev', 'lock-id': id }))).toEqual(['unchanged', 'the state is not locked']);

    rmSync(join(workspace, 'infra/killed.tf'));
    expect(outcome(await terraform({ operation: 'apply', environment: 'dev' }))[0]).toBe('succeeded');
    expect(s3.objects('state').has(lockKey())).toBe(false);
  }, 60_000);
});

test('status and drift tell what is there, and destroy is held back by its guards', async () => {
  expect((await terraform({ operation: 'status' })).outputs.cause).toBe('nothing is deployed');
  write('more.tf', 'resource "terraform_data" "data" {\n  count = 3\n}\n');
  expect((await terraform({ operation: 'apply', environment: 'dev' })).code).toBe(0);
  const status = await terraform({ operation: 'status', environment: 'dev' });
  expect(status.outputs.cause).toBe('4 resources are deployed; no drift');
  expect(status.summary).toMatch(/\| State \| serial 1, lineage `/);

  // Somebody changes it by hand: the state says something else than the configuration.
  const byHand = await terraform({ operation: 'apply', vars: `password=${SECRET}\nsize=huge` });
  expect(byHand.code).toBe(0);
  const drift = await terraform({ operation: 'drift', environment: 'dev' });
  expect(outcome(drift)).toEqual(['failed', expect.stringMatching(/differs from the configuration: 1 to update/)]);
  expect((await terraform({ operation: 'status' })).outputs.cause).toMatch(/4 resources are deployed; .*differs/);

  const destroy = (over: Record<string, string>) => terraform({ operation: 'destroy', environment: 'dev', ...over });
  const held = [
    await destroy({ confirm: 'prod' }),
    await destroy({ confirm: 'dev', 'max-destroy': '3' }),
    await destroy({ confirm: 'dev', protected: 'terraform_data.data' }),
  ];
  expect(held.map(({ outputs }) => [outputs.outcome, outputs.cause])).toEqual([
    ['failed', expect.stringMatching(/input 'confirm' is "prod"/)],
    ['denied', expect.stringMatching(/destroy or replace 4 resources, and 'max-destroy' is 3/)],
    ['denied', expect.stringMatching(/destroy terraform_data.data\[0\].* which 'protected' keeps/)],
  ]);
  expect(held[1]?.summary).toMatch(/❗ destroy \| `terraform_data.data\[0\]`/);
  const gone = await destroy({ confirm: 'dev' });
  expect([gone.outputs.outcome, JSON.parse(gone.outputs.changes ?? '{}').destroy]).toEqual(['succeeded', 4]);
}, 60_000);

test('a run that may not write the state is denied, and says which right it lacks', async () => {
  const credentials = createCredentialStore({ account: '123456789012', now: Date.now });
  const reader = credentials.issue(
    { account: '123456789012', arn: 'arn:aws:sts::123456789012:assumed-role/plan/x', userId: 'AROA:x' },
    3600,
    ['s3:PutObject'],
  );
  const store = { ...credentials, find: (id: string) => credentials.find(id) };
  const limited = await createS3({ region: 'eu-central-1', buckets: ['state'], credentials: store });
  const { accessKeyId, secretAccessKey, sessionToken = '' } = reader.credentials;
  const env = {
    AWS_ENDPOINT_URL_S3: limited.url,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  };
  // The rights of the README: a plan reads, and needs no lock.
  expect((await terraform({ operation: 'plan' }, { env })).code).toBe(0);
  const run = await terraform({ operation: 'apply' }, { env });
  expect(outcome(run)[0]).toBe('denied');
  expect(run.log).toMatch(/is not authorized to perform: s3:PutObject/);
  await limited.close();
}, 60_000);

test('nothing that any of these runs has printed or left holds the secret', () => {
  expect(everything.length).toBeGreaterThan(60);
  expect(everything.filter((text) => text.includes(SECRET) || text.includes(KEY))).toEqual([]);
  const files = readdirSync(base, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const leaked = files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(SECRET));
  expect(leaked).toEqual([]);
});
