import type { Surroundings } from './surroundings.ts';

/** A step with one thing wrong, and what its one error has to say: the input or resource, the value, the cause, the fix. */
export interface Case {
  fault: string;
  action: string;
  /** Beside the action's good ones. */
  inputs?: Record<string, string>;
  /** Beside the good environment; undefined takes a variable away. */
  env?: (s: Surroundings) => Record<string, string | undefined>;
  says: readonly (string | RegExp)[];
  /** In a folder that is no git checkout. */
  bare?: true;
}

type Fault = Omit<Case, 'action'>;
/** A fault for several actions; for some with more inputs or other words. */
const of = (fault: Fault, actions: Readonly<Record<string, Partial<Fault>>>): Case[] =>
  Object.entries(actions).map(([action, over]) => ({
    ...fault,
    ...over,
    action,
    inputs: { ...fault.inputs, ...over.inputs },
  }));

const IMAGE = `127.0.0.1:5000/web@sha256:${'0'.repeat(64)}`;

/** Inputs that are right: every case spoils one thing of these. */
export const GOOD: Readonly<Record<string, Record<string, string>>> = {
  changes: { environment: 'dev', base: 'event', 'on-unknown': 'error' },
  'ecr-build-push': { component: 'web', environment: 'dev', 'force-build': 'true' },
  'ecs-deploy': { component: 'web', environment: 'dev', image: IMAGE },
  'ssm-deploy': { component: 'bot', environment: 'dev', image: IMAGE },
  'verify-health': { component: 'web', environment: 'dev', timeout: '1s', interval: '200ms' },
  'discord-notify': { 'fail-on-error': 'true', 'time-limit': '2s' },
  'setup-aws': { environment: 'dev' },
  terraform: { component: 'infra', environment: 'dev', ledger: 'none' },
  packer: { component: 'ami', environment: 'dev', ledger: 'none' },
  ship: { component: 'bot', environment: 'dev', ledger: 'none' },
};

/** The actions that read the config file, each with nothing to add. */
const CONFIGURED = {
  changes: {},
  'ecr-build-push': {},
  'ecs-deploy': {},
  'ssm-deploy': {},
  'verify-health': {},
  'setup-aws': {},
  terraform: {},
  packer: {},
  ship: {},
};
const { changes: _changes, 'setup-aws': _setup, ...ONE_COMPONENT } = CONFIGURED;
const EVERY = { ...CONFIGURED, 'discord-notify': {} };

/** The first call of each action that talks to AWS. */
const CALLS = {
  'ecr-build-push': { says: ['ecr:DescribeRepositories on repository web'] },
  'ecs-deploy': { says: ['ecs:DescribeServices on service sample/web'] },
  'ssm-deploy': { says: ['ssm:DescribeInstanceInformation on tag:Role=docker-host'] },
  'setup-aws': { says: ['sts:GetCallerIdentity'] },
  // Deploys what is built already; the build's own calls are those of ecr-build-push.
  ship: { says: ['ecr:DescribeRepositories on repository bot'] },
  terraform: { inputs: { component: 'addressed' }, says: ['ssm:GetParameter on parameter /sample/size'] },
  packer: {
    inputs: { operation: 'build', parameter: '/sample/ami' },
    says: ['ssm:GetParameter on parameter /sample/ami'],
  },
} satisfies Record<string, Partial<Fault>>;

/** A fault of every action that talks to AWS: the call it was in, and what was wrong with it. */
const inEveryCall = (fault: Fault): Case[] => of(fault, CALLS).map((c) => ({ ...c, says: [...c.says, ...fault.says] }));

const NOTHING = { component: '', environment: '' };

const missing: Case[] = [
  ...of(
    { fault: 'a missing required input', inputs: NOTHING, says: [] },
    {
      'ecr-build-push': { says: ["input 'repository'", 'is empty', 'repository'] },
      'ecs-deploy': { says: ["inputs 'cluster' and 'service'", 'config file'] },
      'ssm-deploy': { says: ["input 'targets'", 'it is empty', 'tag:Role=docker-host'] },
      'verify-health': { says: ["input 'url'", 'it is empty', 'Set `url`'] },
      'setup-aws': { env: withoutRegion, says: ["input 'region'", 'no AWS region is known', 'Set `region`'] },
      terraform: { says: ["input 'root'", 'not known which Terraform root', "Set 'root'"] },
      packer: { says: ["input 'template'", 'not known what to build', "Set 'template'"] },
      ship: { says: ["input 'component'", "input 'environment'", 'required and was not given', 'Set it'] },
    },
  ),
];

function withoutRegion() {
  return { AWS_REGION: undefined, AWS_DEFAULT_REGION: undefined };
}

