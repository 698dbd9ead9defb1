import * as v from 'valibot';
import { STATUS_WORDS } from '../git/plumbing.ts';
import {
  account,
  age,
  componentName,
  containerName,
  count,
  described,
  duration,
  environmentName,
  flag,
  option,
  region,
  repositoryName,
  repositoryPath,
  role,
  say,
  secretReference,
  secrets,
  text,
  words,
} from './fields.ts';
import { ssmEntries } from './hosts.ts';
import { strategyEntries } from './strategy.ts';
import {
  baseline,
  endpoint,
  expectation,
  instances,
  loadBalancer,
  operators,
  soak,
  timeouts,
  verifyEntries,
} from './verify.ts';

// The single source of truth: the types below, the checks at run time and schema/slipway.schema.json come from here.

const pattern = v.pipe(
  v.string(),
  v.regex(
    /^!?(?![/!])(?!(?:.*\/)?\.\.(?:\/|$))(?!.*\/\.?\/)(?!.*\/\.$)(?:[^\\]|\\[*?[\]{}()!+@|\\])+(?<![/!])$/,
    say(
      'it is not a pattern of file names',
      "Write it relative to the repository's root with forward slashes, such as web/** or !web/**/*.md; a folder is folder/**, and \\ stands before a sign that is meant as it is",
    ),
  ),
);

const kinds = Object.keys(STATUS_WORDS).join('|');
const kindsOfChange = v.pipe(
  v.string(),
  v.regex(
    new RegExp(`^(?:${kinds})(?:\\|(?:${kinds}))*$`),
    say('it is no kind of change', `Use ${kinds.replaceAll('|', ', ')}, joined by |`),
  ),
);
const patterns = v.pipe(v.array(pattern), v.minLength(1, say('the list is empty', 'List at least one pattern')));

const paths = v.pipe(
  v.array(v.union([pattern, v.record(kindsOfChange, v.union([pattern, patterns]))])),
  v.minLength(1, say('the list is empty, so nothing could ever change it', 'List at least one pattern')),
);

const commonEntries = {
  paths: option(
    paths,
    'Files that belong to this component: an ordered list in which the last match wins and ! excludes. added|modified: pattern counts some kinds of change only. Default: the folders that it is built from.',
  ),
  'depends-on': option(
    v.array(componentName),
    'Components whose change is a change of this one too, however deep. They also come first.',
  ),
  after: option(v.array(componentName), 'Components that ship before this one when both ship. Only order.'),
};

export const imageEntries = {
  repository: described(repositoryName, 'ECR repository, without the registry host.'),
  context: option(repositoryPath, 'Build context, a folder. Default: the root of the repository.'),
  dockerfile: option(repositoryPath, 'Dockerfile, from the root of the repository. Default: CONTEXT/Dockerfile.'),
  target: option(text, 'Stage of the Dockerfile to build. Default: the last.'),
  platforms: option(
    v.array(
      v.pipe(
        v.string(),
        v.regex(/^linux\/[a-z0-9]+(?:\/v\d)?$/, say('it is not a platform', 'Write for instance linux/amd64')),
      ),
    ),
    'Platforms to build for. Default: the one of the runner.',
  ),
  'build-args': option(words, 'Build arguments. They are part of the fingerprint, so no commit id and no date.'),
  secrets: option(secrets, 'Secrets that the build mounts, by reference.'),
  labels: option(words, 'Labels of the image.'),
  tags: option(v.array(text), 'Tags beside the fingerprint and the commit.'),
  'max-age': option(age, 'Age after which a refresh rebuilds the image. Default: 7d.'),
  scan: option(
    v.picklist(['none', 'ecr', 'trivy'], say('it is none of none, ecr, trivy', 'Write ecr, trivy or none')),
    'Scan gate that every image has to pass, built or reused. Default: none.',
  ),
  'fail-on': option(
    v.picklist(
      ['critical', 'high', 'medium', 'low', 'informational', 'none'],
      say('it is no severity', 'Write critical, high, medium, low, informational or none'),
    ),
    'Severity from which on a finding fails the gate. Default: critical.',
  ),
  'ignore-file': option(repositoryPath, 'File with the findings that do not count until a day.'),
};

