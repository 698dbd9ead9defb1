import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ROOT, TERRAFORM } from './folders.ts';
import { type Decision, evaluate, type IamRequest, type PolicyDocument } from './iam/evaluate.ts';
import { actionsOf, factsOf, knowsKey } from './iam/reference.ts';
import { type Identities, identitiesOf, type Role } from './iam/roles.ts';
import { voidGrants } from './iam/void.ts';
import { type StandIn, startProviders } from './provider/server.ts';
import { terraformIn, type WorkingCopy, workingCopy } from './terraform.ts';

// The policies as terraform makes them, asked as AWS would ask them. "wide" can do all that slipway can: every capability.
const ACCOUNT = '123456789012';
const REGION = 'eu-central-1';
const CAPABILITIES = [
  'ecs',
  'tasks',
  'create-service',
  'register',
  'retention',
  'codedeploy',
  'ssm',
  'ami',
  'build',
  'promote',
  'scan',
  'prune',
];

const main = (repository: string) => `
provider "aws" {
  region = "${REGION}"
}
module "bootstrap" {
  source     = "../bootstrap"
  project    = "sample"
  repository = ${repository}
  environments = {
    dev  = { regions = ["${REGION}"], capabilities = ${JSON.stringify(CAPABILITIES)}, parameters = ["/sample/dev/*"] }
    dev2 = { regions = ["${REGION}"], refs = ["refs/tags/v*"], zones = ["Z0123456789ABCDEFGHIJ"] }
    prod = { regions = ["${REGION}"] }
  }
}
`;
const ROOTS = {
  bootstrap: main('{ owner = "acme", name = "sample", owner_id = "1001", id = "2002" }'),
  nameless: main('{ owner = "acme", name = "sample" }'),
};

let providers: StandIn;
let copy: WorkingCopy;
let roles: Map<string, Role>;
let withoutIds: Map<string, Role>;
let example: Map<string, Role>;
let boundary: PolicyDocument | undefined;

async function applied(folder: string): Promise<Identities> {
  const terraform = terraformIn(join(copy.folder, folder), providers.env);
  for (const argv of [
    ['init', '-backend=false', '-input=false'],
    ['apply', '-auto-approve', '-input=false'],
  ]) {
    const { status, output } = await terraform(argv);
    if (status !== 0) throw new Error(`${folder}: ${output}`);
  }
  return identitiesOf((await terraform(['show', '-json'])).stdout);
}

beforeAll(async () => {
  providers = await startProviders();
  copy = workingCopy(TERRAFORM);
  for (const [name, text] of Object.entries(ROOTS)) {
    mkdirSync(join(copy.folder, `iam-${name}`));
    writeFileSync(join(copy.folder, `iam-${name}`, 'main.tf'), text);
  }
  const [bootstrap, nameless, service] = await Promise.all([
    applied('iam-bootstrap'),
    applied('iam-nameless'),
    applied('modules/ecs-service/examples/complete'),
  ]);
  roles = bootstrap.roles;
  boundary = bootstrap.policies.get(BOUNDARY);
  withoutIds = nameless.roles;
  example = service.roles;
}, 120_000);
afterAll(() => {
  providers?.stop();
  copy?.remove();
});

const role = (name: string): Role => {
  const found = roles.get(name);
  if (!found) throw new Error(`there is no role ${name}, only ${[...roles.keys()].join(', ')}`);
  return found;
};

/** Asks with what AWS fills in of the context: keys that the action does not know are not there. */
function ask(asking: Role, action: string, resource: string, context: IamRequest['context'] = {}): Decision {
  const filled = { 'aws:RequestedRegion': REGION, ...context };
  const known = Object.fromEntries(Object.entries(filled).filter(([key]) => knowsKey(action, key)));
  return evaluate(Object.values(asking.policies), { action, resource, context: known }, asking.boundary);
}

// --- Who may take which role --------------------------------------------------------------------------------------

interface Token {
  sub: string;
  workflow: string;
  aud?: string;
  ref?: string;
}
const OURS = 'slipway/slipway/.github/workflows';

function taken({ sub, workflow, aud = 'sts.amazonaws.com', ref = 'refs/heads/main' }: Token, all = roles): string[] {
  const issuer = 'token.actions.githubusercontent.com';
  const request: IamRequest = {
    action: 'sts:AssumeRoleWithWebIdentity',
    resource: '*',
    principal: { type: 'Federated', id: `arn:aws:iam::${ACCOUNT}:oidc-provider/${issuer}` },
    context: {
      [`${issuer}:sub`]: sub,
      [`${issuer}:job_workflow_ref`]: workflow,
      [`${issuer}:aud`]: aud,
      [`${issuer}:ref`]: ref,
    },
  };
  return [...all.values()]
    .filter(({ trust }) => evaluate([trust], request).allowed)
    .map(({ name }) => name)
    .sort();
}

const FORMS = ['repo:acme/sample', 'repo:acme@1001/sample@2002'];

