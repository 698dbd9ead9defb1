import type { Surroundings } from './facts.ts';
import { isObject, type ObjectValue, type Value } from './value.ts';

type Answer = (config: ObjectValue, where: Surroundings) => ObjectValue;

const ZONES = ['a', 'b', 'c'];

/** Answers of an account that never changes, by type: what a configuration reads is deterministic. */
export const ANSWERS: Readonly<Record<string, Answer>> = {
  aws_availability_zones: (_config, { region }) => ({
    id: region,
    names: ZONES.map((zone) => `${region}${zone}`),
    zone_ids: ZONES.map((_zone, index) => `${region.replace(/[^a-z0-9]/g, '').slice(0, 4)}-az${index + 1}`),
    group_names: [region],
  }),
  aws_caller_identity: (_config, { account }) => ({
    id: account,
    account_id: account,
    user_id: 'AROAEXAMPLE:slipway',
    arn: `arn:aws:sts::${account}:assumed-role/slipway/slipway`,
  }),
  aws_iam_policy_document: (config) => ({ ...policyDocument(config), id: '0' }),
  aws_partition: () => ({
    id: 'aws',
    partition: 'aws',
    dns_suffix: 'amazonaws.com',
    reverse_dns_prefix: 'com.amazonaws',
  }),
  aws_region: ({ region: asked }, where) => {
    const region = typeof asked === 'string' ? asked : where.region;
    return { id: region, region, name: region, endpoint: `ec2.${region}.amazonaws.com`, description: region };
  },
};

/**
 * The document that the provider renders: lists of one become a text, a principal `*` of type `*` the text `*`.
 * source_policy_documents and override_policy_documents are merged by statement id.
 */
function policyDocument(config: ObjectValue): ObjectValue {
  let statements: Record<string, unknown>[] = [];
  const merge = (more: Record<string, unknown>[]) => {
    for (const statement of more) {
      const index = statement.Sid ? statements.findIndex(({ Sid }) => Sid === statement.Sid) : -1;
      if (index === -1) statements = [...statements, statement];
      else statements[index] = statement;
    }
  };
  const documents = (name: string) =>
    listOf(config[name]).flatMap(
      (text) => [JSON.parse(String(text)).Statement ?? []].flat() as Record<string, unknown>[],
    );
  merge(documents('source_policy_documents'));
  merge(listOf(config.statement).filter(isObject).map(statementOf));
  merge(documents('override_policy_documents'));
  const document = {
    Version: typeof config.version === 'string' ? config.version : '2012-10-17',
    ...(typeof config.policy_id === 'string' ? { Id: config.policy_id } : {}),
    Statement: statements,
  };
  return { json: JSON.stringify(document, null, 2), minified_json: JSON.stringify(document) };
}

function statementOf(block: ObjectValue): Record<string, unknown> {
  const lists = (pairs: [string, string][]) =>
    Object.fromEntries(
      pairs
        .filter(([, name]) => listOf(block[name]).length > 0)
        .map(([key, name]) => [key, oneOrMany(listOf(block[name]))]),
    );
  const conditions: Record<string, Record<string, unknown>> = {};
  for (const condition of listOf(block.condition).filter(isObject)) {
    const test = String(condition.test);
    conditions[test] = { ...conditions[test], [String(condition.variable)]: oneOrMany(listOf(condition.values)) };
  }
  return {
    ...(block.sid ? { Sid: block.sid } : {}),
    Effect: block.effect ?? 'Allow',
    ...lists([
      ['Action', 'actions'],
      ['NotAction', 'not_actions'],
      ['Resource', 'resources'],
      ['NotResource', 'not_resources'],
    ]),
    ...principals('Principal', block.principals),
    ...principals('NotPrincipal', block.not_principals),
    ...(Object.keys(conditions).length > 0 ? { Condition: conditions } : {}),
  };
}

function principals(key: string, value: Value | undefined): Record<string, unknown> {
  const blocks = listOf(value).filter(isObject);
  if (blocks.length === 0) return {};
  const [first] = blocks;
  if (blocks.length === 1 && first?.type === '*' && listOf(first.identifiers)[0] === '*') return { [key]: '*' };
  const byType: Record<string, Value[]> = {};
  for (const block of blocks) {
    const type = String(block.type);
    byType[type] = [...(byType[type] ?? []), ...listOf(block.identifiers)];
  }
  return { [key]: Object.fromEntries(Object.entries(byType).map(([type, values]) => [type, oneOrMany(values)])) };
}

const listOf = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : []);
const oneOrMany = (values: Value[]) => (values.length === 1 ? values[0] : values);