const registryEntry = v.strictObject({
  account: described(account, 'AWS account id of the registry, in quotes.'),
  region: described(region, 'Region of the registry.'),
});

export const beforeStep = v.strictObject({
  name: described(text, 'Name, for log and summary.'),
  command: described(
    v.pipe(v.array(v.string()), v.minLength(1, say('the command is empty', 'List the program and its arguments'))),
    'Program and arguments, run in a container of the new image. No shell reads it.',
  ),
  container: option(containerName, 'Container of the task definition that runs it. Default: the one that is deployed.'),
  'environment-variables': option(words, 'Environment variables for this command alone.'),
  timeout: option(duration, 'Time for the command. Default: 10m.'),
});

export const ecsEntries = {
  to: described(v.literal('ecs'), 'Where it runs: an ECS service.'),
  cluster: described(text, 'Cluster name or ARN, or a reference.'),
  service: described(text, 'Service name.'),
  'task-definition': option(
    text,
    'Task definition file in the repository, or a family. Default: what the service runs.',
  ),
  container: option(
    containerName,
    'Container that gets the image. Default: the only one of the task definition. With `images` the keys name them.',
  ),
  'environment-variables': option(words, 'Environment variables set in the container.'),
  'desired-count': option(count(0), 'Number of tasks. Default: left as it is.'),
  'force-new-deployment': option(flag, 'Replace the tasks even when nothing differs.'),
  timeout: option(duration, 'Time for the rollout. Default: 15m.'),
  'fail-fast': option(
    count(0),
    'Without a circuit breaker, go back when so many tasks end of the very same cause; 0 never does. Default: 3.',
  ),
  'stable-for': option(
    duration,
    'How long new tasks have to stay up. Default: 30s where neither a load balancer nor a container health check watches them.',
  ),
  'rollback-on-failure': option(
    flag,
    'Put the revision before back when the new one failed, or failed its verification. Default: true.',
  ),
  'on-cancel': option(
    v.picklist(['leave', 'rollback']),
    'What a cancelled run does with the rollout under way. Default: leave.',
  ),
  cpu: option(v.union([text, count(1)]), "CPU of the task, such as 256. Default: the task definition's."),
  memory: option(v.union([text, count(1)]), "Memory of the task in MiB, such as 512. Default: the task definition's."),
  after: option(
    v.array(beforeStep),
    'Commands that must succeed once the new revision serves, written as in `before`.',
  ),
  network: option(
    v.strictObject({
      subnets: described(
        v.pipe(v.array(text), v.minLength(1, say('the list is empty', 'Name at least one'))),
        'Subnets.',
      ),
      'security-groups': option(v.array(text), 'Security groups.'),
      'assign-public-ip': option(flag, 'Give the task a public address. Default: false.'),
    }),
    "Network of the commands before and after. Default: the service's; a scheduled task has none to take it from.",
  ),
  preflight: option(flag, 'Look before anything is changed whether all that the task needs is there. Default: true.'),
  'keep-revisions': option(
    count(1),
    'Revisions of the family that stay registered. Default: all. EventBridge schedules are not read: let them name the family.',
  ),
  'service-definition': option(repositoryPath, 'File that the service is created from when it is missing.'),
  'propagate-tags': option(v.picklist(['TASK_DEFINITION', 'SERVICE', 'NONE']), 'Where the tasks get tags from.'),
  'enable-execute-command': option(flag, 'Whether execute-command reaches the tasks.'),
  'capacity-provider-strategy': option(
    v.array(
      v.strictObject({
        capacityProvider: described(text, 'FARGATE, FARGATE_SPOT or the name of a provider.'),
        weight: option(count(0), 'Share of the tasks beyond `base`.'),
        base: option(count(0), 'Tasks that go here first.'),
      }),
    ),
    'Capacity providers of the service.',
  ),
  'availability-zone-rebalancing': option(
    v.picklist(['ENABLED', 'DISABLED']),
    'Whether ECS spreads the tasks over the zones again.',
  ),
};