describe.each(FORMS)('a token of %s', (repository) => {
  test.each<[string, string, string, string[]]>([
    ['deploys', 'environment:dev', 'app.yml', ['slipway-sample-dev']],
    ['deploys a bot', 'environment:dev', 'bot.yml', ['slipway-sample-dev']],
    ['builds an image of machines', 'environment:dev', 'ami.yml', ['slipway-sample-dev']],
    ['applies', 'environment:prod', 'infra.yml', ['slipway-sample-prod-apply']],
    ['plans on main', 'environment:prod', 'plan.yml', ['slipway-sample-prod-plan']],
    [
      'operates',
      'environment:prod',
      'operate.yml',
      ['slipway-sample-prod', 'slipway-sample-prod-apply', 'slipway-sample-prod-plan'],
    ],
    ['plans a pull request', 'pull_request', 'check.yml', ['slipway-sample-plan']],
    ['of an environment that is not here gets nothing', 'environment:staging', 'app.yml', []],
    ['of a branch gets nothing', 'ref:refs/heads/main', 'app.yml', []],
    ['of a tag gets nothing', 'ref:refs/tags/v1', 'infra.yml', []],
    ['of a pull request deploys nothing', 'pull_request', 'app.yml', []],
    ['of a pull request applies nothing', 'pull_request', 'infra.yml', []],
    ['of a pull request operates nothing', 'pull_request', 'operate.yml', []],
    ['of an environment may not pass as a pull request', 'environment:dev', 'check.yml', []],
    ['of an environment whose name begins with ours gets nothing', 'environment:dev-2', 'app.yml', []],
  ])('%s', (_, context, file, expected) => {
    for (const ref of ['refs/tags/v1', 'refs/tags/v1.4.2']) {
      expect(taken({ sub: `${repository}:${context}`, workflow: `${OURS}/${file}@${ref}` })).toEqual(expected);
    }
  });

  test.each([
    'acme/sample/.github/workflows/app.yml@refs/heads/main',
    'evil/slipway/.github/workflows/app.yml@refs/tags/v1',
    'slipway/slipway/.github/workflows/app.yml@refs/heads/main',
    'slipway/slipway/.github/workflows/app.yml@refs/heads/refs/tags/v1',
    'slipway/slipway/.github/workflows/app.yml@refs/tags/v2',
    'slipway/slipway/.github/workflows/app.yml@refs/tags/v10',
    'slipway/slipway/.github/workflows/app.yml@refs/pull/7/merge',
    'slipway/slipway/.github/workflows/release.yml@refs/tags/v1',
    'slipway/slipway/.github/workflows/app.yml.yml@refs/tags/v1',
  ])('gets nothing by way of %s', (workflow) => {
    expect(taken({ sub: `${repository}:environment:dev`, workflow })).toEqual([]);
  });

  // Whoever may push a branch can call Slipway's own workflow from it, and name an environment.
  test.each([
    'refs/pull/7/merge',
    'refs/heads/evil',
    'refs/heads/main-2',
    'refs/tags/main',
    'refs/heads/x/refs/heads/main',
  ])('of a run on %s takes no role of an environment', (ref) => {
    for (const file of ['app.yml', 'infra.yml', 'operate.yml', 'plan.yml']) {
      const workflow = `${OURS}/${file}@refs/tags/v1`;
      expect(taken({ sub: `${repository}:environment:dev`, workflow, ref })).toEqual([]);
    }
  });

  test('of a pull request, which runs on its own ref, plans', () => {
    const token = {
      sub: `${repository}:pull_request`,
      workflow: `${OURS}/check.yml@refs/tags/v1`,
      ref: 'refs/pull/7/merge',
    };
    expect(taken(token)).toEqual(['slipway-sample-plan']);
  });

  test('of a tag that an environment is deployed from takes its roles', () => {
    const token = { sub: `${repository}:environment:dev2`, workflow: `${OURS}/app.yml@refs/tags/v1` };
    expect(taken({ ...token, ref: 'refs/tags/v3.1.0' })).toEqual(['slipway-sample-dev2']);
    expect(taken(token)).toEqual([]);
  });

  test('for another audience gets nothing', () => {
    const token = {
      sub: `${repository}:environment:dev`,
      workflow: `${OURS}/app.yml@refs/tags/v1`,
      aud: 'https://github.com/acme',
    };
    expect(taken(token)).toEqual([]);
  });
});

describe('other repositories get nothing', () => {
  const OTHERS = [
    'repo:acme/other',
    'repo:evil/sample',
    'repo:acme/sample-2',
    'repo:acme/sample@2002',
    'repo:acme@1001/sample',
    'repo:acme@1001/sample@9999',
    'repo:acme@9999/sample@2002',
    'repo:evil@1001/sample@2002',
    'repo:ACME/SAMPLE',
    'repo:acme/evil:ref:refs/heads/repo:acme/sample',
  ];
  test.each(OTHERS)('%s', (repository) => {
    for (const [context, file] of [
      ['environment:dev', 'app.yml'],
      ['environment:dev', 'infra.yml'],
      ['pull_request', 'check.yml'],
    ]) {
      expect(taken({ sub: `${repository}:${context}`, workflow: `${OURS}/${file}@refs/tags/v1` })).toEqual([]);
    }
  });
});

