import { readFileSync } from 'node:fs';
import type { CreateServiceCommandInput, RegisterTaskDefinitionCommandInput } from '@aws-sdk/client-ecs';
import * as v from 'valibot';
import { parse } from 'yaml';
import { messageOf, Problem } from '../lib/errors.ts';
import type { Bot } from './discord/admin.ts';
import type { GuildOptions } from './discord/state.ts';
import type { RepositoryOptions } from './github/state.ts';
import type { TokenGrant } from './github/tokens.ts';
import type { RunIdentity } from './oidc/claims.ts';

const text = v.pipe(v.string(), v.minLength(1));
const tags = v.record(v.string(), v.string());
const positive = v.pipe(v.number(), v.minValue(1));

const healthCheck = v.strictObject({
  path: v.optional(text, '/health'),
  /** Seconds between checks; AWS allows 5 to 300, here fractions are allowed so that tests are quick. */
  intervalSeconds: v.optional(v.pipe(v.number(), v.minValue(0.05)), 5),
  timeoutSeconds: v.optional(v.pipe(v.number(), v.minValue(0.05)), 2),
  healthyThresholdCount: v.optional(positive, 2),
  unhealthyThresholdCount: v.optional(positive, 2),
  /** Status codes as ELB writes them: "200", "200-299", "200,302". */
  matcher: v.optional(text, '200'),
});

const targetGroup = v.strictObject({
  name: text,
  port: v.optional(positive, 80),
  healthCheck: v.optional(healthCheck, {}),
  /** AWS's default is 300. */
  deregistrationDelaySeconds: v.optional(v.pipe(v.number(), v.minValue(0)), 10),
  tags: v.optional(tags, {}),
});

const balancer = v.strictObject({
  name: text,
  /** Port on loopback; 0 takes a free one. */
  port: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(65535)), 0),
  /** Port of a listener for test traffic; 0 takes a free one, and without it there is none. */
  testPort: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(65535))),
  /** Both listeners begin with the first. A service that shifts its traffic needs two. */
  targetGroups: v.pipe(v.array(targetGroup), v.minLength(1)),
});

const cluster = v.strictObject({
  name: text,
  /** ECS's own RegisterTaskDefinition inputs, in order. `{registry}`, `{account}` and `{region}` are filled in. */
  taskDefinitions: v.optional(
    v.array(v.custom<RegisterTaskDefinitionCommandInput>((x) => isObject(x), 'must be a task definition')),
    [],
  ),
  /** ECS's own CreateService inputs; target groups may be given by name, listener rules as "balancer:production" and "balancer:test". */
  services: v.optional(v.array(v.custom<CreateServiceCommandInput>((x) => isObject(x), 'must be a service')), []),
});

const accountId = v.pipe(v.string(), v.regex(/^\d{12}$/, 'must be 12 digits'));