const {
  service: _service,
  'desired-count': _count,
  'force-new-deployment': _force,
  'fail-fast': _failFast,
  'stable-for': _stable,
  'rollback-on-failure': _rollback,
  'service-definition': _definition,
  'propagate-tags': _tags,
  'enable-execute-command': _execute,
  'capacity-provider-strategy': _strategy,
  'availability-zone-rebalancing': _zones,
  ...taskEcsEntries
} = ecsEntries;

const ecsDeploy = v.strictObject({ ...ecsEntries, ...strategyEntries });
const ssmDeploy = v.strictObject(ssmEntries);
const image = v.strictObject(imageEntries);
const imageOverride = v.partial(image);

const verify = described(v.strictObject(verifyEntries), 'How to prove from outside that the new version serves.');
const verifyOverride = v.partial(v.strictObject(verifyEntries));

const appEntries = {
  ...commonEntries,
  image: option(image, 'The image to build. Either this or `images`.'),
  images: option(v.record(containerName, image), 'Several images (sidecars), by container name.'),
  before: option(v.array(beforeStep), 'Commands that must succeed before traffic moves, such as a migration.'),
  verify: v.exactOptional(verify),
};

const deploy = described(
  v.variant('to', [ecsDeploy, ssmDeploy], say('it is none of ecs, ssm', 'Write `to: ecs` or `to: ssm`')),
  'Where it runs and how it gets there.',
);

export const amiEntries = {
  template: option(repositoryPath, 'Packer template, a file or a folder. Default: the folder of the first pattern.'),
  vars: option(words, 'Packer variables.'),
  parameter: option(text, 'SSM parameter that receives the id of the new image, such as /sample/ami; in each region.'),
  regions: option(v.array(region), 'Further regions that get a copy of the image.'),
  keep: option(
    count(1),
    'Builds that are kept: older ones are deregistered with their snapshots unless something still uses them. Default: all.',
  ),
};

export const terraformEntries = {
  root: described(repositoryPath, 'Folder of the root module.'),
  vars: option(words, 'Input variables.'),
  'var-files': option(v.array(repositoryPath), 'Variable files, from the root of the repository.'),
  'backend-config': option(words, 'Settings for terraform init -backend-config.'),
  policy: option(repositoryPath, 'Folder with policies: .rego for conftest, .py or .yaml for checkov.'),
  protected: option(
    v.array(text),
    'Addresses of resources that no plan may destroy or replace, such as aws_db_instance.main or module.data; * stands for any text.',
  ),
  'max-destroy': option(
    count(0),
    'Most resources that a plan may destroy or replace; a larger one is refused. Default: 50 for destroy, any number for apply.',
  ),
  'plan-key': option(
    secretReference,
    'Key that plans are encrypted with between their approval and their application: 32 random bytes in an SSM SecureString.',
  ),
};

const ami = v.strictObject({ kind: v.literal('ami'), ...commonEntries, ...amiEntries });
const terraform = v.strictObject({ kind: v.literal('terraform'), ...commonEntries, ...terraformEntries });
const service = v.strictObject({ kind: v.literal('service'), ...appEntries, deploy });
const worker = v.strictObject({ kind: v.literal('worker'), ...appEntries, deploy });
const bot = v.strictObject({ kind: v.literal('bot'), ...appEntries, deploy });
const task = v.strictObject({
  kind: v.literal('task'),
  ...appEntries,
  deploy: described(v.strictObject(taskEcsEntries), 'Where the scheduled task runs; it has no ECS service.'),
});

