import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { releaseTags } from '../../actions/ecs-deploy/release.ts';
import { check, modelled } from './api-models.ts';
import { conftest } from './conftest.ts';
import { byTwos, roots, TERRAFORM } from './folders.ts';
import { evaluate } from './iam/evaluate.ts';
import { actionsOf, factsOf } from './iam/reference.ts';
import { identitiesOf, resourcesOf, type StateResource } from './iam/roles.ts';
import { voidGrants } from './iam/void.ts';
import { type StandIn, startProviders } from './provider/server.ts';
import { isObject, type ObjectValue } from './provider/value.ts';
import { type TerraformResult, terraformIn, type WorkingCopy, workingCopy } from './terraform.ts';

// What somebody would apply is applied: to the providers' stand-ins, which remember what was made.
interface Applied {
  providers: StandIn;
  planned: TerraformResult;
  denials: string[];
  /** As `terraform show -json` prints what a plan holds: without what is not known yet. */
  resources: StateResource[];
  applied: TerraformResult;
  /** `terraform show -json` */
  state: string;
  again: TerraformResult;
  /** `terraform graph`: what waits for what, by resource */
  graph: string;
  plan: (...more: string[]) => Promise<TerraformResult>;
}

let copy: WorkingCopy;
const done = new Map<string, Applied>();
/** 2: there is something to do; 0: there is nothing. */
const PLAN = ['plan', '-input=false', '-detailed-exitcode'];

/** A cloud of its own for each: what one made must not be there for another. */
async function apply(folder: string): Promise<Applied> {
  const providers = await startProviders();
  const at = join(copy.folder, folder);
  // Where the state is kept is the backend's business, and the backend is in an account.
  writeFileSync(join(at, 'backend_override.tf'), 'terraform {\n  backend "local" {}\n}\n');
  const terraform = terraformIn(at, providers.env);
  await terraform(['init', '-input=false']);
  const example = existsSync(join(at, 'terraform.tfvars.example')) ? ['-var-file=terraform.tfvars.example'] : [];
  const plan = (...more: string[]) => terraform([...PLAN, ...example, ...more]);
  const planned = await plan('-out=plan');
  const shown = await terraform(['show', '-json', 'plan']);
  const denials = planned.status === 2 ? await conftest(shown.stdout) : ['there is no plan'];
  const resources = planned.status === 2 ? resourcesOf(JSON.parse(shown.stdout).planned_values.root_module) : [];
  const applied = await terraform(['apply', '-input=false', 'plan']);
  const state = await terraform(['show', '-json']);
  const again = await plan();
  const graph = folder.startsWith('environments/') ? (await terraform(['graph'])).stdout : '';
  return { providers, planned, denials, resources, applied, state: state.stdout, again, graph, plan };
}

beforeAll(async () => {
  copy = workingCopy(TERRAFORM);
  await byTwos(roots(), async (folder) => done.set(folder, await apply(folder)));
}, 600_000);
afterAll(() => {
  for (const { providers } of done.values()) providers.stop();
  copy?.remove();
});

/** What went wrong, or else how it ended. */
const told = ({ output }: TerraformResult) =>
  output.includes('Error:') ? output.slice(output.indexOf('Error:')) : output.slice(-2000);

const of = (folder: string): Applied => {
  const found = done.get(folder);
  if (!found) throw new Error(`${folder} was not applied`);
  return found;
};

describe.each(roots())('%s', (folder) => {
  test('is planned and applied, and then there is nothing to do', () => {
    const { planned, applied, again } = of(folder);
    expect([planned.status, told(planned)]).toEqual([2, expect.stringContaining('Plan:')]);
    expect([applied.status, told(applied)]).toEqual([0, expect.stringContaining('Apply complete!')]);
    expect([again.status, told(again)]).toEqual([0, expect.stringContaining('No changes')]);
  });

  test('no policy denies its plan', () => {
    expect(of(folder).denials).toEqual([]);
  });
});