const malformed: Case[] = [
  ...of(
    {
      fault: 'a malformed event file (JSON)',
      env: (s) => ({ GITHUB_EVENT_PATH: `${s.checkout}/event-malformed.json` }),
      says: ['GITHUB_EVENT_PATH', 'event-malformed.json', 'not readable as JSON', 'or unset it'],
    },
    EVERY,
  ),
  ...of(
    {
      fault: 'a malformed task definition (JSON)',
      says: ['file=definitions/malformed.json,line=1', 'line 1, column', 'Correct the syntax'],
    },
    { 'ecs-deploy': { inputs: { 'task-definition': 'definitions/malformed.json' } } },
  ),
  ...of(
    {
      fault: 'a malformed task definition (YAML)',
      says: ['file=definitions/malformed.yml,line=3', 'line 3, column', 'Correct the syntax'],
    },
    { 'ecs-deploy': { inputs: { 'task-definition': 'definitions/malformed.yml' } } },
  ),
  ...of(
    { fault: 'a malformed result file (JSON)', says: ['result file', 'result-infra.json', 'cannot be used', 'Re-run'] },
    {
      'discord-notify': { inputs: { results: 'results/discord-notify' } },
      ship: { inputs: { 'result-directory': 'results/ship' } },
      terraform: { inputs: { 'result-directory': 'results/terraform', operation: 'apply' } },
    },
  ),
  ...of(
    { fault: 'a malformed input (JSON or YAML)', says: [] },
    {
      'discord-notify': { inputs: { needs: '{"web": {' }, says: ["input 'needs'", 'web', 'not JSON', 'syntax'] },
      'verify-health': { inputs: { expect: 'json: [' }, says: ["input 'expect'", 'json: [', 'not YAML', 'syntax'] },
      changes: { inputs: { filters: 'web: [' }, says: ["input 'filters'", /YAML|cannot be read/, 'syntax'] },
    },
  ),
  ...of(
    {
      fault: 'a malformed config file (YAML)',
      inputs: { config: '.github/malformed.yml' },
      says: [
        'file=.github/malformed.yml,line=4',
        '.github/malformed.yml:4:1',
        'YAML cannot be read',
        'Correct the syntax',
      ],
    },
    CONFIGURED,
  ),
  ...of(
    {
      fault: 'a config file that is not there',
      inputs: { config: 'nowhere.yml' },
      says: ['config file is "nowhere.yml"', 'there is no such file', "correct the input 'config'"],
    },
    CONFIGURED,
  ),
];

const unknown: Case[] = [
  ...of(
    {
      fault: 'an unknown component',
      inputs: { component: 'wob' },
      says: ['input \'component\' is "wob"', 'describes no component of this name', "Did you mean 'web'?", 'infra'],
    },
    ONE_COMPONENT,
  ),
  ...of(
    {
      fault: 'an unknown environment',
      inputs: { environment: 'dve' },
      says: ['input \'environment\' is "dve"', 'describes no environment of this name', "Did you mean 'dev'?"],
    },
    CONFIGURED,
  ),
  ...of(
    {
      fault: 'a cycle in depends-on',
      inputs: { config: '.github/cycle.yml' },
      says: ['file=.github/cycle.yml,line=4', 'ami → infra → ami', 'form a cycle', 'Remove one of the arrows'],
    },
    CONFIGURED,
  ),
];

