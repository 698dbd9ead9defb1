import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type TerraformResult, terraformIn } from '../terraform.ts';
import { SCHEMAS, type StandIn, startProviders } from './server.ts';
import { missingFrom, typesUsed, unusedIn } from './used-types.ts';

// What the stand-in is for, seen through the real terraform: a configuration that the provider would refuse is refused.
let providers: StandIn;
let folder: string;
let terraform: (argv: readonly string[]) => Promise<TerraformResult>;

const HEAD = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region = "eu-west-1"
  default_tags {
    tags = { Project = "default", Owner = "everybody" }
  }
}
`;

beforeAll(async () => {
  providers = await startProviders();
});
afterAll(() => providers?.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-provider-'));
  terraform = terraformIn(folder, providers.env);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (text: string) => writeFileSync(join(folder, 'main.tf'), HEAD + text);

async function validated(text: string): Promise<TerraformResult> {
  write(text);
  const init = await terraform(['init', '-input=false']);
  return init.status === 0 ? terraform(['validate']) : init;
}

async function applied(text: string): Promise<Record<string, Record<string, unknown>>> {
  write(text);
  for (const argv of [
    ['init', '-input=false'],
    ['apply', '-auto-approve', '-input=false'],
  ]) {
    const { status, output } = await terraform(argv);
    if (status !== 0) throw new Error(output);
  }
  const { values } = JSON.parse((await terraform(['show', '-json'])).stdout);
  const resources = (values.root_module.resources ?? []) as { address: string; values: Record<string, unknown> }[];
  return Object.fromEntries(resources.map(({ address, values: found }) => [address, found]));
}

describe('terraform validate', () => {
  test.each([
    [
      'a name that is none',
      'resource "aws_vpc" "x" { cidr = "10.0.0.0/16" }',
      /An argument named "cidr" is not expected here/,
    ],
    [
      'a type of its own',
      'resource "aws_ecs_service" "x" {\n  name = "x"\n  desired_count = "three"\n}',
      /a number is required/,
    ],
    ['a required argument that is missing', 'resource "aws_ecs_cluster" "x" {}', /"name" is required/],
    [
      'a block that is none',
      'resource "aws_ecs_cluster" "x" {\n  name = "x"\n  settings {}\n}',
      /Blocks of type "settings" are not expected here/,
    ],
    [
      'a block too many',
      'resource "aws_ecs_service" "x" {\n  name = "x"\n  alarms {\n    alarm_names = []\n    enable = true\n    rollback = true\n  }\n  alarms {\n    alarm_names = []\n    enable = true\n    rollback = true\n  }\n}',
      /No more than 1 "alarms" blocks are allowed/,
    ],
    [
      'an attribute that only the provider sets',
      'resource "aws_ecs_cluster" "x" {\n  name = "x"\n  arn = "arn"\n}',
      /Only the provider sets arn/,
    ],
    [
      'an attribute that is none',
      'resource "aws_ecs_cluster" "x" { name = "x" }\noutput "x" { value = aws_ecs_cluster.x.endpoint }',
      /no argument, nested block, or exported attribute named "endpoint"/,
    ],
    ['a type that is none', 'resource "aws_ecs_clusters" "x" {}', /does not support resource type "aws_ecs_clusters"/],
    [
      'WAF statements',
      'resource "aws_wafv2_web_acl" "x" {\n  scope = "REGIONAL"\n  default_action {\n    allow {}\n  }\n  visibility_config {\n    cloudwatch_metrics_enabled = true\n    metric_name = "x"\n    sampled_requests_enabled = true\n  }\n  rule {\n    name = "x"\n    priority = 1\n    visibility_config {\n      cloudwatch_metrics_enabled = true\n      metric_name = "x"\n      sampled_requests_enabled = true\n    }\n    statement {\n      rate_based_statement {\n        limits = 5\n      }\n    }\n  }\n}',
      /"limits" is not expected here/,
    ],
  ])('refuses %s', async (_, text, words) => {
    const { status, output } = await validated(text);
    expect([status, output.replace(/\s*│\s*|\s+/g, ' ')]).toEqual([1, expect.stringMatching(words)]);
  });

  test('knows which attributes are secret', async () => {
    await validated(
      'resource "aws_db_instance" "x" {\n  instance_class = "db.t4g.micro"\n  password = "y"\n}\noutput "x" { value = aws_db_instance.x.password }',
    );
    const { status, output } = await terraform(['plan']);
    expect([status, output]).toEqual([1, expect.stringContaining('Output refers to sensitive values')]);
  });

  test('takes what is right', async () => {
    const { status, output } = await validated(
      'resource "aws_ecs_cluster" "x" {\n  name = "x"\n  setting {\n    name = "containerInsights"\n    value = "enabled"\n  }\n}',
    );
    expect([status, output]).toEqual([0, expect.stringContaining('valid')]);
  });
});

describe('terraform apply', () => {
  test('fills in what the provider would: ids, ARNs, tags, regions, names from prefixes', async () => {
    const made = await applied(`
      resource "aws_ecs_cluster" "x" { name = "x" }
      resource "aws_ecs_service" "x" {
        name    = "web"
        cluster = aws_ecs_cluster.x.id
        tags    = { Project = "own" }
      }
      resource "aws_iam_role" "x" {
        name               = "x"
        path               = "/team/"
        assume_role_policy = "{}"
      }
      resource "aws_security_group" "x" { name_prefix = "web-" }
    `);
    expect(made['aws_ecs_service.x']).toMatchObject({
      id: 'arn:aws:ecs:eu-west-1:123456789012:service/x/web',
      arn: 'arn:aws:ecs:eu-west-1:123456789012:service/x/web',
      region: 'eu-west-1',
      tags: { Project: 'own' },
      tags_all: { Project: 'own', Owner: 'everybody' },
      task_definition: null,
    });
    expect(made['aws_iam_role.x']).toMatchObject({ id: 'x', arn: 'arn:aws:iam::123456789012:role/team/x' });
    expect(made['aws_security_group.x']?.name).toMatch(/^web-\w+$/);
  });

  test('keeps secrets that are only written out of the state', async () => {
    const made = await applied(`
      resource "aws_secretsmanager_secret" "x" { name = "x" }
      resource "aws_secretsmanager_secret_version" "x" {
        secret_id                = aws_secretsmanager_secret.x.id
        secret_string_wo         = "hidden"
        secret_string_wo_version = 1
      }
    `);
    expect(JSON.stringify(made)).not.toContain('hidden');
    expect(made['aws_secretsmanager_secret_version.x']).toMatchObject({ secret_string_wo_version: 1 });
  });

  test('two provider blocks are told apart', async () => {
    const made = await applied(`
      provider "aws" {
        alias  = "global"
        region = "us-east-1"
      }
      data "aws_region" "here" {}
      data "aws_region" "global" { provider = aws.global }
      resource "aws_sns_topic" "x" {
        provider = aws.global
        name     = "x"
      }
    `);
    expect(made['data.aws_region.here']?.region).toBe('eu-west-1');
    expect(made['data.aws_region.global']?.region).toBe('us-east-1');
    expect(made['aws_sns_topic.x']).toMatchObject({ arn: 'arn:aws:sns:us-east-1:123456789012:x', tags_all: {} });
  });

  test('renders policy documents', async () => {
    const made = await applied(`
      data "aws_iam_policy_document" "base" {
        statement {
          sid       = "Same"
          actions   = ["s3:GetObject"]
          resources = ["*"]
        }
      }
      data "aws_iam_policy_document" "x" {
        source_policy_documents = [data.aws_iam_policy_document.base.json]
        statement {
          sid       = "Same"
          effect    = "Deny"
          actions   = ["s3:GetObject", "s3:PutObject"]
          resources = ["arn:aws:s3:::x/*"]
          condition {
            test     = "StringEquals"
            variable = "aws:RequestedRegion"
            values   = ["eu-west-1"]
          }
        }
        statement {
          actions = ["sts:AssumeRole"]
          principals {
            type        = "Service"
            identifiers = ["ecs-tasks.amazonaws.com"]
          }
        }
      }
    `);
    expect(JSON.parse(String(made['data.aws_iam_policy_document.x']?.json))).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Same',
          Effect: 'Deny',
          Action: ['s3:GetObject', 's3:PutObject'],
          Resource: 'arn:aws:s3:::x/*',
          Condition: { StringEquals: { 'aws:RequestedRegion': 'eu-west-1' } },
        },
        { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'ecs-tasks.amazonaws.com' } },
      ],
    });
  });
});

describe('terraform plan, after somebody else', () => {
  const CLUSTER =
    'resource "aws_ecs_cluster" "x" {\n  name = "watched"\n  setting {\n    name = "containerInsights"\n    value = "enabled"\n  }\n}\n';
  const plan = () => terraform(['plan', '-detailed-exitcode', '-input=false']);

  test('has nothing to do where nobody did anything', async () => {
    await applied(CLUSTER);
    expect((await plan()).status).toBe(0);
  });

  test('puts back what was changed', async () => {
    await applied(CLUSTER.replace('watched', 'changed'));
    providers.cloud.change('aws_ecs_cluster', { name: 'changed' }, { setting: [] });
    write(CLUSTER.replace('watched', 'changed'));
    const { status, output } = await plan();
    expect([status, output]).toEqual([2, expect.stringContaining('will be updated in-place')]);
  });

  test('makes anew what was deleted', async () => {
    const made = await applied(CLUSTER.replace('watched', 'deleted'));
    providers.cloud.remove('aws_ecs_cluster', { id: String(made['aws_ecs_cluster.x']?.id) });
    const { status, output } = await plan();
    expect([status, output]).toEqual([2, expect.stringContaining('will be created')]);
  });

  test('destroys what is gone from the code', async () => {
    await applied(CLUSTER.replace('watched', 'destroyed'));
    expect((await terraform(['destroy', '-auto-approve'])).output).toContain('1 destroyed');
    expect(providers.cloud.list('aws_ecs_cluster').map(({ name }) => name)).not.toContain('destroyed');
  });
});

test('a type that no extract holds is named, with the way to add it; one that nobody uses too', () => {
  const used = mkdtempSync(join(tmpdir(), 'slipway-used-'));
  try {
    cpSync(SCHEMAS, join(used, 'schema'), { recursive: true });
    writeFileSync(
      join(used, 'main.tf'),
      'resource "aws_sqs_queue" "x" {}\nresource "aws_quantum_ledger" "x" {}\ndata "aws_moon" "x" {}\nresource "terraform_data" "x" {}\n',
    );
    const types = typesUsed(used);
    expect(missingFrom(SCHEMAS, types)).toEqual([
      'resource aws_quantum_ledger is used and not in test/terraform/schema/aws.json; to add it: node scripts/terraform-schema.ts',
      'data source aws_moon is used and not in test/terraform/schema/aws.json; to add it: node scripts/terraform-schema.ts',
    ]);
    expect(unusedIn(SCHEMAS, types)).not.toContainEqual(expect.stringContaining('aws_sqs_queue is in'));
    expect(unusedIn(SCHEMAS, types)).toContainEqual(
      expect.stringContaining('aws_ecs_service is in test/terraform/schema/aws.json and not used'),
    );
  } finally {
    rmSync(used, { recursive: true, force: true });
  }
});
