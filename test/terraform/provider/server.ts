/**
 * The stand-in for a provider: a server of Terraform's plugin protocol that the real terraform attaches to
 * (TF_REATTACH_PROVIDERS) instead of downloading and starting the provider proper. See FIDELITY.md.
 */
import { fileURLToPath } from 'node:url';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { Cloud, fill, plan } from './cloud.ts';
import { ANSWERS } from './data-sources.ts';
import { digits, isSensitive, isWriteOnly, type Surroundings } from './facts.ts';
import type { BlockSchema, NestedBlock, ProviderSchema } from './schema.ts';
import { readExtracts } from './used-types.ts';
import { type DynamicValue, decode, encode, isObject, type ObjectValue, UNKNOWN, type Value } from './value.ts';

export const SCHEMAS = fileURLToPath(new URL('../schema', import.meta.url));
const ACCOUNT = '123456789012';

export interface StandIn {
  /** For the environment of terraform. */
  env: { TF_REATTACH_PROVIDERS: string };
  cloud: Cloud;
  stop(): void;
}

/** Starts one server per provider of the extract, on loopback. */
export async function startProviders(folder: string = SCHEMAS): Promise<StandIn> {
  const cloud = new Cloud();
  const reattach: Record<string, unknown> = {};
  const servers: Server[] = [];
  for (const [name, schema] of readExtracts(folder)) {
    const server = new Server({ 'grpc.max_send_message_length': -1, 'grpc.max_receive_message_length': -1 });
    servers.push(server);
    server.addService(service('plugin.proto', 'tfplugin5.Provider'), provider(schema, cloud));
    server.addService(service('health.proto', 'grpc.health.v1.Health'), {
      Check: answer(() => ({ status: 'SERVING' })),
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    reattach[`registry.terraform.io/hashicorp/${name}`] = {
      Protocol: 'grpc',
      ProtocolVersion: 5,
      Pid: process.pid,
      Test: true, // terraform must not end us when it is done
      Addr: { Network: 'tcp', String: `127.0.0.1:${port}` },
    };
  }
  return {
    env: { TF_REATTACH_PROVIDERS: JSON.stringify(reattach) },
    cloud,
    stop: () => {
      for (const server of servers) server.forceShutdown();
    },
  };
}

function service(file: string, name: string) {
  const definition: PackageDefinition = loadSync(fileURLToPath(new URL(file, import.meta.url)), {
    keepCase: true,
    enums: String,
    longs: Number,
    defaults: true,
  });
  return definition[name] as Parameters<Server['addService']>[0];
}

interface Request {
  type_name: string;
  config: DynamicValue | null;
  current_state: DynamicValue | null;
  prior_state: DynamicValue | null;
  proposed_new_state: DynamicValue | null;
  planned_state: DynamicValue | null;
  raw_state: { json: Uint8Array } | null;
}

/** An exception is a bug here or a configuration that the stand-in cannot serve: terraform shows its words either way. */
function answer(respond: (request: Request, peer: string) => object): handleUnaryCall<Request, object> {
  return (call: ServerUnaryCall<Request, object>, callback) => {
    try {
      callback(null, respond(call.request, call.getPeer()));
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      callback(null, { diagnostics: [{ severity: 'ERROR', summary: "The provider's stand-in failed", detail }] });
    }
  };
}

function provider(schema: ProviderSchema, cloud: Cloud): UntypedServiceImplementation {
  // Terraform opens one connection per configured provider: `provider` blocks that differ are told apart by it.
  const configured = new Map<string, Surroundings>();
  const surroundings = (peer: string): Surroundings =>
    configured.get(peer) ?? { account: ACCOUNT, region: 'eu-central-1', defaultTags: {} };
  const resource = (type: string) => typeIn(schema.resources, type, schema.provider);
  const schemaMessage = schemasOf(schema);
  const nothing = answer(() => ({}));
  return {
    GetSchema: answer(() => schemaMessage),
    PrepareProviderConfig: answer(({ config }) => ({ prepared_config: config })),
    Configure: answer(({ config }, peer) => {
      configured.set(peer, surroundingsOf(decode(config)));
      return {};
    }),
    ValidateResourceTypeConfig: answer(({ type_name, config }) => validation(resource(type_name), decode(config))),
    ValidateDataSourceConfig: answer(({ type_name, config }) =>
      validation(typeIn(schema.data, type_name, schema.provider), decode(config)),
    ),
    Stop: nothing,
    UpgradeResourceState: answer(({ type_name, raw_state }) => ({
      upgraded_state: encode(
        complete(resource(type_name), JSON.parse(Buffer.from(raw_state?.json ?? []).toString('utf8'))),
      ),
    })),
    ReadResource: answer(({ type_name, current_state }) => {
      const current = decode(current_state);
      return { new_state: encode(isObject(current) ? cloud.read(type_name, current) : null) };
    }),
    PlanResourceChange: answer(({ type_name, prior_state, proposed_new_state }, peer) => {
      const proposed = decode(proposed_new_state);
      const prior = decode(prior_state);
      if (!isObject(proposed)) return { planned_state: encode(null) };
      const planned = plan(resource(type_name), isObject(prior) ? prior : null, proposed, surroundings(peer));
      return { planned_state: encode(planned) };
    }),
    ApplyResourceChange: answer(({ type_name, prior_state, planned_state }, peer) => {
      const planned = decode(planned_state);
      const prior = decode(prior_state);
      const before = isObject(prior) ? prior : null;
      if (!isObject(planned)) {
        if (before) cloud.remove(type_name, before);
        return { new_state: encode(null) };
      }
      return { new_state: encode(cloud.apply(type_name, resource(type_name), planned, before, surroundings(peer))) };
    }),
    ReadDataSource: answer(({ type_name, config }, peer) => {
      const block = typeIn(schema.data, type_name, schema.provider);
      const asked = decode(config);
      const given = isObject(asked) ? asked : {};
      const where = surroundings(peer);
      const known = { ...given, ...withoutSet(given, ANSWERS[type_name]?.(given, where) ?? {}) };
      const opened = Object.fromEntries(
        Object.entries(block.attributes).map(([name, [, presence]]) => [
          name,
          presence.includes('c') && (known[name] ?? null) === null ? UNKNOWN : (known[name] ?? null),
        ]),
      );
      return {
        state: encode(
          fill(type_name, block, { ...known, ...opened }, where, digits(type_name + JSON.stringify(given), 64)),
        ),
      };
    }),
  };
}

/** Terraform leaves it to the provider to refuse values for what only the provider sets. */
function validation(schema: BlockSchema, config: Value): object {
  return {
    diagnostics: misplaced(schema, config, []).map((path) => ({
      severity: 'ERROR',
      summary: 'Value for unconfigurable attribute',
      detail: `Only the provider sets ${path.join('.')}: it cannot be configured.`,
    })),
  };
}

function misplaced(schema: BlockSchema, value: Value, path: string[]): string[][] {
  if (!isObject(value)) return [];
  const set = Object.entries(schema.attributes)
    .filter(([name, [, presence]]) => presence === 'c' && (value[name] ?? null) !== null)
    .map(([name]) => [...path, name]);
  const nested = Object.entries(schema.blocks ?? {}).flatMap(([name, block]) =>
    [value[name] ?? null].flat().flatMap((one) => misplaced(block, one, [...path, name])),
  );
  return [...set, ...nested];
}

/** What the configuration of a data source gives, the answer must repeat. */
const withoutSet = (given: ObjectValue, answer: ObjectValue): ObjectValue =>
  Object.fromEntries(Object.entries(answer).filter(([name]) => (given[name] ?? null) === null));

function typeIn(types: Record<string, BlockSchema>, type: string, prefix: string): BlockSchema {
  const found = types[type];
  if (!found)
    throw new Error(
      `${type} is not in test/terraform/schema/${prefix}.json; to add it: node scripts/terraform-schema.ts`,
    );
  return found;
}

function surroundingsOf(config: Value): Surroundings {
  const values = isObject(config) ? config : {};
  const blocks = Array.isArray(values.default_tags) ? values.default_tags.filter(isObject) : [];
  const tags = blocks.map(({ tags: inner }) => (isObject(inner) ? inner : {}));
  return {
    account: ACCOUNT,
    region: typeof values.region === 'string' ? values.region : 'eu-central-1',
    defaultTags: Object.assign({}, ...tags),
  };
}

/** A stored state lacks what the schema gained since. */
function complete(schema: BlockSchema, stored: ObjectValue): ObjectValue {
  const values: ObjectValue = {};
  for (const name of Object.keys(schema.attributes)) values[name] = stored[name] ?? null;
  for (const [name, { nesting }] of Object.entries(schema.blocks ?? {})) {
    values[name] = stored[name] ?? (nesting === 'single' ? null : []);
  }
  return values;
}

const NESTING = { single: 'SINGLE', list: 'LIST', set: 'SET' } as const;

function schemasOf(schema: ProviderSchema) {
  const all = (types: Record<string, BlockSchema>) =>
    Object.fromEntries(
      Object.entries(types).map(([type, block]) => [type, { version: 0, block: blockMessage(type, block) }]),
    );
  return {
    provider: { version: 0, block: blockMessage(schema.provider, schema.configuration) },
    resource_schemas: all(schema.resources),
    data_source_schemas: all(schema.data),
    provider_meta: { version: 0, block: {} },
    server_capabilities: { get_provider_schema_optional: true },
  };
}

function blockMessage(type: string, block: BlockSchema): object {
  return {
    version: 0,
    attributes: Object.entries(block.attributes).map(([name, [expression, presence]]) => ({
      name,
      type: Buffer.from(JSON.stringify(expression)),
      required: presence === 'r',
      optional: presence === 'o' || presence === 'oc',
      computed: presence === 'c' || presence === 'oc',
      sensitive: isSensitive(type, name),
      write_only: isWriteOnly(name),
    })),
    block_types: Object.entries(block.blocks ?? {}).map(([name, nested]: [string, NestedBlock]) => ({
      type_name: name,
      nesting: NESTING[nested.nesting],
      min_items: nested.min ?? 0,
      max_items: nested.max ?? 0,
      block: blockMessage('', nested),
    })),
  };
}
