/** Types of Terraform's values as its own JSON writes them: "string", ["list", "string"], ["object", {"name": "string"}]. */
export type TypeExpression =
  | 'string'
  | 'number'
  | 'bool'
  | ['list' | 'set' | 'map', TypeExpression]
  | ['object', Record<string, TypeExpression>];

/** r: required; o: optional; c: computed; oc: optional, and computed where it is not given. */
export type Presence = 'r' | 'o' | 'c' | 'oc';
export interface BlockSchema {
  attributes: Record<string, [TypeExpression, Presence]>;
  blocks?: Record<string, NestedBlock>;
}

export interface NestedBlock extends BlockSchema {
  nesting: 'single' | 'list' | 'set';
  min?: number;
  max?: number;
}

/** One provider's extract: only the types that terraform/ uses. Written by scripts/terraform-schema.ts. */
export interface ProviderSchema {
  provider: string;
  version: string;
  /** Where it was read from: package and version. */
  source: string;
  configuration: BlockSchema;
  resources: Record<string, BlockSchema>;
  data: Record<string, BlockSchema>;
}