const repository = v.strictObject({
  name: text,
  tagMutability: v.optional(
    v.picklist(['MUTABLE', 'IMMUTABLE', 'IMMUTABLE_WITH_EXCLUSION', 'MUTABLE_WITH_EXCLUSION']),
    'MUTABLE',
  ),
  /** Tag patterns with `*`, at most 5. */
  exclusions: v.optional(v.pipe(v.array(text), v.maxLength(5)), []),
  tags: v.optional(tags, {}),
  encryption: v.optional(v.picklist(['AES256', 'KMS', 'KMS_DSSE']), 'AES256'),
  /** ARN of the key, with KMS. */
  kmsKey: v.optional(text),
  /** Accounts that its repository policy lets in, for every action; its own always is. */
  sharedWith: v.optional(v.array(accountId), []),
  scanOnPush: v.optional(v.boolean(), false),
  /** ENHANCED is Amazon Inspector's: without a start, its findings in a shape of their own. */
  scanType: v.optional(v.picklist(['BASIC', 'ENHANCED']), 'BASIC'),
  /** How every scan ends; COMPLETE (ACTIVE for an enhanced one) unless told. */
  scanStatus: v.optional(
    v.picklist(['FAILED', 'UNSUPPORTED_IMAGE', 'PENDING', 'SCAN_ELIGIBILITY_EXPIRED', 'COMPLETE']),
  ),
  /** How long a scan takes. */
  scanSeconds: v.optional(v.pipe(v.number(), v.minValue(0)), 0),
  /** What a scan finds in every image. */
  findings: v.optional(
    v.array(
      v.strictObject({
        name: text,
        severity: v.picklist(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNDEFINED']),
        package: v.optional(text),
        installed: v.optional(text),
        fixedIn: v.optional(text),
      }),
    ),
    [],
  ),
});

const repositories = v.optional(
  v.array(
    v.union([
      v.pipe(
        text,
        v.transform((name) => namedRepository(name)),
      ),
      repository,
    ]),
  ),
  [],
);

/** Another account's or region's registry, beside the one of the account and region that everything else is in. */
const otherRegistry = v.strictObject({
  account: accountId,
  region: text,
  /** Whether layers can be mounted from one repository into another; off in a new account. */
  blobMounting: v.optional(v.boolean(), false),
  repositories,
});

const parameter = v.strictObject({
  value: v.string(),
  type: v.optional(v.picklist(['String', 'StringList', 'SecureString']), 'String'),
});

const role = v.strictObject({
  name: text,
  /** Its account; the world's own unless told. */
  account: v.optional(accountId),
  /** What `sub` of a web identity token must be; `*` and `?` match as in IAM's StringLike. */
  subjects: v.optional(v.array(text), ['*']),
  audience: v.optional(text, 'sts.amazonaws.com'),
  /** Longest session in seconds; AWS allows 3600 to 43200. */
  maxSessionSeconds: v.optional(positive, 3600),
  /** Actions that are refused, as "ecs:UpdateService"; `*` matches. What is not listed is allowed. */
  deny: v.optional(v.array(text), []),
});

const host = v.strictObject({
  /** i-0123456789abcdef0; made up from the name when left out. */
  id: v.optional(v.pipe(v.string(), v.regex(/^i-[0-9a-f]{8,17}$/, 'must look like i-0123456789abcdef0'))),
  name: v.optional(text),
  tags: v.optional(tags, {}),
  /** An agent that is not online never takes a command. */
  online: v.optional(v.boolean(), true),
  /** The role of `roles` that it has; without one it may do everything. */
  role: v.optional(text),
});

const image = v.strictObject({
  id: v.optional(v.pipe(v.string(), v.regex(/^ami-[0-9a-f]{8,17}$/, 'must look like ami-0123456789abcdef0'))),
  /** The world's own unless told. */
  region: v.optional(text),
  name: text,
  tags: v.optional(tags, {}),
  /** ISO 8601; the start unless told. */
  createdAt: v.optional(text),
  /** How long it is still being made. */
  pendingMs: v.optional(v.number()),
  /** Accounts that may start it; `all` makes it public. */
  sharedWith: v.optional(v.array(text)),
});

const launchTemplate = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^lt-[0-9a-f]{8,17}$/, 'must look like lt-0123456789abcdef0')),
  region: v.optional(text),
  /** The images of its versions, oldest first. */
  versions: v.array(text),
});

const document = v.strictObject({ name: text, content: v.record(v.string(), v.unknown()) });

const githubSpec = v.strictObject({
  /** Bare repositories that the local GitHub serves. */
  repositories: v.optional(v.array(v.custom<RepositoryOptions>((x) => isObject(x), 'must be a repository')), []),
  /** More tokens, beside the one that everything may: token → what it may do. */
  tokens: v.optional(
    v.record(
      v.string(),
      v.custom<TokenGrant>((x) => isObject(x), 'must be a grant'),
    ),
    {},
  ),
  /** Whose identity token a run gets; of the first repository's main branch when left out. */
  identity: v.optional(v.custom<RunIdentity>((x) => isObject(x), 'must be an identity')),
});

const discordSpec = v.strictObject({
  guild: v.optional(v.custom<GuildOptions>((x) => isObject(x), 'must be a guild')),
  bots: v.optional(v.array(v.custom<Bot>((x) => isObject(x), 'must be a bot')), []),
});

