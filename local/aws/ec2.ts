import type { DescribeInstancesRequest, Instance } from '@aws-sdk/client-ec2';
import type { LocalContext } from '../context.ts';
import type { Hosts, ManagedHost } from '../hosts/hosts.ts';
import type { MachineImages } from './ec2-images.ts';
import { pageOf } from './page.ts';
import { matchesPattern } from './pattern.ts';
import { AwsFault, type AwsService } from './service.ts';

/** EC2 as far as hosts are looked up and machine images are kept. Source: EC2 API reference, DescribeInstances. */
export function createEc2({
  context,
  hosts,
  images,
}: {
  context: LocalContext;
  hosts: Pick<Hosts, 'all' | 'find'>;
  images: MachineImages;
}): AwsService {
  const { account, region } = context;
  return {
    id: 'ec2',
    operations: {
      ...images.operations,
      DescribeInstances: (input: DescribeInstancesRequest) => {
        const unknown = (input.InstanceIds ?? []).filter((id) => hosts.find(id) === undefined);
        if (unknown.length > 0) {
          const form = unknown.find((id) => !/^i-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id));
          if (form !== undefined) throw new AwsFault('InvalidInstanceID.Malformed', `Invalid id: "${form}"`);
          const [ids, verb] = unknown.length > 1 ? ['IDs', 'do'] : ['ID', 'does'];
          throw new AwsFault(
            'InvalidInstanceID.NotFound',
            `The instance ${ids} '${unknown.join(', ')}' ${verb} not exist`,
          );
        }
        const found = hosts
          .all()
          .filter(({ id }) => input.InstanceIds?.includes(id) ?? true)
          .filter((host) =>
            (input.Filters ?? []).every((f) => (f.Values ?? []).some((value) => matches(host, String(f.Name), value))),
          );
        const { items, nextToken } = pageOf(found, {
          nextToken: input.NextToken,
          maxResults: input.MaxResults,
          most: 1000,
          code: 'InvalidNextToken',
        });
        return {
          Reservations: items.map((host) => ({
            ReservationId: `r-${host.id.slice(2)}`,
            OwnerId: account,
            Groups: [],
            Instances: [instance(host, region)],
          })),
          ...(nextToken === undefined ? {} : { NextToken: nextToken }),
        };
      },
    },
  };
}

function instance(host: ManagedHost, region: string): Instance {
  return {
    InstanceId: host.id,
    ImageId: 'ami-00000000000000000',
    InstanceType: 't3.micro',
    Architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
    State: host.state === 'running' ? { Code: 16, Name: 'running' } : { Code: 80, Name: 'stopped' },
    LaunchTime: new Date(host.launchedAt),
    PrivateIpAddress: host.address,
    PrivateDnsName: `ip-${host.address.replaceAll('.', '-')}.${region}.compute.internal`,
    Placement: { AvailabilityZone: `${region}a`, Tenancy: 'default' },
    Tags: Object.entries(host.tags).map(([Key, Value]) => ({ Key, Value })),
  };
}

function matches(host: ManagedHost, name: string, value: string): boolean {
  const is = (actual: string) => matchesPattern(value, actual, true);
  if (name === 'instance-id') return is(host.id);
  if (name === 'instance-state-name') return is(host.state);
  if (name === 'private-ip-address') return is(host.address);
  if (name === 'tag-key') return Object.keys(host.tags).some(is);
  if (name === 'tag-value') return Object.values(host.tags).some(is);
  const tag = /^tag:(.+)$/.exec(name)?.[1];
  if (tag === undefined) throw new AwsFault('InvalidParameterValue', `The filter '${name}' is invalid`);
  const actual = host.tags[tag];
  return actual !== undefined && is(actual);
}