const surroundings: Case[] = [
  ...of(
    {
      fault: 'a region that is none',
      inputs: { environment: 'misplaced' },
      says: ['AWS region is "eu-centrl-1"', 'no AWS region is named like this', 'region code such as'],
    },
    {
      'ecr-build-push': { inputs: { region: 'eu-centrl-1' } },
      'ecs-deploy': {},
      'ssm-deploy': {},
      'setup-aws': {},
      packer: { inputs: { ...CALLS.packer.inputs, region: 'eu-centrl-1' } },
      terraform: { inputs: CALLS.terraform.inputs, env: () => ({ AWS_REGION: 'eu-centrl-1' }) },
      ship: { inputs: { operation: 'rollback' } },
    },
  ),
  ...of(
    {
      fault: 'another region than the endpoint’s',
      inputs: { region: 'us-east-1' },
      says: ['the region is not that of the endpoint', 'us-east-1', 'Correct the region'],
    },
    {
      'ecr-build-push': {},
      'ecs-deploy': {},
      'ssm-deploy': {},
      // STS answers for us-east-1 everywhere, and the registry may be in another region than the rest.
      'setup-aws': {
        inputs: { region: 'eu-west-1' },
        says: ['the region is not that of the endpoint', 'eu-west-1', 'Correct the region'],
      },
    },
  ),
  ...inEveryCall({
    fault: 'no credentials, with a metadata service that never answers',
    env: (s) => ({
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: s.silent,
    }),
    says: ['the AWS credentials cannot be used', 'Run setup-aws before this step', 'AWS_ACCESS_KEY_ID'],
  }),
  ...inEveryCall({
    fault: 'expired credentials',
    env: (s) => ({ AWS_ENDPOINT_URL: s.expired.endpoints.aws }),
    says: ['the AWS credentials cannot be used', 'expired', 'run setup-aws again'],
  }),
  ...inEveryCall({
    fault: 'no network to AWS',
    env: (s) => ({ AWS_ENDPOINT_URL: s.closed }),
    says: ['AWS could not be reached', /ECONNREFUSED 127\.0\.0\.1:\d+/, 'AWS_ENDPOINT_URL'],
  }),
  ...of(
    {
      fault: 'no network to GitHub',
      inputs: { ledger: 'github', token: 'of-a-test' },
      env: (s) => ({ GITHUB_API_URL: s.closed, GITHUB_GRAPHQL_URL: `${s.closed}/graphql` }),
      says: ['GitHub', 'could not be reached', /ECONNREFUSED 127\.0\.0\.1:\d+/, 'GITHUB_API_URL'],
    },
    {
      changes: { inputs: { base: 'ledger' } },
      terraform: { inputs: { operation: 'apply' } },
      packer: { inputs: { operation: 'build' } },
      ship: {},
    },
  ),
  ...of(
    { fault: 'no network to anything else', says: [] },
    {
      'setup-aws': {
        inputs: { role: 'arn:aws:iam::123456789012:role/slipway-dev' },
        env: (s) => ({ ACTIONS_ID_TOKEN_REQUEST_URL: `${s.closed}/request?a=b` }),
        says: ['OIDC token', /ECONNREFUSED|could not be reached/, /again|network/],
      },
      'discord-notify': {
        // The address is a secret, so it is not the value that the error shows.
        env: (s) => ({ INPUT_WEBHOOK: `${s.closed}/api/webhooks/1/token-of-a-test` }),
        says: ['Discord webhook', 'could not be reached', 'network'],
      },
      'verify-health': { says: ['http://127.0.0.1:9/health', 'connection refused', 'Check the port in `url`'] },
    },
  ),
  ...of(
    {
      fault: 'no container engine',
      env: () => ({ DOCKER_HOST: 'unix:///nonexistent.sock' }),
      says: [/docker|container engine/i, 'unix:///nonexistent.sock', /engine runs|DOCKER_HOST|Start/],
    },
    { 'ecr-build-push': {}, ship: {} },
  ),
  ...of(
    {
      fault: 'no docker on PATH',
      env: (s) => ({ PATH: s.withoutDocker }),
      says: ["program 'docker'", /not found on PATH|Unable to locate/, /Install docker/],
    },
    // The login is a file, for which setup-aws needs no docker.
    { 'ecr-build-push': {}, ship: {} },
  ),
  ...of(
    { fault: 'no git checkout', bare: true, says: [/checkout|repository/i, /actions\/checkout|Check out/] },
    {
      changes: { inputs: { base: '1'.repeat(40) }, says: ['not known for', 'could not be fetched', 'Give a commit'] },
      'ecr-build-push': {},
      ship: {},
    },
  ),
];

/** What holds an infrastructure back has to say what to type. */
const guards: Case[] = [
  ...of(
    { fault: 'destroying without the typed name', inputs: { operation: 'destroy', confirm: 'prod' }, says: [] },
    {
      terraform: {
        says: ["input 'confirm'", '"prod"', "it is not the environment's name, 'dev'", 'Type dev to destroy it'],
      },
    },
  ),
  ...of(
    { fault: 'taking a lock away without the typed name', inputs: { operation: 'unlock', 'lock-id': 'x' }, says: [] },
    { terraform: { says: ["input 'confirm'", "'dev'", 'Type dev to take its lock away'] } },
  ),
  ...of(
    { fault: 'a plan to save without a key', inputs: { operation: 'plan', 'save-plan': 'x.enc' }, says: [] },
    { terraform: { says: ["input 'plan-key'", 'there is no key', 'openssl rand -base64 32'] } },
  ),
  ...of(
    {
      fault: 'a key that could be guessed',
      inputs: { operation: 'plan', 'save-plan': 'x', 'plan-key': 'secret1' },
      says: [],
    },
    { terraform: { says: ["input 'plan-key'", 'it has 7 characters', 'can be guessed'] } },
  ),
  ...of(
    { fault: 'a folder of policies that is not there', inputs: { operation: 'plan', policy: 'rules' }, says: [] },
    { terraform: { says: ["input 'policy'", '"rules"', 'there is no such file', 'relative to the root'] } },
  ),
  ...of(
    { fault: 'a limit that is no number', inputs: { operation: 'destroy', 'max-destroy': 'many' }, says: [] },
    {
      terraform: { says: ["input 'max-destroy'", '"many"', 'it is not a whole number from 0', 'Write a whole number'] },
    },
  ),
];

export const CASES: readonly Case[] = [...missing, ...malformed, ...unknown, ...surroundings, ...guards];
