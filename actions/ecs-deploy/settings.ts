import type { Service, ServiceSettings } from '../../lib/ecs/api.ts';
import type { Json } from '../../lib/ecs/json.ts';
import { Problem } from '../../lib/errors.ts';
import { canonicalJson } from '../../lib/fingerprint/canonical.ts';
import type { EcsDeployInputs } from './inputs.ts';

/** What the inputs ask of the service beside revision and count; what is not asked for is left as it is. */
export function settingsOf(inputs: EcsDeployInputs): ServiceSettings {
  const grace = inputs['health-check-grace-period'];
  const strategy = inputs['capacity-provider-strategy'];
  const volumes = volumesOf(inputs);
  const settings = {
    propagateTags: inputs['propagate-tags'],
    enableECSManagedTags: inputs['enable-ecs-managed-tags'],
    enableExecuteCommand: inputs['enable-execute-command'],
    capacityProviderStrategy: strategy,
    availabilityZoneRebalancing: inputs['availability-zone-rebalancing'],
    healthCheckGracePeriodSeconds: grace === undefined ? undefined : Math.round(grace / 1000),
    platformVersion: inputs['platform-version'] || undefined,
    volumeConfigurations: volumes,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function volumesOf(inputs: EcsDeployInputs): ServiceSettings['volumeConfigurations'] {
  const name = inputs['service-managed-ebs-volume-name'];
  const managedEBSVolume = inputs['service-managed-ebs-volume'];
  if (name === '' && managedEBSVolume === undefined) return undefined;
  return [{ name, managedEBSVolume: ebsVolume(name, managedEBSVolume, 'service-managed-ebs-volume') }];
}

/** @throws Problem for a volume without a name or without the role that ECS makes it with. */
export function ebsVolume(name: string, volume: Record<string, unknown> | undefined, input: string) {
  if (name === '' || volume === undefined || typeof volume.roleArn !== 'string')
    throw new Problem({
      what: `inputs '${input}-name' and '${input}'`,
      cause: 'an EBS volume needs both, and the second needs the `roleArn` that ECS makes the volume with',
      fix: `Set \`${input}-name\` to the volume's name in the task definition and \`${input}\` to {"roleArn": "…", "sizeInGiB": 10, …}`,
    });
  return volume as { roleArn: string };
}

/** What ECS has where nobody said anything. Source: ECS API reference, CreateService. */
const DEFAULTS: Readonly<Record<string, Json>> = {
  propagateTags: 'NONE',
  enableECSManagedTags: false,
  enableExecuteCommand: false,
  capacityProviderStrategy: [],
  healthCheckGracePeriodSeconds: 0,
  platformVersion: 'LATEST',
};

const INPUTS: Readonly<Record<string, string>> = {
  propagateTags: 'propagate-tags',
  enableECSManagedTags: 'enable-ecs-managed-tags',
  enableExecuteCommand: 'enable-execute-command',
  capacityProviderStrategy: 'capacity-provider-strategy',
  availabilityZoneRebalancing: 'availability-zone-rebalancing',
  healthCheckGracePeriodSeconds: 'health-check-grace-period',
  platformVersion: 'platform-version',
};

/** Which of the settings the service does not have yet, as a sentence; '' when it has them all. Volumes cannot be read back. */
export function settingsDiffer(service: Service, settings: ServiceSettings): string {
  const live = service as unknown as Record<string, Json | undefined>;
  const differ = Object.entries(settings).flatMap(([key, wanted]) => {
    const input = INPUTS[key];
    if (input === undefined) return [];
    const seen = live[key] ?? DEFAULTS[key] ?? null;
    return same(key, seen, wanted as Json) ? [] : [`${input} is ${JSON.stringify(seen)} so far`];
  });
  return differ.join(', ');
}

function same(key: string, seen: Json, wanted: Json): boolean {
  return canonicalJson(normal(key, seen)) === canonicalJson(normal(key, wanted));
}

/** ECS fills in weight and base of a strategy, whose order has no meaning. */
function normal(key: string, value: Json): Json {
  if (key !== 'capacityProviderStrategy' || !Array.isArray(value)) return value;
  return value
    .map((item) => ({ base: 0, weight: 0, ...(item as Record<string, Json>) }))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** ECS refuses another strategy without a new deployment. Source: ECS developer guide, "Updating a service's capacity provider strategy". */
export function needsNewTasks(service: Service, settings: ServiceSettings): boolean {
  const { capacityProviderStrategy } = settings;
  return capacityProviderStrategy !== undefined && settingsDiffer(service, { capacityProviderStrategy }) !== '';
}