export const KINDS = ['ami', 'terraform', 'service', 'worker', 'bot', 'task'] as const;
export type Kind = (typeof KINDS)[number];

const component = v.variant(
  'kind',
  [ami, terraform, service, worker, bot, task],
  say(`it is none of ${KINDS.join(', ')}`, `Write one of ${KINDS.join(', ')}`),
);

const override = v.strictObject({
  ...v.partial(v.strictObject({ ...amiEntries, ...terraformEntries })).entries,
  image: v.exactOptional(imageOverride),
  images: v.exactOptional(v.record(containerName, imageOverride)),
  before: appEntries.before,
  deploy: v.exactOptional(
    v.partial(
      v.strictObject({
        // Some keys are of both; ECS takes more for them, and a merged component is checked again as what it is.
        ...ssmEntries,
        ...ecsEntries,
        to: v.picklist(['ecs', 'ssm'], say('it is none of ecs, ssm', 'Write `to: ecs` or `to: ssm`')),
      }),
    ),
  ),
  verify: v.exactOptional(verifyOverride),
});

const environment = v.strictObject({
  role: option(role, 'Role that a run takes over OIDC. Default: the credentials that the runner has.'),
  'infra-role': option(role, 'Role that applies and destroys Terraform roots. Default: `role`.'),
  'plan-role': option(
    role,
    'Read-only role for the plan before an approval, for drift and for the status of Terraform roots. Default: `infra-role`.',
  ),
  region: option(region, 'AWS region. Default: the region of the registry.'),
  after: option(environmentName, 'Environment that comes first: the digests verified there are promoted to this one.'),
  approve: option(flag, 'Wait for the approval of the GitHub environment before the lane is taken. Default: false.'),
  registry: option(
    registryEntry,
    'ECR registry of this environment. Promoted images are copied into it, the same digests. Default: the one at the top.',
  ),
  components: option(
    v.record(componentName, override),
    'What differs here, by component: maps are merged key by key, lists and single values replaced.',
  ),
});

export const configSchema = v.strictObject({
  version: described(
    v.literal(1, say('this version of slipway reads version 1', 'Write `version: 1`')),
    'Version of this format: 1.',
  ),
  registry: option(
    registryEntry,
    'The ECR registry: images are promoted from environment to environment, not rebuilt.',
  ),
  components: described(v.record(componentName, component), 'What this repository ships, by name.'),
  environments: option(v.record(environmentName, environment), 'Where it ships to, by name.'),
});

/** Parts that the published JSON schema names once and refers to. */
export const definitions = {
  image,
  imageOverride,
  beforeStep,
  operators,
  expectation,
  endpoint,
  timeouts,
  instances,
  soak,
  baseline,
  loadBalancer,
  verify,
  verifyOverride,
  ecsDeploy,
  ssmDeploy,
  ami,
  terraform,
  service,
  worker,
  bot,
  task,
  environment,
};

export type ConfigData = v.InferOutput<typeof configSchema>;
export type Component = ConfigData['components'][string];
export type AppComponent = Extract<Component, { kind: 'service' | 'worker' | 'bot' | 'task' }>;
export type TerraformComponent = Extract<Component, { kind: 'terraform' }>;
export type AmiComponent = Extract<Component, { kind: 'ami' }>;
export type ImageConfig = v.InferOutput<typeof image>;
export type EcsDeploy = v.InferOutput<typeof ecsDeploy>;
export type SsmDeploy = v.InferOutput<typeof ssmDeploy>;
/** One item of `paths`: a pattern, or patterns by the kinds of change that they count for. */
export type PathRule = NonNullable<Component['paths']>[number];
export type DeployConfig = AppComponent['deploy'];
export type VerifyConfig = NonNullable<AppComponent['verify']>;
export type RegistryConfig = v.InferOutput<typeof registryEntry>;
export type BeforeStep = v.InferOutput<typeof beforeStep>;
export type EnvironmentConfig = NonNullable<ConfigData['environments']>[string];