describe('where the repository’s numbers are not given', () => {
  const workflow = `${OURS}/app.yml@refs/tags/v1`;
  const takenBy = (sub: string) => taken({ sub, workflow }, withoutIds);

  test('both forms are accepted', () => {
    expect(takenBy('repo:acme/sample:environment:dev')).toEqual(['slipway-sample-dev']);
    expect(takenBy('repo:acme@1/sample@2:environment:dev')).toEqual(['slipway-sample-dev']);
  });

  // Neither a repository's name nor a branch can hold a colon.
  test.each([
    'repo:acme@1/evil@2:environment:dev',
    'repo:evil@1/sample@2:environment:dev',
    'repo:acme@1/evil@2:ref:refs/heads/sample@3',
    'repo:acme@1/evil@2:ref:refs/heads/x/sample@3%3Aenvironment%3Adev',
    'repo:acme@1/sample@2:environment:x%3Aenvironment%3Adev',
    'repo:acme@1/evil@2:environment:y/sample@3%3Aenvironment%3Adev',
  ])('%s gets nothing', (sub) => {
    expect(takenBy(sub)).toEqual([]);
  });
});

test('nobody takes a role of the pipeline but by GitHub’s tokens, and the build machine’s only a machine', () => {
  const others = [
    { type: 'AWS', id: `arn:aws:iam::${ACCOUNT}:root` },
    { type: 'AWS', id: `arn:aws:iam::${ACCOUNT}:role/admin` },
    { type: 'Service', id: 'ec2.amazonaws.com' },
    { type: 'Service', id: 'ecs-tasks.amazonaws.com' },
    { type: 'Service', id: 'lambda.amazonaws.com' },
    { type: 'Federated', id: `arn:aws:iam::${ACCOUNT}:oidc-provider/evil.example` },
  ] as const;
  const ways = ['sts:AssumeRole', 'sts:AssumeRoleWithWebIdentity', 'sts:AssumeRoleWithSAML', 'sts:TagSession'];
  const open = [...roles.values()].flatMap(({ name, trust }) =>
    others.flatMap((principal) =>
      ways
        .filter((action) => evaluate([trust], { action, resource: '*', principal }).allowed)
        .map((action) => `${principal.id} ${action} ${name}`),
    ),
  );
  expect(open).toEqual(['ec2.amazonaws.com sts:AssumeRole sample-dev-ami-build']);
});

// --- What the pipeline's roles may do -----------------------------------------------------------------------------

test('no grant is void: every action exists, and knows the resources and keys that its statement names', () => {
  const complaints = [...roles.values(), ...example.values()].flatMap(({ name, policies }) =>
    Object.entries(policies).flatMap(([policy, document]) =>
      voidGrants(document).map((reason) => `${name}/${policy}: ${reason}`),
    ),
  );
  expect(complaints).toEqual([]);
});

test('every role keeps within IAM’s quotas', () => {
  const length = (document: PolicyDocument) => JSON.stringify(document).length;
  const sizes = [...roles.values(), ...example.values()].map(({ name, trust, policies }) => ({
    name,
    trust: length(trust),
    inline: Object.values(policies).reduce((sum, document) => sum + length(document), 0),
  }));
  // IAM and AWS STS quotas: characters without white space.
  expect(sizes.filter(({ trust, inline }) => trust > 2048 || inline > 10_240)).toEqual([]);
  if (boundary) expect(length(boundary)).toBeLessThanOrEqual(6144);
});

/** What stands for a placeholder of the reference's ARNs: things of dev. */
const NAMES: Readonly<Record<string, string>> = {
  Partition: 'aws',
  Region: REGION,
  Account: ACCOUNT,
  ApplicationName: 'sample-dev-web',
  CertificateId: 'c',
  ClusterName: 'sample-dev',
  ContainerInstanceId: 'c',
  DeploymentConfigurationName: 'CodeDeployDefault.ECSAllAtOnce',
  DeploymentGroupName: 'sample-dev-web',
  DocumentName: 'Slipway-Deploy-1',
  ImageId: 'ami-0123456789abcdef0',
  InstanceId: 'i-0123456789abcdef0',
  LogGroupName: '/ecs/sample-dev/web',
  LogStreamName: 'web/web/1',
  ParameterNameWithoutLeadingSlash: 'slipway/dev/hosts/docker-host',
  RepositoryName: 'sample-web',
  RoleNameWithPath: 'sample-dev-web-task',
  SecretId: 'sample-dev-web-AbCdEf',
  ServiceDeploymentId: 'd',
  SnapshotId: 'snap-0123456789abcdef0',
  ServiceName: 'web',
  ServiceRevisionId: 'r',
  TaskDefinitionFamilyName: 'sample-dev-web',
  TaskDefinitionRevisionNumber: '7',
  TaskId: 't',
};
const CONTEXT = {
  'ecs:cluster': `arn:aws:ecs:${REGION}:${ACCOUNT}:cluster/sample-dev`,
  'ssm:resourceTag/slipway:environment': 'dev',
  'iam:PassedToService': 'ecs-tasks.amazonaws.com',
  // What the template's tags say of images and their snapshots.
  'aws:ResourceTag/slipway': 'ami',
};
/** What the action asks for where the reference leaves open which of several resources it is. */
const ASKED: Readonly<Record<string, string[]>> = {
  'ecs:TagResource': [
    `arn:aws:ecs:${REGION}:${ACCOUNT}:service/sample-dev/web`,
    `arn:aws:ecs:${REGION}:${ACCOUNT}:task-definition/sample-dev-web:7`,
  ],
  'ec2:CreateTags': [
    `arn:aws:ec2:${REGION}::image/ami-0123456789abcdef0`,
    `arn:aws:ec2:${REGION}::snapshot/snap-0123456789abcdef0`,
  ],
  'ssm:SendCommand': [
    `arn:aws:ssm:${REGION}:${ACCOUNT}:document/Slipway-Deploy-1`,
    `arn:aws:ec2:${REGION}:${ACCOUNT}:instance/i-0123456789abcdef0`,
  ],
  'iam:PassRole': [
    `arn:aws:iam::${ACCOUNT}:role/sample-dev-web-task`,
    `arn:aws:iam::${ACCOUNT}:role/sample-dev-web-execution`,
  ],
  'logs:DescribeLogStreams': [`arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/slipway/deploy/dev/docker-host`],
  'ssm:AddTagsToResource': [`arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/slipway/dev/docker-host/web`],
  // The machine image's parameter, and the state of a host group.
  'ssm:GetParameter': [
    `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/slipway/dev/hosts/docker-host`,
    `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/sample/dev/bot/token`,
    `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/sample/ami`,
  ],
  'ssm:PutParameter': [
    `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/slipway/dev/hosts/docker-host`,
    `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/sample/ami`,
  ],
};

