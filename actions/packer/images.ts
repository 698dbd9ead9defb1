import {
  CopyImageCommand,
  CreateTagsCommand,
  DeregisterImageCommand,
  DescribeImageAttributeCommand,
  DescribeImageReferencesCommand,
  DescribeImagesCommand,
  EC2Client,
  type Image as Ec2Image,
  type Filter,
} from '@aws-sdk/client-ec2';
import { awsConfig, callAws } from '../../lib/aws/client.ts';

/** A machine image of the account, as far as the action looks at it. */
export interface Image {
  id: string;
  region: string;
  name: string;
  /** available, pending, failed, invalid, deregistered, error, disabled or transient. */
  state: string;
  /** Why it is not available, in AWS's words; '' when it says nothing. */
  reason: string;
  /** ISO 8601, so that texts sort as times. */
  createdAt: string;
  tags: Readonly<Record<string, string>>;
  snapshots: readonly string[];
  /** Everybody may start it. */
  public: boolean;
}

export interface Copy {
  source: string;
  sourceRegion: string;
  name: string;
  /** The same token never makes a second copy. */
  token: string;
  tags: Readonly<Record<string, string>>;
}

/** Machine images as a port. */
export interface Images {
  /** The account's own images with all of these tags. */
  tagged(region: string, tags: Readonly<Record<string, string>>): Promise<Image[]>;
  /** Those of these that are there. */
  byId(region: string, ids: readonly string[]): Promise<Image[]>;
  tag(region: string, resources: readonly string[], tags: Readonly<Record<string, string>>): Promise<void>;
  /** @returns the id of the copy, which is still being made. */
  copy(region: string, copy: Copy): Promise<string>;
  /** What of the account refers to them: instances, launch templates' newest versions, parameters, Image Builder's recipes. */
  references(region: string, ids: readonly string[]): Promise<{ id: string; by: string }[]>;
  /** Accounts and organisations that may start it. */
  sharedWith(region: string, id: string): Promise<string[]>;
  /** Deregisters it and deletes its snapshots, except those that another image has too. */
  remove(region: string, id: string): Promise<void>;
}

/** DescribeImageReferences takes 1 to 10 ids a call. Source: EC2 API reference. */
const REFERENCES_A_CALL = 10;

/** The account's images, by EC2's API; one client a region, made with its first call. */
export function ec2Images(signal: AbortSignal): Images {
  const clients = new Map<string, EC2Client>();
  const ec2 = (region: string) => {
    const client = clients.get(region) ?? new EC2Client(awsConfig({ region, action: 'packer' }));
    clients.set(region, client);
    return client;
  };
  const options = { abortSignal: signal };

  async function describe(region: string, what: string, filters: Filter[]): Promise<Image[]> {
    const images: Image[] = [];
    let next: string | undefined;
    do {
      const page = new DescribeImagesCommand({ Owners: ['self'], Filters: filters, MaxResults: 200, NextToken: next });
      const answer = await callAws({ operation: 'ec2:DescribeImages', resource: what }, () =>
        ec2(region).send(page, options),
      );
      images.push(...(answer.Images ?? []).flatMap((image) => imageOf(image, region)));
      next = answer.NextToken || undefined;
    } while (next !== undefined);
    return images;
  }

  return {
    tagged: (region, tags) => {
      const filters = Object.entries(tags).map(([name, value]) => ({ Name: `tag:${name}`, Values: [literal(value)] }));
      return describe(region, `images of ${region}`, filters);
    },
    byId: (region, ids) => describe(region, ids.join(', '), [{ Name: 'image-id', Values: [...ids] }]),
    async tag(region, resources, tags) {
      const create = new CreateTagsCommand({ Resources: [...resources], Tags: tagList(tags) });
      await callAws({ operation: 'ec2:CreateTags', resource: resources.join(', ') }, () =>
        ec2(region).send(create, options),
      );
    },
    async copy(region, { source, sourceRegion, name, token, tags }) {
      const copy = new CopyImageCommand({
        SourceImageId: source,
        SourceRegion: sourceRegion,
        Name: name,
        ClientToken: token,
        // At once, so that a run that is cancelled now leaves no copy that nobody knows.
        TagSpecifications: (['image', 'snapshot'] as const).map((type) => ({
          ResourceType: type,
          Tags: tagList(tags),
        })),
      });
      const answer = await callAws({ operation: 'ec2:CopyImage', resource: `${source} to ${region}` }, () =>
        ec2(region).send(copy, options),
      );
      return answer.ImageId ?? '';
    },
    async references(region, ids) {
      const found: { id: string; by: string }[] = [];
      for (let start = 0; start < ids.length; start += REFERENCES_A_CALL) {
        const some = ids.slice(start, start + REFERENCES_A_CALL);
        let next: string | undefined;
        do {
          const page = new DescribeImageReferencesCommand({
            ImageIds: some,
            IncludeAllResourceTypes: true,
            NextToken: next,
          });
          const answer = await callAws({ operation: 'ec2:DescribeImageReferences', resource: some.join(', ') }, () =>
            ec2(region).send(page, options),
          );
          for (const { ImageId: id, Arn: by } of answer.ImageReferences ?? []) if (id && by) found.push({ id, by });
          next = answer.NextToken || undefined;
        } while (next !== undefined);
      }
      return found;
    },
    async sharedWith(region, id) {
      const ask = new DescribeImageAttributeCommand({ ImageId: id, Attribute: 'launchPermission' });
      const answer = await callAws({ operation: 'ec2:DescribeImageAttribute', resource: id }, () =>
        ec2(region).send(ask, options),
      );
      return (answer.LaunchPermissions ?? []).flatMap(
        (p) => p.UserId ?? p.OrganizationArn ?? p.OrganizationalUnitArn ?? p.Group ?? [],
      );
    },
    async remove(region, id) {
      const deregister = new DeregisterImageCommand({ ImageId: id, DeleteAssociatedSnapshots: true });
      await callAws({ operation: 'ec2:DeregisterImage', resource: id }, () => ec2(region).send(deregister, options));
    },
  };
}

/** Filters know wildcards; a value is none. Source: EC2 User Guide, "Filter your resources". */
function literal(value: string): string {
  return value.replace(/[\\*?]/g, '\\$&');
}

function tagList(tags: Readonly<Record<string, string>>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function imageOf(image: Ec2Image, region: string): Image[] {
  if (image.ImageId === undefined) return [];
  return [
    {
      id: image.ImageId,
      region,
      name: image.Name ?? '',
      state: image.State ?? '',
      reason: image.StateReason?.Message ?? '',
      createdAt: image.CreationDate ?? '',
      tags: Object.fromEntries((image.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
      snapshots: (image.BlockDeviceMappings ?? []).flatMap((mapping) => mapping.Ebs?.SnapshotId ?? []),
      public: image.Public === true,
    },
  ];
}
