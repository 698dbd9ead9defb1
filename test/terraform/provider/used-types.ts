import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProviderSchema } from './schema.ts';

export interface UsedTypes {
  resources: string[];
  data: string[];
}

/** Built into Terraform itself. */
const BUILT_IN = new Set(['terraform']);

/** What the stand-in's own tests declare, whatever terraform/ uses. */
const OWN_TESTS: readonly [kind: 'resources' | 'data', type: string][] = [
  ['resources', 'aws_db_instance'],
  ['resources', 'aws_ecs_cluster'],
  ['resources', 'aws_ecs_service'],
  ['resources', 'aws_iam_role'],
  ['resources', 'aws_secretsmanager_secret'],
  ['resources', 'aws_secretsmanager_secret_version'],
  ['resources', 'aws_security_group'],
  ['resources', 'aws_sns_topic'],
  ['resources', 'aws_wafv2_web_acl'],
  ['data', 'aws_iam_policy_document'],
  ['data', 'aws_region'],
];

/** What the extracts have to hold: what configurations below the folder use, and the stand-in's own tests. */
export function typesNeeded(folder: string): Map<string, UsedTypes> {
  const needed = typesUsed(folder);
  for (const [kind, type] of OWN_TESTS) {
    const prefix = prefixOf(type);
    const types = needed.get(prefix) ?? { resources: [], data: [] };
    needed.set(prefix, { ...types, [kind]: [...new Set([...types[kind], type])].sort() });
  }
  return needed;
}

const prefixOf = (type: string) => type.slice(0, type.indexOf('_'));

/**
 * Every resource and data source type that configurations below a folder declare, mock or override, by provider prefix.
 * `terraform validate` is the judge of a file; this only has to find the names.
 */
export function typesUsed(folder: string): Map<string, UsedTypes> {
  const found = new Map<string, { resources: Set<string>; data: Set<string> }>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(tf|tftest\.hcl)$/.test(entry.name) || entry.parentPath.includes('.terraform')) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
    for (const [, kind, type = ''] of text.matchAll(/^\s*(resource|data|mock_resource|mock_data)\s+"([a-z0-9_]+)"/gm)) {
      const prefix = prefixOf(type);
      if (BUILT_IN.has(prefix)) continue;
      let types = found.get(prefix);
      if (!types) {
        types = { resources: new Set(), data: new Set() };
        found.set(prefix, types);
      }
      (kind?.endsWith('data') ? types.data : types.resources).add(type);
    }
  }
  return new Map(
    [...found]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([prefix, { resources, data }]) => [prefix, { resources: [...resources].sort(), data: [...data].sort() }]),
  );
}

/** The committed extracts of a folder, by provider prefix. */
export function readExtracts(folder: string): Map<string, ProviderSchema> {
  return new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => {
        const schema = JSON.parse(readFileSync(join(folder, name), 'utf8')) as ProviderSchema;
        return [schema.provider, schema];
      }),
  );
}

/** One sentence for each type that configurations use and no extract holds; it says how to add it. */
export function missingFrom(folder: string, used: ReadonlyMap<string, UsedTypes>): string[] {
  const extracts = readExtracts(folder);
  return [...used].flatMap(([prefix, { resources, data }]) => {
    const extract = extracts.get(prefix);
    return [
      ...resources.filter((type) => !extract?.resources[type]).map((type) => `resource ${type}`),
      ...data.filter((type) => !extract?.data[type]).map((type) => `data source ${type}`),
    ].map(
      (what) =>
        `${what} is used and not in test/terraform/schema/${prefix}.json; to add it: node scripts/terraform-schema.ts`,
    );
  });
}

/** One sentence for each type that an extract holds and no configuration uses. */
export function unusedIn(folder: string, used: ReadonlyMap<string, UsedTypes>): string[] {
  return [...readExtracts(folder)].flatMap(([prefix, extract]) => {
    const types = used.get(prefix);
    return [
      ...Object.keys(extract.resources).filter((type) => !types?.resources.includes(type)),
      ...Object.keys(extract.data).filter((type) => !types?.data.includes(type)),
    ].map(
      (type) =>
        `${type} is in test/terraform/schema/${prefix}.json and not used; to drop it: node scripts/terraform-schema.ts`,
    );
  });
}
