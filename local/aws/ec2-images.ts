import { createHash } from 'node:crypto';
import type {
  CopyImageRequest,
  CreateTagsRequest,
  DeregisterImageRequest,
  DescribeImageAttributeRequest,
  DescribeImageReferencesRequest,
  DescribeImagesRequest,
  Image,
  TagSpecification,
} from '@aws-sdk/client-ec2';
import type { LocalContext } from '../context.ts';
import type { ImageSpec, InstanceSpec, LaunchTemplateSpec } from '../world.ts';
import { pageOf } from './page.ts';
import { matchesPattern } from './pattern.ts';
import { AwsFault, type Call, type Operation } from './service.ts';

interface LocalImage {
  id: string;
  region: string;
  name: string;
  tags: Record<string, string>;
  createdAt: number;
  /** From when on it can be started from. */
  availableAt: number;
  sharedWith: string[];
  snapshot: string;
}

interface Snapshot {
  id: string;
  region: string;
  tags: Record<string, string>;
}

/** A machine image that is made while everything runs, as a builder would. */
export interface MachineImages {
  add(spec: ImageSpec): string;
  /** Ids of those that there are, by region; snapshots too. */
  ids(region: string): string[];
  operations: Record<string, Operation>;
}

export interface MachineImagesDeps {
  context: Pick<LocalContext, 'account' | 'region' | 'clock'>;
  images: readonly ImageSpec[];
  launchTemplates: readonly LaunchTemplateSpec[];
  instances: readonly InstanceSpec[];
  /** Values of parameters by name, in a region. */
  parameters(region: string): ReadonlyMap<string, string>;
}

/** How long a copy between regions takes. AWS takes minutes. */
const COPY_MS = 40;
/** Default of `version-depth`. Source: EC2 User Guide, "How AMI reference checks work". */
const VERSIONS = 10;

/** Machine images of each region. Source: EC2 API reference, the operations by name. */
export function createMachineImages(deps: MachineImagesDeps): MachineImages {
  return new Store(deps);
}

class Store implements MachineImages {
  readonly operations: Record<string, Operation>;
  readonly #deps: MachineImagesDeps;
  readonly #images = new Map<string, LocalImage>();
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #tokens = new Map<string, string>();
  #count = 0;

  constructor(deps: MachineImagesDeps) {
    this.#deps = deps;
    for (const spec of deps.images) this.add(spec);
    this.operations = {
      DescribeImages: (input: DescribeImagesRequest, call) => this.#describe(input, call),
      CreateTags: (input: CreateTagsRequest, call) => this.#createTags(input, call),
      CopyImage: (input: CopyImageRequest, call) => this.#copy(input, call),
      DeregisterImage: (input: DeregisterImageRequest, call) => this.#deregister(input, call),
      DescribeImageAttribute: (input: DescribeImageAttributeRequest, call) => this.#attribute(input, call),
      DescribeImageReferences: (input: DescribeImageReferencesRequest, call) => this.#references(input, call),
    };
  }

  add(spec: ImageSpec): string {
    const now = this.#deps.context.clock.now();
    const region = spec.region ?? this.#deps.context.region;
    const snapshot: Snapshot = { id: this.#id('snap'), region, tags: { ...spec.tags } };
    this.#snapshots.set(snapshot.id, snapshot);
    const image: LocalImage = {
      id: spec.id ?? this.#id('ami'),
      region,
      name: spec.name,
      tags: { ...spec.tags },
      createdAt: spec.createdAt === undefined ? now : Date.parse(spec.createdAt),
      availableAt: now + (spec.pendingMs ?? 0),
      sharedWith: spec.sharedWith ?? [],
      snapshot: snapshot.id,
    };
    this.#images.set(image.id, image);
    return image.id;
  }

  ids(region: string): string[] {
    return [...this.#images.values(), ...this.#snapshots.values()]
      .filter((one) => one.region === region)
      .map(({ id }) => id);
  }

  #id(kind: 'ami' | 'snap'): string {
    const { account } = this.#deps.context;
    return `${kind}-${createHash('sha256')
      .update(`${account} ${kind} ${this.#count++}`)
      .digest('hex')
      .slice(0, 17)}`;
  }

  #find(id: string | undefined, region: string): LocalImage {
    if (!/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id ?? '')) {
      throw new AwsFault('InvalidAMIID.Malformed', `Invalid id: "${id}"`);
    }
    const found = this.#images.get(String(id));
    if (found?.region !== region) throw new AwsFault('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`);
    return found;
  }