// What AWS refuses where something else is not there yet, and a stand-in, which makes everything at once, does not.
describe('the first apply waits for what AWS wants to see first', () => {
  /** Everything that a resource waits for, directly or by others. */
  function before(graph: string, resource: string): Set<string> {
    const edges = [...graph.matchAll(/"([^"]+)" -> "([^"]+)"/g)].map(([, from = '', to = '']) => [from, to] as const);
    const found = new Set<string>();
    const follow = (at: string) => {
      for (const [from, to] of edges) {
        if (from !== at || found.has(to)) continue;
        found.add(to);
        follow(to);
      }
    };
    follow(resource);
    return found;
  }

  test.each([
    ['dev', 'module.alb.aws_lb.this', 'module.network.aws_route.public'],
    ['dev', 'module.alb.aws_lb.this', 'module.alb.aws_s3_bucket_policy.logs'],
    ['dev', 'module.hosts.aws_autoscaling_group.this', 'module.network.aws_route_table_association.public'],
    ['dev', 'module.hosts.aws_autoscaling_group.this', 'module.hosts.aws_iam_role_policy.this'],
    ['dev', 'module.web.aws_ecs_service.this', 'module.network.aws_route.public'],
    ['dev', 'module.web.aws_ecs_service.this', 'module.cluster.aws_ecs_cluster_capacity_providers.this'],
    ['dev', 'module.budget.aws_budgets_budget.this', 'module.monitoring.aws_sns_topic_policy.this'],
    ['dev', 'module.web.aws_ecs_service.this', 'module.web.aws_vpc_security_group_egress_rule.https'],
    ['dev', 'module.hosts.aws_autoscaling_group.this', 'module.hosts.aws_vpc_security_group_egress_rule.web'],
    ['prod', 'module.web.aws_ecs_service.this', 'module.network.aws_route.private'],
    ['prod', 'module.web.aws_ecs_service.this', 'module.network.aws_route_table_association.private'],
    ['prod', 'module.web.aws_ecs_service.this', 'module.web.aws_iam_role_policy_attachment.infrastructure'],
    ['prod', 'module.web.aws_ecs_service.this', 'module.web.aws_lb_listener_rule.test'],
    ['prod', 'module.hosts.aws_autoscaling_group.this', 'module.network.aws_route.private'],
    ['prod', 'module.database.aws_db_instance.this', 'module.database.aws_iam_role_policy_attachment.monitoring'],
    ['prod', 'module.database.aws_db_instance.this', 'module.database.aws_cloudwatch_log_group.this'],
  ])('%s: %s after %s', (environment, resource, other) => {
    expect([...before(of(`environments/${environment}`).graph, resource)]).toContain(other);
  });
});