function resourcesOf(action: string): string[] {
  const asked = ASKED[action];
  if (asked) return asked;
  const { required } = factsOf(action);
  if (required.length === 0) return ['*'];
  return required.map((template) =>
    template.replace(/\$\{(\w+)\}/g, (_, name: string) => {
      const value = NAMES[name];
      if (value === undefined) throw new Error(`${action} needs a ${name}: put one into NAMES`);
      return value;
    }),
  );
}

/** What a README's policies name, in its examples. */
function callsOf(action: string): string[] {
  const readme = readFileSync(join(ROOT, 'actions', action, 'README.md'), 'utf8');
  const policies = [...readme.matchAll(/```json\n([\s\S]*?)```/g)]
    .map(([, text = '']) => text)
    .filter((text) => text.includes('"Effect"'));
  const names = policies.flatMap((text) => [...text.matchAll(/"([a-z0-9-]+:[A-Z]\w+)"/g)].map(([, name = '']) => name));
  return [...new Set(names)].sort();
}

describe('a deploying role may do what the README of an action says that it calls', () => {
  const cases = readdirSync(join(ROOT, 'actions'))
    .filter((action) => !['terraform', 'setup-aws'].includes(action))
    .flatMap((action) => callsOf(action).map((call): [string, string] => [action, call]))
    // Repositories are bootstrap's to create, with their settings; the pipeline's role may not.
    .filter(([, call]) => !['ecr:CreateRepository', 'ecr:GetLifecyclePolicy', 'ecr:PutLifecyclePolicy'].includes(call))
    // Output of commands in a bucket, which the hosts of docker-host may not write to: theirs goes to a log group.
    .filter(([, call]) => call !== 's3:GetObject');

  test('there are some', () => expect(cases.length).toBeGreaterThan(50));

  test.each(cases)('%s: %s', (_, call) => {
    for (const resource of resourcesOf(call)) {
      const decision = ask(role('slipway-sample-dev'), call, resource, CONTEXT);
      expect([call, resource, decision]).toEqual([call, resource, { allowed: true, because: expect.any(String) }]);
    }
  });
});

type Question = [action: string, resource: string, context?: IamRequest['context']];
const arn = (service: string, rest: string, region = REGION) => `arn:aws:${service}:${region}:${ACCOUNT}:${rest}`;
const iam = (rest: string) => `arn:aws:iam::${ACCOUNT}:${rest}`;
const PROD = { 'ecs:cluster': arn('ecs', 'cluster/sample-prod') };
const STATES = `arn:aws:s3:::sample-terraform-${ACCOUNT}-${REGION}`;
const BOUNDARY = iam('policy/slipway-sample-boundary');

/** @returns those that are not answered as expected, with the answer */
const answered = (name: string, questions: Question[], expected: boolean) =>
  questions
    .map(([action, resource, context]) => ({ action, resource, ...ask(role(name), action, resource, context) }))
    .filter(({ allowed }) => allowed !== expected);

