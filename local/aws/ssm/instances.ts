import type { DescribeInstanceInformationRequest, InstanceInformation } from '@aws-sdk/client-ssm';
import type { LocalContext } from '../../context.ts';
import type { Hosts, ManagedHost } from '../../hosts/hosts.ts';
import { pageOf } from '../page.ts';
import { AwsFault, type Operation } from '../service.ts';

const PING_EVERY_MS = 300_000;

/** DescribeInstanceInformation: which agents there are, and which are online. Source: Systems Manager API reference. */
export function instanceOperations(hosts: Pick<Hosts, 'all'>, { clock }: LocalContext): Record<string, Operation> {
  const shown = (host: ManagedHost): InstanceInformation => ({
    InstanceId: host.id,
    PingStatus: host.online ? 'Online' : 'ConnectionLost',
    LastPingDateTime: new Date(host.online ? clock.now() : host.launchedAt - PING_EVERY_MS),
    AgentVersion: '3.3.2746.0',
    IsLatestVersion: true,
    PlatformType: 'Linux',
    PlatformName: 'Slipway local host',
    PlatformVersion: '1',
    ResourceType: 'EC2Instance',
    IPAddress: host.address,
    ComputerName: host.name,
  });
  return {
    DescribeInstanceInformation: (input: DescribeInstanceInformationRequest) => {
      const filters = [
        ...(input.Filters ?? []).map((f) => ({ key: String(f.Key), values: f.Values ?? [] })),
        ...(input.InstanceInformationFilterList ?? []).map((f) => ({ key: String(f.key), values: f.valueSet ?? [] })),
      ];
      const found = hosts
        .all()
        .filter((host) => filters.every(({ key, values }) => values.some((v) => matches(host, key, v))));
      const { items, nextToken } = pageOf(found, {
        nextToken: input.NextToken,
        maxResults: input.MaxResults,
        most: 50,
        code: 'InvalidNextToken',
      });
      return {
        InstanceInformationList: items.map(shown),
        ...(nextToken === undefined ? {} : { NextToken: nextToken }),
      };
    },
  };
}

function matches(host: ManagedHost, key: string, value: string): boolean {
  switch (key) {
    case 'InstanceIds':
      return host.id === value;
    case 'PingStatus':
      return (host.online ? 'Online' : 'ConnectionLost') === value;
    case 'PlatformTypes':
      return value === 'Linux';
    case 'ResourceType':
      return value === 'EC2Instance';
    case 'tag-key':
      return Object.hasOwn(host.tags, value);
    default: {
      const tag = /^tag:(.+)$/.exec(key)?.[1];
      if (tag === undefined) throw new AwsFault('InvalidFilterKey', `The filter key ${key} is not known here.`);
      return host.tags[tag] === value;
    }
  }
}
