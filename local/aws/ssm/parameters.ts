import type {
  AddTagsToResourceRequest,
  DeleteParameterRequest,
  DescribeParametersRequest,
  GetParameterHistoryRequest,
  GetParameterRequest,
  GetParametersByPathRequest,
  GetParametersRequest,
  ListTagsForResourceRequest,
  ParameterType,
  PutParameterRequest,
} from '@aws-sdk/client-ssm';
import type { LocalContext } from '../../context.ts';
import type { ParameterSpec } from '../../world.ts';
import { pageOf } from '../page.ts';
import { AwsFault, type Call, type Operation } from '../service.ts';

interface Parameter {
  name: string;
  type: ParameterType;
  value: string;
  version: number;
  modifiedAt: number;
  tags: Record<string, string>;
  /** What it was before, oldest first. */
  earlier: Omit<Parameter, 'tags' | 'earlier'>[];
  dataType: string;
}

export interface ParameterStore {
  operations: Record<string, Operation>;
  /** The value of a parameter by name or ARN, decrypted. @throws AwsFault ParameterNotFound */
  value(nameOrArn: string): string;
  /** All values of a region, by name. */
  values(region: string): ReadonlyMap<string, string>;
}

const STANDARD_BYTES = 4096;
const ADVANCED_BYTES = 8192;
/** Versions that Parameter Store keeps; the oldest goes when another comes. */
const KEPT_VERSIONS = 100;
/** Stands for the key of the account: what a SecureString reads without WithDecryption. */
const CIPHER_PREFIX = 'AQICAHh';

type StoreContext = Pick<LocalContext, 'account' | 'region' | 'clock'>;

/** Parameter Store. Source: Systems Manager API reference, GetParameter and the others. */
export function createParameterStore(
  context: StoreContext,
  initial: Readonly<Record<string, ParameterSpec>>,
): ParameterStore {
  const store = new Parameters(context, initial);
  // Other regions have parameters of their own, none at first.
  const elsewhere = new Map<string, Parameters>();
  const of = (region: string) => {
    if (region === context.region) return store;
    const other = elsewhere.get(region) ?? new Parameters({ ...context, region }, {});
    elsewhere.set(region, other);
    return other;
  };
  const names = Object.keys(store.operations());
  return {
    operations: Object.fromEntries(
      names.map((name): [string, Operation] => [name, (input, call) => of(call.region).call(name, input, call)]),
    ),
    value: (nameOrArn) => store.find(nameOrArn).value,
    values: (region) => of(region).values(),
  };
}

class Parameters {
  readonly #context: StoreContext;
  readonly #parameters = new Map<string, Parameter>();