const worldSchema = v.strictObject({
  account: v.optional(accountId, '123456789012'),
  region: v.optional(text, 'eu-central-1'),
  repositories,
  /** As of another registry. */
  blobMounting: v.optional(v.boolean(), false),
  registries: v.optional(v.array(otherRegistry), []),
  parameters: v.optional(
    v.record(
      v.string(),
      v.union([
        v.pipe(
          v.string(),
          v.transform((value) => plain(value)),
        ),
        parameter,
      ]),
    ),
    {},
  ),
  /** Secrets of Secrets Manager: name → its string. */
  secrets: v.optional(v.record(v.string(), v.string()), {}),
  roles: v.optional(v.array(role), []),
  /** Empty S3 buckets, for Terraform's state. */
  buckets: v.optional(v.array(text), []),
  /** Log groups that exist; others come to be with their first line. */
  logGroups: v.optional(v.array(text), []),
  documents: v.optional(v.array(document), []),
  /** Lambda functions that deployments may have as hooks: name → URL on loopback that gets the event by POST and answers with the result. */
  functions: v.optional(v.record(v.string(), v.pipe(v.string(), v.url())), {}),
  clusters: v.optional(v.array(cluster), []),
  balancers: v.optional(v.array(balancer), []),
  hosts: v.optional(v.array(host), []),
  /** Further regions that have machine images and parameters. */
  moreRegions: v.optional(v.array(text), []),
  images: v.optional(v.array(image), []),
  launchTemplates: v.optional(v.array(launchTemplate), []),
  /** Instances that are no hosts, of which nothing is known but what they were started from. */
  instances: v.optional(v.array(v.strictObject({ id: text, region: v.optional(text), image: text })), []),
  github: v.optional(githubSpec, {}),
  discord: v.optional(discordSpec, {}),
  /** Image on the engine that the first task definition of a service runs, before anything was shipped. */
  bootstrapImage: v.optional(text),
});

/** A repository with every default. */
export function namedRepository(name: string): RepositorySpec {
  return v.parse(repository, { name });
}

function plain(value: string): ParameterSpec {
  return { value, type: 'String' };
}

function isObject(x: unknown): boolean {
  return typeof x === 'object' && x !== null && !Array.isArray(x);
}

/** What exists before the first request: the account as Terraform would have left it. */
export type World = v.InferOutput<typeof worldSchema>;
/** A world as it is written, with what has defaults left out. */
export type WorldInput = v.InferInput<typeof worldSchema>;
export type RepositorySpec = v.InferOutput<typeof repository>;
export type OtherRegistry = v.InferOutput<typeof otherRegistry>;
export type ParameterSpec = v.InferOutput<typeof parameter>;
export type RoleSpec = v.InferOutput<typeof role>;
export type DocumentSpec = v.InferOutput<typeof document>;
export type ClusterSpec = v.InferOutput<typeof cluster>;
export type BalancerSpec = v.InferOutput<typeof balancer>;
export type TargetGroupSpec = v.InferOutput<typeof targetGroup>;
export type ImageSpec = v.InferInput<typeof image>;
export type LaunchTemplateSpec = v.InferOutput<typeof launchTemplate>;
export type InstanceSpec = World['instances'][number];
export type HostSpec = v.InferOutput<typeof host>;

/**
 * Checks a world and fills in its defaults.
 * @param source named in errors: a file, or "world"
 * @throws Problem kind `config` with every mistake and its path
 */
export function createWorld(input: unknown = {}, source = 'world'): World {
  const result = v.safeParse(worldSchema, input);
  if (result.success) return result.output;
  const mistakes = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'the file'}: ${issue.message}`);
  throw new Problem({
    what: source,
    cause: mistakes.join('; '),
    fix: 'Correct these entries; local/world.ts lists what a world may say',
    kind: 'config',
  });
}

/** Replaces {registry}, {account} and {region} in every text of a value: what a world cannot know before the start. */
export function fillIn<T>(value: T, names: Readonly<Record<string, string>>): T {
  if (typeof value === 'string') {
    return value.replace(/\{(registry|account|region)\}/g, (whole, name: string) => names[name] ?? whole) as T;
  }
  if (Array.isArray(value)) return value.map((item) => fillIn(item, names)) as T;
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value as object).map(([k, item]) => [k, fillIn(item, names)])) as T;
}

/** @throws Problem kind `config` when the file cannot be read, is no YAML or JSON, or says something unknown */
export function loadWorld(file: string): World {
  let value: unknown;
  try {
    value = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Problem({
      what: `world file '${file}'`,
      cause: messageOf(error),
      fix: 'Give a readable YAML or JSON file',
      kind: 'config',
      underlying: error,
    });
  }
  return createWorld(value ?? {}, `world file '${file}'`);
}