test('a deploying role may do nothing else', () => {
  const questions: Question[] = [
    // another environment
    ['ecs:UpdateService', arn('ecs', 'service/sample-prod/web'), PROD],
    ['ecs:RunTask', arn('ecs', 'task-definition/sample-prod-web:1'), PROD],
    ['ecs:StopServiceDeployment', arn('ecs', 'service-deployment/sample-prod/web/d'), PROD],
    ['ecs:TagResource', arn('ecs', 'service/sample-prod/web')],
    ['ssm:SendCommand', arn('ec2', 'instance/i-1'), { 'ssm:resourceTag/slipway:environment': 'prod' }],
    ['ssm:SendCommand', arn('ec2', 'instance/i-1')],
    ['ssm:GetParameter', arn('ssm', 'parameter/slipway/prod/hosts/docker-host')],
    ['ssm:PutParameter', arn('ssm', 'parameter/slipway/prod/hosts/docker-host')],
    ['ssm:GetParameter', arn('ssm', 'parameter/sample/prod/bot/token')],
    ['iam:PassRole', iam('role/sample-prod-web-task'), { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' }],
    ['logs:GetLogEvents', arn('logs', 'log-group:/ecs/sample-prod/web:log-stream:web')],
    // one whose name begins with ours
    ['logs:GetLogEvents', arn('logs', 'log-group:/ecs/sample-dev2-web:log-stream:web')],
    ['logs:GetLogEvents', arn('logs', 'log-group:/slipway/deploy/dev2/docker-host:log-stream:x')],
    // other documents than its own, other services than those that tasks and builds need
    ['ssm:SendCommand', `arn:aws:ssm:${REGION}::document/AWS-RunShellScript`],
    ['ssm:CreateDocument', arn('ssm', 'document/Anything')],
    ['ssm:StartSession', arn('ec2', 'instance/i-1'), { 'ssm:resourceTag/slipway:environment': 'dev' }],
    ['iam:PassRole', iam('role/sample-dev-web-task'), { 'iam:PassedToService': 'lambda.amazonaws.com' }],
    ['iam:PassRole', iam('role/admin'), { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' }],
    ['iam:PassRole', iam('role/slipway-sample-dev-apply'), { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' }],
    ['ec2:TerminateInstances', arn('ec2', 'instance/i-1'), { 'aws:ResourceTag/slipway:environment': 'dev' }],
    ['ec2:TerminateInstances', arn('ec2', 'instance/i-1')],
    ['ec2:DeregisterImage', `arn:aws:ec2:${REGION}::image/ami-1`],
    // another region
    ['ecs:RegisterTaskDefinition', '*', { 'aws:RequestedRegion': 'us-east-1' }],
    ['ec2:RunInstances', arn('ec2', 'instance/*', 'us-east-1'), { 'aws:RequestedRegion': 'us-east-1' }],
    // images of others, and repositories themselves
    ['ecr:PutImage', arn('ecr', 'repository/other-web')],
    ['ecr:BatchDeleteImage', arn('ecr', 'repository/other-web')],
    ['ecr:DeleteRepository', arn('ecr', 'repository/sample-web')],
    ['ecr:SetRepositoryPolicy', arn('ecr', 'repository/sample-web')],
    ['ecr:PutImageTagMutability', arn('ecr', 'repository/sample-web')],
    ['ecr:PutLifecyclePolicy', arn('ecr', 'repository/sample-web')],
    // secrets, states, keys
    ['secretsmanager:GetSecretValue', arn('secretsmanager', 'secret:sample-dev-web-AbCdEf')],
    ['ssm:GetParameter', arn('ssm', 'parameter/slipway/dev/plan-key')],
    ['ssm:PutParameter', arn('ssm', 'parameter/slipway/dev/plan-key')],
    ['s3:GetObject', `${STATES}/dev/terraform.tfstate`],
    ['s3:PutObject', `${STATES}/dev/terraform.tfstate`],
    ['s3:ListBucket', STATES],
    ['kms:Decrypt', arn('kms', 'key/any')],
    // rights
    ['iam:CreateRole', iam('role/sample-dev-x')],
    ['iam:PutRolePolicy', iam('role/slipway-sample-dev')],
    ['iam:AttachRolePolicy', iam('role/sample-dev-web-task')],
    ['iam:UpdateAssumeRolePolicy', iam('role/slipway-sample-dev')],
    ['iam:CreateAccessKey', iam('user/admin')],
    ['sts:AssumeRole', iam('role/admin')],
    // the service itself
    ['ecs:DeleteService', arn('ecs', 'service/sample-dev/web'), CONTEXT],
    ['ecs:DeleteCluster', arn('ecs', 'cluster/sample-dev'), CONTEXT],
    ['ecs:ExecuteCommand', arn('ecs', 'task/sample-dev/t'), CONTEXT],
    ['elasticloadbalancing:ModifyListener', arn('elasticloadbalancing', 'listener/app/sample-dev/1/1')],
  ];
  expect(answered('slipway-sample-dev', questions, false)).toEqual([]);
});

test.each(['slipway-sample-plan', 'slipway-sample-dev-plan'])('%s only reads', (name) => {
  const granted = Object.values(role(name).policies).flatMap((document) =>
    [document.Statement]
      .flat()
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(({ Action = [] }) => [Action].flat()),
  );
  const writing = [...new Set(granted.flatMap(actionsOf))].filter(
    (action) => !['Read', 'List'].includes(factsOf(action).accessLevel),
  );
  // Decrypting what it may read, through S3.
  expect(writing).toEqual(['kms:Decrypt']);
});

describe('the role of pull requests', () => {
  const name = 'slipway-sample-plan';
  test('reads what a plan reads', () => {
    const questions: Question[] = [
      ['ec2:DescribeVpcs', '*'],
      ['ecs:DescribeServices', arn('ecs', 'service/sample-dev/web')],
      ['rds:DescribeDBInstances', arn('rds', 'db:sample-dev')],
      ['iam:GetRole', iam('role/sample-dev-web-task')],
      ['s3:GetObject', `${STATES}/dev/terraform.tfstate`],
      ['s3:ListBucket', STATES],
      // How the provider reads a bucket's tags since 6.23, without falling back.
      ['s3:ListTagsForResource', `arn:aws:s3:::sample-dev-alb-logs-${ACCOUNT}-${REGION}`],
    ];
    expect(answered(name, questions, true)).toEqual([]);
  });

  test('reads no secret, writes no state, takes no lock and no other role', () => {
    const questions: Question[] = [
      ['secretsmanager:GetSecretValue', arn('secretsmanager', 'secret:sample-dev-web-AbCdEf')],
      ['ssm:GetParameter', arn('ssm', 'parameter/sample/dev/bot/token')],
      ['ssm:GetParameter', arn('ssm', 'parameter/slipway/dev/plan-key')],
      ['ssm:GetParametersByPath', arn('ssm', 'parameter/sample')],
      ['s3:PutObject', `${STATES}/dev/terraform.tfstate`],
      ['s3:PutObject', `${STATES}/dev/terraform.tfstate.tflock`],
      ['s3:DeleteObject', `${STATES}/dev/terraform.tfstate.tflock`],
      ['s3:GetObject', 'arn:aws:s3:::sample-dev-uploads/private'],
      ['s3:GetObject', 'arn:aws:s3:::other/private'],
      ['kms:Decrypt', arn('kms', 'key/any')],
      ['ecr:GetAuthorizationToken', '*'],
      ['ecr:BatchGetImage', arn('ecr', 'repository/sample-web')],
      ['sts:AssumeRole', iam('role/sample-dev-web-task')],
      ['lambda:InvokeFunction', arn('lambda', 'function:sample-dev-alarms')],
      ['logs:GetLogEvents', arn('logs', 'log-group:/ecs/sample-dev/web:log-stream:web')],
      ['rds:DownloadDBLogFilePortion', arn('rds', 'db:sample-dev')],
      ['dynamodb:GetItem', arn('dynamodb', 'table/sample')],
    ];
    expect(answered(name, questions, false)).toEqual([]);
  });
});

describe('an applying role', () => {
  const name = 'slipway-sample-dev-apply';
  const withBoundary = { 'iam:PermissionsBoundary': BOUNDARY };

  test('manages what the modules consist of', () => {
    const questions: Question[] = [
      ['ec2:CreateVpc', arn('ec2', 'vpc/*')],
      [
        'ec2:AuthorizeSecurityGroupIngress',
        arn('ec2', 'security-group/sg-1'),
        { 'aws:ResourceTag/slipway:environment': 'dev' },
      ],
      ['ecs:CreateService', arn('ecs', 'service/sample-dev/web'), { 'ecs:cluster': arn('ecs', 'cluster/sample-dev') }],
      ['rds:CreateDBInstance', arn('rds', 'db:sample-dev')],
      ['elasticache:CreateReplicationGroup', arn('elasticache', 'replicationgroup:sample-dev')],
      ['elasticloadbalancing:CreateLoadBalancer', arn('elasticloadbalancing', 'loadbalancer/app/sample-dev/1')],
      ['iam:CreateRole', iam('role/sample-dev-web-task'), withBoundary],
      ['iam:PutRolePolicy', iam('role/sample-dev-web-task'), withBoundary],
      ['iam:AttachRolePolicy', iam('role/sample-dev-web-task'), withBoundary],
      ['iam:DeleteRole', iam('role/sample-dev-web-task')],
      ['iam:PassRole', iam('role/sample-dev-web-task'), { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' }],
      [
        'iam:CreateServiceLinkedRole',
        iam('role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS'),
        { 'iam:AWSServiceName': 'ecs.amazonaws.com' },
      ],
      ['s3:CreateBucket', 'arn:aws:s3:::sample-dev-alb-logs'],
      ['s3:GetObject', `${STATES}/dev/terraform.tfstate`],
      ['s3:PutObject', `${STATES}/dev/terraform.tfstate`],
      ['s3:PutObject', `${STATES}/dev/terraform.tfstate.tflock`],
      ['s3:DeleteObject', `${STATES}/dev/terraform.tfstate.tflock`],
      ['budgets:ModifyBudget', `arn:aws:budgets::${ACCOUNT}:budget/sample-dev-monthly`],
      ['budgets:ModifyBudget', `arn:aws:budgets::${ACCOUNT}:budget/sample-dev`],
      ['route53:ChangeResourceRecordSets', 'arn:aws:route53:::hostedzone/Z9'],
      // What a destroy calls for a database's secret.
      ['secretsmanager:RotateSecret', arn('secretsmanager', 'secret:rds!db-1-AbCdEf')],
      ['secretsmanager:CancelRotateSecret', arn('secretsmanager', 'secret:rds!db-1-AbCdEf')],
      // What services do with a key in this role's name, when they make something.
      ['kms:GenerateDataKey', arn('kms', 'key/dev'), { 'kms:ViaService': `rds.${REGION}.amazonaws.com` }],
      ['kms:CreateGrant', arn('kms', 'key/dev'), { 'kms:GrantIsForAWSResource': 'true' }],
      ['wafv2:CreateWebACL', arn('wafv2', 'regional/webacl/sample-dev/1')],
      ['ssm:GetParameter', arn('ssm', 'parameter/slipway/dev/plan-key')],
    ];
    expect(answered(name, questions, true)).toEqual([]);
  });

  test('cannot make itself or anybody an administrator', () => {
    const questions: Question[] = [
      ['iam:CreateRole', iam('role/sample-dev-x')],
      [
        'iam:CreateRole',
        iam('role/sample-dev-x'),
        { 'iam:PermissionsBoundary': 'arn:aws:iam::aws:policy/AdministratorAccess' },
      ],
      ['iam:CreateRole', iam('role/sample-prod-x'), withBoundary],
      ['iam:CreateRole', iam('role/slipway-sample-x'), withBoundary],
      ['iam:PutRolePolicy', iam('role/sample-dev-web-task')],
      ['iam:AttachRolePolicy', iam('role/slipway-sample-dev-apply'), withBoundary],
      ['iam:PutRolePolicy', iam('role/slipway-sample-dev-apply'), withBoundary],
      [
        'iam:PutRolePermissionsBoundary',
        iam('role/sample-dev-x'),
        { 'iam:PermissionsBoundary': 'arn:aws:iam::aws:policy/AdministratorAccess' },
      ],
      ['iam:DeleteRolePermissionsBoundary', iam('role/sample-dev-web-task'), withBoundary],
      ['iam:UpdateAssumeRolePolicy', iam('role/slipway-sample-prod-apply')],
      ['iam:UpdateAssumeRolePolicy', iam('role/admin')],
      ['iam:CreatePolicyVersion', BOUNDARY],
      ['iam:SetDefaultPolicyVersion', BOUNDARY],
      ['iam:DeletePolicy', BOUNDARY],
      ['iam:UpdateOpenIDConnectProviderThumbprint', iam('oidc-provider/token.actions.githubusercontent.com')],
      ['iam:AddClientIDToOpenIDConnectProvider', iam('oidc-provider/token.actions.githubusercontent.com')],
      ['iam:CreateOpenIDConnectProvider', iam('oidc-provider/evil.example')],
      ['iam:CreateUser', iam('user/x')],
      ['iam:CreateAccessKey', iam('user/admin')],
      ['iam:PassRole', iam('role/slipway-sample-prod'), { 'iam:PassedToService': 'ec2.amazonaws.com' }],
      ['iam:PassRole', iam('role/admin'), { 'iam:PassedToService': 'lambda.amazonaws.com' }],
      ['sts:AssumeRole', iam('role/admin')],
      ['organizations:LeaveOrganization', '*'],
    ];
    expect(answered(name, questions, false)).toEqual([]);
  });

  test('reads nothing of what is in what it sets up, runs, shares and buys nothing', () => {
    const questions: Question[] = [
      ['logs:GetLogEvents', arn('logs', 'log-group:/ecs/sample-dev-web:log-stream:web')],
      ['logs:FilterLogEvents', arn('logs', 'log-group:/ecs/sample-dev-web')],
      ['logs:StartQuery', arn('logs', 'log-group:/ecs/sample-dev-web')],
      ['kms:Decrypt', arn('kms', 'key/dev')],
      ['kms:CreateGrant', arn('kms', 'key/dev')],
      ['kms:CreateGrant', arn('kms', 'key/dev'), { 'kms:GrantIsForAWSResource': 'false' }],
      ['sqs:ReceiveMessage', arn('sqs', 'sample-dev-discord-untold')],
      ['rds:DownloadDBLogFilePortion', arn('rds', 'db:sample-dev')],
      ['rds:ModifyDBSnapshotAttribute', arn('rds', 'snapshot:sample-dev-final')],
      ['ec2:ModifySnapshotAttribute', `arn:aws:ec2:${REGION}::snapshot/snap-1`],
      ['ec2:CreateVpcPeeringConnection', arn('ec2', 'vpc/vpc-1')],
      ['ec2:CreateKeyPair', arn('ec2', 'key-pair/x')],
      ['ec2:PurchaseReservedInstancesOffering', '*'],
      ['rds:PurchaseReservedDBInstancesOffering', arn('rds', 'ri:x')],
      ['ecs:ExecuteCommand', arn('ecs', 'task/sample-dev/t')],
      ['ecs:RunTask', arn('ecs', 'task-definition/sample-dev-web:1')],
      ['lambda:InvokeFunction', arn('lambda', 'function:sample-dev-discord')],
      ['elasticache:Connect', arn('elasticache', 'replicationgroup:sample-dev')],
      ['acm:ExportCertificate', arn('acm', 'certificate/c')],
    ];
    expect(answered(name, questions, false)).toEqual([]);
  });

  test('writes to the zones that it is given, where it is given some', () => {
    const write = (zone: string): Question => [
      'route53:ChangeResourceRecordSets',
      `arn:aws:route53:::hostedzone/${zone}`,
    ];
    expect(answered('slipway-sample-dev2-apply', [write('Z0123456789ABCDEFGHIJ')], true)).toEqual([]);
    expect(answered('slipway-sample-dev2-apply', [write('Z9')], false)).toEqual([]);
  });

  test('touches no other environment, region or state', () => {
    const prod = { 'aws:ResourceTag/slipway:environment': 'prod' };
    const questions: Question[] = [
      ['ec2:TerminateInstances', arn('ec2', 'instance/i-1'), prod],
      // By name, also where nothing is tagged.
      ['ecs:UpdateService', arn('ecs', 'service/sample-prod/web'), PROD],
      ['ecs:DeleteCluster', arn('ecs', 'cluster/sample-dev2')],
      ['lambda:UpdateFunctionCode', arn('lambda', 'function:somebody-elses')],
      ['sns:DeleteTopic', arn('sns', 'sample-prod-alarms')],
      ['sqs:DeleteQueue', arn('sqs', 'somebody-elses')],
      ['cloudwatch:DeleteAlarms', arn('cloudwatch', 'alarm:sample-prod-errors')],
      ['rds:DeleteDBInstance', arn('rds', 'db:sample-prod'), prod],
      ['ecs:UpdateService', arn('ecs', 'service/sample-prod/web'), { ...PROD, ...prod }],
      ['kms:ScheduleKeyDeletion', arn('kms', 'key/prod'), prod],
      ['ec2:CreateVpc', arn('ec2', 'vpc/*', 'us-east-1'), { 'aws:RequestedRegion': 'us-east-1' }],
      ['s3:GetObject', `${STATES}/prod/terraform.tfstate`],
      ['s3:PutObject', `${STATES}/prod/terraform.tfstate`],
      ['s3:DeleteObject', `${STATES}/dev/terraform.tfstate`],
      ['s3:DeleteObjectVersion', `${STATES}/dev/terraform.tfstate`],
      ['s3:PutBucketPolicy', STATES],
      ['s3:PutBucketVersioning', STATES],
      ['s3:DeleteBucket', STATES],
      ['s3:DeleteBucket', 'arn:aws:s3:::sample-prod-alb-logs'],
      ['ssm:GetParameter', arn('ssm', 'parameter/slipway/prod/plan-key')],
      ['ssm:PutParameter', arn('ssm', 'parameter/slipway/dev/plan-key')],
      ['secretsmanager:GetSecretValue', arn('secretsmanager', 'secret:sample-dev-web-AbCdEf')],
      ['secretsmanager:DeleteSecret', arn('secretsmanager', 'secret:sample-prod-web-AbCdEf')],
      ['budgets:ModifyBudget', `arn:aws:budgets::${ACCOUNT}:budget/sample-prod-monthly`],
      ['budgets:ModifyBudget', `arn:aws:budgets::${ACCOUNT}:budget/sample-dev2`],
    ];
    expect(answered(name, questions, false)).toEqual([]);
  });
});

test('the build machine’s role is the SSM agent’s, within the boundary, and no more', () => {
  const machine = role('sample-dev-ami-build');
  const calls = Object.values(machine.policies).flatMap(({ Statement }) =>
    [Statement].flat().flatMap(({ Action = [] }) => Action),
  );
  expect(calls.filter((call) => !/^(ec2messages|ssmmessages):|^ssm:UpdateInstanceInformation$/.test(call))).toEqual([]);
  expect([machine.managed, machine.boundaryArn]).toEqual([[], BOUNDARY]);
  expect(ask(machine, 'ssm:UpdateInstanceInformation', arn('ec2', 'instance/i-1')).allowed).toBe(true);
});

test('the boundary keeps a role that is given everything from rights, other accounts and states', () => {
  const everything: PolicyDocument = {
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Action: '*', Resource: '*' },
  };
  if (!boundary) throw new Error(`there is no policy ${BOUNDARY}`);
  const within = boundary;
  const bounded = (action: string, resource: string) => evaluate([everything], { action, resource }, within).allowed;
  expect(bounded('s3:GetObject', 'arn:aws:s3:::sample-dev-uploads/x')).toBe(true);
  expect(bounded('ssm:UpdateInstanceInformation', arn('ec2', 'instance/i-1'))).toBe(true);
  for (const [action, resource] of [
    ['iam:CreateRole', iam('role/x')],
    ['iam:PassRole', iam('role/admin')],
    ['sts:AssumeRole', iam('role/admin')],
    ['organizations:LeaveOrganization', '*'],
    ['s3:GetObject', `${STATES}/dev/terraform.tfstate`],
    ['s3:PutBucketPolicy', STATES],
    ['ssm:GetParameter', arn('ssm', 'parameter/slipway/prod/plan-key')],
  ] as const) {
    expect([action, bounded(action, resource)]).toEqual([action, false]);
  }
});