  #describe(input: DescribeImagesRequest, { region }: Call) {
    const foreign = (input.Owners ?? []).find((owner) => owner !== 'self' && owner !== this.#deps.context.account);
    if (foreign !== undefined || input.Owners === undefined) {
      throw new AwsFault(
        'InvalidParameterValue',
        'The local EC2 has images of its own account alone: set Owners to self',
      );
    }
    const asked = input.ImageIds?.map((id) => this.#find(id, region));
    const found = (asked ?? [...this.#images.values()])
      .filter((image) => image.region === region)
      .filter((image) =>
        (input.Filters ?? []).every((f) => (f.Values ?? []).some((v) => this.#matches(image, String(f.Name), v))),
      );
    const { items, nextToken } = pageOf(found, {
      nextToken: input.NextToken,
      maxResults: input.MaxResults,
      most: 1000,
      code: 'InvalidNextToken',
    });
    return {
      Images: items.map((image) => this.#shown(image)),
      ...(nextToken === undefined ? {} : { NextToken: nextToken }),
    };
  }

  #matches(image: LocalImage, name: string, value: string): boolean {
    const is = (actual: string) => matchesPattern(value, actual, true);
    if (name === 'image-id') return is(image.id);
    if (name === 'name') return is(image.name);
    if (name === 'state') return is(this.#state(image));
    const key = /^tag:(.+)$/.exec(name)?.[1];
    if (key === undefined) throw new AwsFault('InvalidParameterValue', `The filter '${name}' is invalid`);
    const actual = image.tags[key];
    return actual !== undefined && is(actual);
  }

  #state({ availableAt }: LocalImage) {
    return availableAt <= this.#deps.context.clock.now() ? ('available' as const) : ('pending' as const);
  }

  #shown(image: LocalImage): Image {
    return {
      ImageId: image.id,
      Name: image.name,
      OwnerId: this.#deps.context.account,
      State: this.#state(image),
      CreationDate: new Date(image.createdAt).toISOString(),
      Public: image.sharedWith.includes('all'),
      Architecture: 'x86_64',
      RootDeviceType: 'ebs',
      BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { SnapshotId: image.snapshot, Encrypted: true } }],
      Tags: Object.entries(image.tags).map(([Key, Value]) => ({ Key, Value })),
    };
  }

  #createTags(input: CreateTagsRequest, { region }: Call) {
    const resources = (input.Resources ?? []).map((id) => {
      const snapshot = this.#snapshots.get(id);
      return snapshot?.region === region ? snapshot : this.#find(id, region);
    });
    for (const resource of resources) Object.assign(resource.tags, tagsOf(input.Tags));
    return {};
  }

  #copy(input: CopyImageRequest, { region }: Call) {
    const token = input.ClientToken && `${region} ${input.ClientToken}`;
    const before = token ? this.#tokens.get(token) : undefined;
    if (before !== undefined) return { ImageId: before };
    const source = this.#find(input.SourceImageId, String(input.SourceRegion));
    if (this.#state(source) !== 'available') {
      throw new AwsFault('InvalidRequest', `Image ${source.id} is in state pending and cannot be copied.`);
    }
    if ([...this.#images.values()].some((image) => image.region === region && image.name === input.Name)) {
      throw new AwsFault(
        'InvalidAMIName.Duplicate',
        `AMI name ${input.Name} is already in use by an AMI of this account`,
      );
    }
    const id = this.add({
      region,
      name: String(input.Name),
      tags: specified(input.TagSpecifications, 'image'),
      pendingMs: COPY_MS,
    });
    const copy = this.#find(id, region);
    Object.assign(this.#snapshots.get(copy.snapshot) ?? {}, { tags: specified(input.TagSpecifications, 'snapshot') });
    if (token) this.#tokens.set(token, id);
    return { ImageId: id };
  }

  #deregister(input: DeregisterImageRequest, { region }: Call) {
    const image = this.#find(input.ImageId, region);
    this.#images.delete(image.id);
    if (!input.DeleteAssociatedSnapshots) return { Return: true };
    this.#snapshots.delete(image.snapshot);
    return { Return: true, DeleteSnapshotResults: [{ SnapshotId: image.snapshot, ReturnCode: 'success' as const }] };
  }

  #attribute(input: DescribeImageAttributeRequest, { region }: Call) {
    if (input.Attribute !== 'launchPermission') {
      throw new AwsFault(
        'InvalidParameterValue',
        `The local EC2 knows the attribute launchPermission, not ${input.Attribute}`,
      );
    }
    const image = this.#find(input.ImageId, region);
    const LaunchPermissions = image.sharedWith.map((who) =>
      who === 'all' ? { Group: 'all' as const } : { UserId: who },
    );
    return { ImageId: image.id, LaunchPermissions };
  }

  #references(input: DescribeImageReferencesRequest, { region }: Call) {
    const ids = (input.ImageIds ?? []).map((id) => this.#find(id, region).id);
    if (ids.length < 1 || ids.length > 10) {
      throw new AwsFault('InvalidParameterValue', 'Between 1 and 10 image ids must be given.');
    }
    if (!input.IncludeAllResourceTypes || input.ResourceTypes !== undefined) {
      throw new AwsFault('InvalidParameterValue', 'The local EC2 knows IncludeAllResourceTypes alone');
    }
    const { account, region: own } = this.#deps.context;
    const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${account}:${resource}`;
    const references = [
      ...this.#deps.instances
        .filter((instance) => (instance.region ?? own) === region)
        .map(({ id, image }) => ({ image, type: 'ec2:Instance' as const, arn: arn('ec2', `instance/${id}`) })),
      ...this.#deps.launchTemplates
        .filter((template) => (template.region ?? own) === region)
        .flatMap(({ id, versions }) =>
          [...new Set(versions.slice(-VERSIONS))].map((image) => ({
            image,
            type: 'ec2:LaunchTemplate' as const,
            arn: arn('ec2', `launch-template/${id}`),
          })),
        ),
      ...[...this.#deps.parameters(region)].map(([name, image]) => ({
        image,
        type: 'ssm:Parameter' as const,
        arn: arn('ssm', `parameter${name}`),
      })),
    ].filter(({ image }) => ids.includes(image));
    return {
      ImageReferences: references.map(({ image, type, arn: by }) => ({ ImageId: image, ResourceType: type, Arn: by })),
    };
  }
}

function specified(specifications: readonly TagSpecification[] | undefined, type: string): Record<string, string> {
  return tagsOf(specifications?.filter(({ ResourceType }) => ResourceType === type).flatMap(({ Tags = [] }) => Tags));
}

function tagsOf(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}
