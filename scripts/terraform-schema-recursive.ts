import type { BlockSchema, NestedBlock } from '../test/terraform/provider/schema.ts';

/**
 * Blocks that may hold themselves; the bindings say only `any` for them. As far as terraform/ uses them, by class and argument.
 * Source: the provider's documentation of aws_wafv2_web_acl, 6.25.
 */
export const RECURSIVE: Readonly<Record<string, NestedBlock>> = {
  'Wafv2WebAclRuleOutputReference.statement': { nesting: 'list', min: 1, max: 1, ...statement(2) },
};

function one(block: BlockSchema): NestedBlock {
  return { nesting: 'list', max: 1, ...block };
}

/** @param depth how many statements may still be held by this one */
function statement(depth: number): BlockSchema {
  const inner = depth > 0 ? { blocks: { scope_down_statement: one(statement(depth - 1)) } } : {};
  const several: BlockSchema = {
    attributes: {},
    blocks: { statement: { nesting: 'list', min: 1, ...(depth > 0 ? statement(depth - 1) : { attributes: {} }) } },
  };
  return {
    attributes: {},
    blocks: {
      geo_match_statement: one({ attributes: { country_codes: [['list', 'string'], 'r'] } }),
      ip_set_reference_statement: one({ attributes: { arn: ['string', 'r'] } }),
      managed_rule_group_statement: one({
        attributes: { name: ['string', 'r'], vendor_name: ['string', 'r'], version: ['string', 'o'] },
        blocks: {
          rule_action_override: {
            nesting: 'list',
            attributes: { name: ['string', 'r'] },
            blocks: {
              action_to_use: {
                nesting: 'list',
                min: 1,
                max: 1,
                attributes: {},
                blocks: Object.fromEntries(
                  ['allow', 'block', 'captcha', 'challenge', 'count'].map((action) => [
                    action,
                    one({ attributes: {} }),
                  ]),
                ),
              },
            },
          },
          ...inner.blocks,
        },
      }),
      rate_based_statement: one({
        attributes: {
          aggregate_key_type: ['string', 'o'],
          evaluation_window_sec: ['number', 'o'],
          limit: ['number', 'r'],
        },
        ...inner,
      }),
      ...(depth > 0 ? { and_statement: one(several), not_statement: one(several), or_statement: one(several) } : {}),
    },
  };
}