describe('every value is one that AWS’s own interfaces take', () => {
  const checked = (folder: string) =>
    of(folder).resources.map(({ address, type, values }) => ({ address, type, ...check(type, values as ObjectValue) }));

  test.each(roots())('%s', (folder) => {
    const complaints = checked(folder).flatMap((one) =>
      one.complaints.map((complaint) => `${one.address}: ${complaint}`),
    );
    expect(complaints).toEqual([]);
  });

  test('and there is something to hold each type to', () => {
    const values = new Map<string, number>();
    for (const one of roots().flatMap(checked)) values.set(one.type, (values.get(one.type) ?? 0) + one.values);
    expect([...values].filter(([type, count]) => modelled(type) && count === 0)).toEqual([]);
    expect([...values.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(500);
  });

  test('a value that they do not take is seen', () => {
    const wrong = {
      name: 'x',
      launch_type: 'FARGATES',
      deployment_controller: [{ type: 'ECS' }],
      alarms: [{ alarm_names: [] }],
    };
    expect(check('aws_ecs_service', wrong)).toEqual({
      values: 2,
      complaints: [expect.stringMatching(/^launch_type = "FARGATES": not one of EC2/)],
    });
    expect(check('aws_cloudwatch_metric_alarm', { alarm_name: '', evaluation_periods: 0 }).complaints).toHaveLength(2);
    expect(check('aws_ecr_repository', { name: 'Upper' }).complaints).toEqual([
      expect.stringContaining('does not match'),
    ]);
  });
});

describe('the roles of what an environment runs', () => {
  const environments = roots().filter((folder) => folder.startsWith('environments/'));
  const rolesIn = (folder: string) => [...identitiesOf(of(folder).state).roles.values()];

  test.each(environments)('%s: no grant of theirs is void', (folder) => {
    const complaints = rolesIn(folder).flatMap(({ name, policies }) =>
      Object.values(policies).flatMap((document) => voidGrants(document).map((reason) => `${name}: ${reason}`)),
    );
    expect(complaints).toEqual([]);
  });

  test.each(environments)('%s: each has the boundary, without which the pipeline cannot create it', (folder) => {
    const unbounded = rolesIn(folder).filter(
      ({ boundaryArn }) => !boundaryArn?.endsWith(':policy/slipway-sample-boundary'),
    );
    expect([rolesIn(folder).length > 0, unbounded.map(({ name }) => name)]).toEqual([true, []]);
  });

  // AWS's own AmazonSSMManagedInstanceCore gives the agent these so: it names no resource.
  const AGENT = /-docker-host ssm:(PutComplianceItems|Update(Instance)?AssociationStatus|UpdateInstanceInformation)$/;

  test.each(environments)('%s: none writes to everything where it could be told to what', (folder) => {
    const wide = rolesIn(folder).flatMap(({ name, policies }) =>
      Object.values(policies)
        .flatMap(({ Statement }) => [Statement].flat())
        .filter(
          ({ Effect, Resource, Condition }) => Effect === 'Allow' && [Resource].flat().includes('*') && !Condition,
        )
        .flatMap(({ Action = [] }) => [Action].flat().flatMap(actionsOf))
        .filter(
          (action) => factsOf(action).resources.length > 0 && !['Read', 'List'].includes(factsOf(action).accessLevel),
        )
        .map((action) => `${name} ${action}`),
    );
    expect(wide.filter((grant) => !AGENT.test(grant))).toEqual([]);
  });

  test.each(environments)('%s: none reaches rights, states, others’ secrets or the pipeline', (folder) => {
    const account = '123456789012';
    const here = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:${account}:${rest}`;
    const questions = [
      ['iam:CreateRole', `arn:aws:iam::${account}:role/sample-dev-x`],
      ['iam:PassRole', `arn:aws:iam::${account}:role/admin`],
      ['iam:PutRolePolicy', `arn:aws:iam::${account}:role/sample-dev-web-task`],
      ['sts:AssumeRole', `arn:aws:iam::${account}:role/admin`],
      ['s3:GetObject', `arn:aws:s3:::sample-terraform-${account}-eu-central-1/prod/terraform.tfstate`],
      ['secretsmanager:GetSecretValue', here('secretsmanager', 'secret:somebody-elses-AbCdEf')],
      ['ssm:GetParameter', here('ssm', 'parameter/slipway/prod/plan-key')],
      ['ssm:GetParameter', here('ssm', 'parameter/somebody/elses')],
      ['ssm:PutParameter', here('ssm', 'parameter/slipway/dev/docker-host/web')],
      ['ssm:SendCommand', here('ec2', 'instance/i-1')],
      ['kms:Decrypt', here('kms', 'key/somebody-elses')],
      ['ecs:UpdateService', here('ecs', 'service/sample-dev/web')],
      ['ec2:TerminateInstances', here('ec2', 'instance/i-1')],
      ['ecr:PutImage', here('ecr', 'repository/sample-web')],
      ['rds:DeleteDBInstance', here('rds', 'db:sample-dev')],
    ] as const;
    const reached = rolesIn(folder).flatMap(({ name, policies }) =>
      questions
        .filter(([action, resource]) => evaluate(Object.values(policies), { action, resource }).allowed)
        .map(([action, resource]) => `${name} ${action} ${resource}`),
    );
    expect(reached).toEqual([]);
  });
});

describe('what an apply makes, its environment’s role may take down, and no other’s', () => {
  const account = '123456789012';
  const here = (service: string, rest: unknown) => `arn:aws:${service}:eu-central-1:${account}:${rest}`;
  /** By type: the call, and how AWS names the thing. */
  const TAKEN_DOWN: Readonly<Record<string, [action: string, arn: (values: Record<string, unknown>) => string]>> = {
    aws_budgets_budget: ['budgets:ModifyBudget', ({ name }) => `arn:aws:budgets::${account}:budget/${name}`],
    aws_cloudwatch_composite_alarm: [
      'cloudwatch:DeleteAlarms',
      ({ alarm_name }) => here('cloudwatch', `alarm:${alarm_name}`),
    ],
    aws_cloudwatch_dashboard: [
      'cloudwatch:DeleteDashboards',
      ({ dashboard_name }) => `arn:aws:cloudwatch::${account}:dashboard/${dashboard_name}`,
    ],
    aws_cloudwatch_metric_alarm: [
      'cloudwatch:DeleteAlarms',
      ({ alarm_name }) => here('cloudwatch', `alarm:${alarm_name}`),
    ],
    aws_ecs_cluster: ['ecs:DeleteCluster', ({ name }) => here('ecs', `cluster/${name}`)],
    aws_ecs_service: [
      'ecs:DeleteService',
      ({ cluster, name }) => here('ecs', `service/${String(cluster).split('/')[1]}/${name}`),
    ],
    aws_iam_instance_profile: [
      'iam:DeleteInstanceProfile',
      ({ name }) => `arn:aws:iam::${account}:instance-profile/${name}`,
    ],
    aws_iam_role: ['iam:DeleteRole', ({ name }) => `arn:aws:iam::${account}:role/${name}`],
    aws_lambda_function: ['lambda:DeleteFunction', ({ function_name }) => here('lambda', `function:${function_name}`)],
    aws_s3_bucket: ['s3:DeleteBucket', ({ bucket }) => `arn:aws:s3:::${bucket}`],
    aws_sns_topic: ['sns:DeleteTopic', ({ name }) => here('sns', name)],
    aws_sqs_queue: ['sqs:DeleteQueue', ({ name }) => here('sqs', name)],
  };

  /** With what AWS fills in where the action knows the key. */
  function may(role: string, action: string, resource: string): boolean {
    const asking = identitiesOf(of('bootstrap/examples/complete').state).roles.get(role);
    if (!asking) throw new Error(`there is no role ${role}`);
    const context = { 'aws:RequestedRegion': 'eu-central-1' };
    return evaluate(Object.values(asking.policies), { action, resource, context }, asking.boundary).allowed;
  }

  test.each(['dev', 'prod'])('%s', (environment) => {
    const other = environment === 'dev' ? 'prod' : 'dev';
    const made = of(`environments/${environment}`).resources.flatMap(({ address, type, values }) => {
      const [action = '', arn] = TAKEN_DOWN[type] ?? [];
      return arn ? [{ address, type, action, arn: arn(values) }] : [];
    });
    expect(new Set(made.map(({ type }) => type))).toEqual(new Set(Object.keys(TAKEN_DOWN)));
    const wrong = made.filter(
      ({ action, arn }) =>
        !may(`slipway-sample-${environment}-apply`, action, arn) || may(`slipway-sample-${other}-apply`, action, arn),
    );
    expect(wrong).toEqual([]);
  });
});

describe('after a deployment', () => {
  const REVISION = 'arn:aws:ecs:eu-central-1:123456789012:task-definition/deployed-by-slipway:7';
  /** What ecs-deploy writes onto the service. */
  const RELEASE = releaseTags('0123456789abcdef', { component: 'web', environment: 'dev', revision: 'c0ffee' });

  type Change = [type: string, changed: (values: ObjectValue) => ObjectValue];

  /** Every root with such things as others leave them, planned, and put back as it was. */
  async function plannedAfter(changes: readonly Change[]): Promise<[folder: string, status: number, told: string][]> {
    const planned = await byTwos(roots(), async (folder) => {
      const { providers, plan } = of(folder);
      const { cloud } = providers;
      const before = changes.flatMap(([type, changed]) =>
        cloud.list(type).map((values) => ({ type, values: { ...values }, changed: changed(values) })),
      );
      if (before.length === 0) return [];
      for (const { type, values, changed } of before) cloud.change(type, { id: values.id ?? null }, changed);
      const result = await plan();
      for (const { type, values } of before) cloud.change(type, { id: values.id ?? null }, values);
      return [[folder, result.status, told(result)] as [string, number, string]];
    });
    return planned.flat();
  }

  const deployed = (values: ObjectValue): ObjectValue => {
    const { tags, tags_all } = values;
    return {
      task_definition: REVISION,
      desired_count: 3,
      tags: { ...(isObject(tags) ? tags : {}), ...RELEASE },
      tags_all: { ...(isObject(tags_all) ? tags_all : {}), ...RELEASE },
    };
  };

  /** As ECS writes a rule when it has shifted the traffic: a plain forward becomes a weighted one, and the weights have moved. */
  const shifted = ({ action }: ObjectValue): ObjectValue => ({
    action: (Array.isArray(action) ? action.filter(isObject) : []).map((one) => ({
      ...one,
      forward: (Array.isArray(one.forward) ? one.forward.filter(isObject) : []).map((forward) => ({
        ...forward,
        target_group: (Array.isArray(forward.target_group) ? forward.target_group.filter(isObject) : []).map(
          (group) => ({
            ...group,
            weight: 100 - Number(group.weight ?? 0),
          }),
        ),
      })),
    })),
  });

  test('an apply changes nothing: revision, count, release and weights are the pipeline’s and those of ECS', async () => {
    const results = await plannedAfter([
      ['aws_ecs_service', deployed],
      ['aws_lb_listener_rule', shifted],
    ]);
    expect(results.length).toBeGreaterThan(0);
    for (const [folder, status, words] of results) {
      expect([folder, status, words]).toEqual([folder, 0, expect.stringContaining('No changes')]);
    }
  }, 120_000);

  test('nor where a group of hosts has grown', async () => {
    const results = await plannedAfter([['aws_autoscaling_group', () => ({ desired_capacity: 2 })]]);
    expect(results.length).toBeGreaterThan(0);
    for (const [folder, status, words] of results) {
      expect([folder, status, words]).toEqual([folder, 0, expect.stringContaining('No changes')]);
    }
  }, 120_000);

  test('and what is Terraform’s own is still put back', async () => {
    const others: Change[] = [
      ['aws_ecs_service', () => ({ propagate_tags: 'NONE', enable_ecs_managed_tags: false })],
      ['aws_lb_listener_rule', () => ({ priority: 4321 })],
      ['aws_autoscaling_group', () => ({ max_size: 99 })],
    ];
    for (const change of others) {
      const results = await plannedAfter([change]);
      expect([change[0], results.length > 0]).toEqual([change[0], true]);
      for (const [folder, status, words] of results) {
        expect([folder, status, words]).toEqual([folder, 2, expect.stringMatching(/[1-9]\d* to change, 0 to destroy/)]);
      }
    }
  }, 120_000);
});
