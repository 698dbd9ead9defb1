import type {
  DescribeLoadBalancersInput,
  DescribeLoadBalancersOutput,
  DescribeTargetGroupsInput,
  DescribeTargetGroupsOutput,
  DescribeTargetHealthInput,
  DescribeTargetHealthOutput,
  LoadBalancer,
  TargetDescription,
  TargetGroup as TargetGroupShape,
  TargetHealthDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Balancer } from '../../balancer/balancer.ts';
import type { TargetGroup } from '../../balancer/target-group.ts';
import { AwsFault, type AwsService } from '../service.ts';

export interface Elbv2Deps {
  balancers: readonly Balancer[];
}

/** Elastic Load Balancing v2 as far as a deployment reads it; balancers themselves are made by the world. */
export function createElbv2({ balancers }: Elbv2Deps): AwsService {
  return {
    id: 'elasticloadbalancing',
    operations: {
      DescribeTargetHealth: (input: DescribeTargetHealthInput) => describeTargetHealth(balancers, input),
      DescribeTargetGroups: (input: DescribeTargetGroupsInput) => describeTargetGroups(balancers, input),
      DescribeLoadBalancers: (input: DescribeLoadBalancersInput) => describeLoadBalancers(balancers, input),
    },
  };
}

function describeTargetHealth(
  balancers: readonly Balancer[],
  input: DescribeTargetHealthInput,
): DescribeTargetHealthOutput {
  const group = groupsOf(balancers).find(({ arn }) => arn === input.TargetGroupArn);
  if (!group) throw new AwsFault('TargetGroupNotFound', 'One or more target groups not found');
  const asked = input.Targets ?? group.targets.map(({ id, port }) => ({ Id: id, Port: port }));
  return { TargetHealthDescriptions: asked.map((target) => healthOf(group, target)) };
}

function healthOf(group: TargetGroup, asked: TargetDescription): TargetHealthDescription {
  const target = group.targets.find(
    ({ id, port }) => id === asked.Id && (asked.Port === undefined || port === asked.Port),
  );
  if (!target) {
    const description = 'Target is not registered to the target group';
    return {
      Target: asked,
      TargetHealth: { State: 'unused', Reason: 'Target.NotRegistered', Description: description },
    };
  }
  const { state, reason, description } = target.health;
  return {
    Target: { Id: target.id, Port: target.port, AvailabilityZone: 'all' },
    HealthCheckPort: `${target.port}`,
    TargetHealth: {
      State: state,
      ...(reason ? { Reason: reason as NonNullable<TargetHealthDescription['TargetHealth']>['Reason'] } : {}),
      ...(description ? { Description: description } : {}),
    },
  };
}

function describeTargetGroups(
  balancers: readonly Balancer[],
  input: DescribeTargetGroupsInput,
): DescribeTargetGroupsOutput {
  const pairs = balancers.flatMap((balancer) => balancer.targetGroups.map((group) => ({ balancer, group })));
  const found = pairs.filter(
    ({ balancer, group }) =>
      (!input.TargetGroupArns || input.TargetGroupArns.includes(group.arn)) &&
      (!input.Names || input.Names.includes(group.name)) &&
      (!input.LoadBalancerArn || input.LoadBalancerArn === balancer.arn),
  );
  const asked = input.TargetGroupArns?.length ?? input.Names?.length ?? 0;
  if (found.length < asked) throw new AwsFault('TargetGroupNotFound', 'One or more target groups not found');
  return { TargetGroups: found.map(({ balancer, group }) => groupShape(balancer, group)) };
}

function groupShape(balancer: Balancer, group: TargetGroup): TargetGroupShape {
  const { healthCheck } = group.spec;
  return {
    TargetGroupArn: group.arn,
    TargetGroupName: group.name,
    Protocol: 'HTTP',
    ProtocolVersion: 'HTTP1',
    Port: group.spec.port,
    TargetType: 'ip',
    IpAddressType: 'ipv4',
    HealthCheckEnabled: true,
    HealthCheckProtocol: 'HTTP',
    HealthCheckPort: 'traffic-port',
    HealthCheckPath: healthCheck.path,
    HealthCheckIntervalSeconds: Math.ceil(healthCheck.intervalSeconds),
    HealthCheckTimeoutSeconds: Math.ceil(healthCheck.timeoutSeconds),
    HealthyThresholdCount: healthCheck.healthyThresholdCount,
    UnhealthyThresholdCount: healthCheck.unhealthyThresholdCount,
    Matcher: { HttpCode: healthCheck.matcher },
    LoadBalancerArns: [balancer.arn],
  };
}

function describeLoadBalancers(
  balancers: readonly Balancer[],
  input: DescribeLoadBalancersInput,
): DescribeLoadBalancersOutput {
  const found = balancers.filter(
    ({ arn, name }) =>
      (!input.LoadBalancerArns || input.LoadBalancerArns.includes(arn)) && (!input.Names || input.Names.includes(name)),
  );
  const asked = input.LoadBalancerArns?.length ?? input.Names?.length ?? 0;
  if (found.length < asked) throw new AwsFault('LoadBalancerNotFound', 'One or more load balancers not found');
  return { LoadBalancers: found.map(balancerShape) };
}

function balancerShape(balancer: Balancer): LoadBalancer {
  return {
    LoadBalancerArn: balancer.arn,
    LoadBalancerName: balancer.name,
    DNSName: `127.0.0.1:${balancer.port}`,
    CreatedTime: balancer.createdAt,
    Scheme: 'internal',
    Type: 'application',
    IpAddressType: 'ipv4',
    State: { Code: 'active' },
  };
}

function groupsOf(balancers: readonly Balancer[]): TargetGroup[] {
  return balancers.flatMap(({ targetGroups }) => [...targetGroups]);
}