  constructor(context: StoreContext, initial: Readonly<Record<string, ParameterSpec>>) {
    this.#context = context;
    for (const [name, spec] of Object.entries(initial)) {
      this.#parameters.set(name, {
        ...spec,
        name,
        version: 1,
        modifiedAt: context.clock.now(),
        tags: {},
        earlier: [],
        dataType: 'text',
      });
    }
  }

  operations(): Record<string, Operation> {
    return {
      GetParameter: (input: GetParameterRequest) => ({
        Parameter: this.#shown(this.find(String(input.Name)), input.WithDecryption),
      }),
      GetParameterHistory: (input: GetParameterHistoryRequest) => this.#getParameterHistory(input),
      GetParameters: (input: GetParametersRequest) => this.#getParameters(input),
      GetParametersByPath: (input: GetParametersByPathRequest) => this.#getParametersByPath(input),
      DescribeParameters: (input: DescribeParametersRequest) => this.#describeParameters(input),
      PutParameter: (input: PutParameterRequest) => this.#putParameter(input),
      DeleteParameter: (input: DeleteParameterRequest) => this.#deleteParameter(input),
      AddTagsToResource: (input: AddTagsToResourceRequest) => this.#addTagsToResource(input),
      ListTagsForResource: (input: ListTagsForResourceRequest) => ({
        TagList: Object.entries(this.#taggable(input).tags).map(([Key, Value]) => ({ Key, Value })),
      }),
    };
  }

  call(name: string, input: never, call: Call): object {
    return this.operations()[name]?.(input, call) ?? {};
  }

  values(): ReadonlyMap<string, string> {
    return new Map([...this.#parameters].map(([name, { value }]) => [name, value]));
  }

  find(nameOrArn: string): Parameter {
    const name = nameOrArn.replace(/:\d+$/, '');
    const found =
      this.#parameters.get(name) ?? [...this.#parameters.values()].find((p) => this.#arnOf(p.name) === name);
    if (found === undefined) throw new AwsFault('ParameterNotFound', '');
    return found;
  }

  #getParameters(input: GetParametersRequest) {
    const names = input.Names ?? [];
    if (names.length > 10) {
      throw new AwsFault(
        'ValidationException',
        `1 validation error detected: Value '[${names.join(', ')}]' at 'names' failed to satisfy constraint: Member must have length less than or equal to 10`,
      );
    }
    const known = names.filter((name) => this.#parameters.has(name));
    return {
      Parameters: known.map((name) => this.#shown(this.find(name), input.WithDecryption)),
      InvalidParameters: names.filter((name) => !this.#parameters.has(name)),
    };
  }

  #getParameterHistory(input: GetParameterHistoryRequest) {
    const { earlier, tags: _, ...current } = this.find(String(input.Name));
    const { items, nextToken } = pageOf([...earlier, current], {
      nextToken: input.NextToken,
      maxResults: input.MaxResults,
      most: 50,
      code: 'InvalidNextToken',
    });
    return {
      Parameters: items.map((p) => {
        const { ARN: _, ...shown } = this.#shown(p, input.WithDecryption);
        return { ...shown, Labels: [], Tier: tierOf(p.value), Policies: [] };
      }),
      NextToken: nextToken,
    };
  }

  #getParametersByPath(input: GetParametersByPathRequest) {
    const path = String(input.Path).replace(/\/*$/, '/');
    const below = [...this.#parameters.values()]
      .filter((p) => p.name.startsWith(path) && (input.Recursive || !p.name.slice(path.length).includes('/')))
      .sort((a, b) => a.name.localeCompare(b.name));
    const { items, nextToken } = pageOf(below, {
      nextToken: input.NextToken,
      maxResults: input.MaxResults,
      most: 10,
      code: 'InvalidNextToken',
    });
    return { Parameters: items.map((p) => this.#shown(p, input.WithDecryption)), NextToken: nextToken };
  }

  #describeParameters(input: DescribeParametersRequest) {
    const wanted = (name: string) =>
      (input.ParameterFilters ?? []).every(({ Key, Option = 'Equals', Values = [] }) => {
        if (Key !== 'Name')
          throw new AwsFault('InvalidFilterKey', `The local Systems Manager filters only by Name, not ${Key}.`);
        if (Option === 'BeginsWith') return Values.some((value) => name.startsWith(value));
        if (Option === 'Contains') return Values.some((value) => name.includes(value));
        return Values.includes(name);
      });
    const found = [...this.#parameters.values()]
      .filter((p) => wanted(p.name))
      .sort((a, b) => a.name.localeCompare(b.name));
    const { items, nextToken } = pageOf(found, {
      nextToken: input.NextToken,
      maxResults: input.MaxResults ?? 10,
      most: 50,
      code: 'InvalidNextToken',
    });
    const Parameters = items.map((p) => ({
      Name: p.name,
      ARN: this.#arnOf(p.name),
      Type: p.type,
      Version: p.version,
      LastModifiedDate: new Date(p.modifiedAt),
      Tier: tierOf(p.value),
      Policies: [],
      DataType: p.dataType,
    }));
    return { Parameters, NextToken: nextToken };
  }

  #putParameter(input: PutParameterRequest) {
    const name = String(input.Name);
    const value = String(input.Value);
    const existing = this.#parameters.get(name);
    if (existing !== undefined && !input.Overwrite) {
      throw new AwsFault(
        'ParameterAlreadyExists',
        'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
      );
    }
    if (existing === undefined && input.Type === undefined) {
      throw new AwsFault('ValidationException', 'A parameter type is required when you create a parameter.');
    }
    if (input.Overwrite && input.Tags?.length) {
      throw new AwsFault(
        'ValidationException',
        'Invalid request: tags and overwrite cannot be used together. To create a parameter with tags, remove overwrite flag. To update tags for an existing parameter, use AddTagsToResource or RemoveTagsFromResource.',
      );
    }
    if (
      Buffer.byteLength(value) > STANDARD_BYTES &&
      input.Tier !== 'Advanced' &&
      input.Tier !== 'Intelligent-Tiering'
    ) {
      throw new AwsFault(
        'ValidationException',
        'Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.',
      );
    }
    if (Buffer.byteLength(value) > ADVANCED_BYTES) {
      throw new AwsFault(
        'ValidationException',
        'Advanced tier parameters support a maximum parameter value of 8192 characters.',
      );
    }
    const parameter: Parameter = {
      name,
      value,
      type: input.Type ?? existing?.type ?? 'String',
      version: (existing?.version ?? 0) + 1,
      modifiedAt: this.#context.clock.now(),
      tags: existing?.tags ?? tagsOf(input.Tags),
      earlier: existing ? [...existing.earlier, withoutPast(existing)].slice(1 - KEPT_VERSIONS) : [],
      dataType: input.DataType ?? 'text',
    };
    this.#parameters.set(name, parameter);
    return {
      Version: parameter.version,
      Tier: input.Tier === 'Advanced' ? ('Advanced' as const) : tierOf(value),
    };
  }

  #deleteParameter(input: DeleteParameterRequest) {
    this.#parameters.delete(this.find(String(input.Name)).name);
    return {};
  }

  #addTagsToResource(input: AddTagsToResourceRequest) {
    Object.assign(this.#taggable(input).tags, tagsOf(input.Tags));
    return {};
  }

  #shown(p: Omit<Parameter, 'tags' | 'earlier'>, decrypt: boolean | undefined) {
    return {
      Name: p.name,
      Type: p.type,
      Value: p.type === 'SecureString' && !decrypt ? CIPHER_PREFIX + Buffer.from(p.name).toString('base64') : p.value,
      Version: p.version,
      LastModifiedDate: new Date(p.modifiedAt),
      ARN: this.#arnOf(p.name),
      DataType: p.dataType,
    };
  }

  #arnOf(name: string): string {
    const { account, region } = this.#context;
    return `arn:aws:ssm:${region}:${account}:parameter${name.startsWith('/') ? '' : '/'}${name}`;
  }

  #taggable(input: { ResourceType: string | undefined; ResourceId: string | undefined }): Parameter {
    if (input.ResourceType !== 'Parameter') {
      throw new AwsFault(
        'InvalidResourceType',
        `The local Systems Manager tags only parameters, not ${input.ResourceType}.`,
      );
    }
    const found = this.#parameters.get(String(input.ResourceId));
    if (found === undefined)
      throw new AwsFault(
        'InvalidResourceId',
        'The resource ID is not valid. Verify that you entered the correct ID and try again.',
      );
    return found;
  }
}

function withoutPast({ earlier: _, tags: __, ...current }: Parameter): Omit<Parameter, 'tags' | 'earlier'> {
  return current;
}

/** Intelligent-Tiering takes the advanced tier for what the standard one could not hold. */
function tierOf(value: string): 'Standard' | 'Advanced' {
  return Buffer.byteLength(value) > STANDARD_BYTES ? 'Advanced' : 'Standard';
}

function tagsOf(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Record<string, string> {
  return Object.fromEntries((tags ?? []).map((tag) => [String(tag.Key), String(tag.Value)]));
}
