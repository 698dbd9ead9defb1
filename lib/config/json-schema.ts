import { readFileSync, writeFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import { configSchema, definitions } from './schema.ts';

// Never imported by an action: `node lib/config/json-schema.ts` writes the published schema, a test proves that it is current.

const SCHEMA_FILE = new URL('../../schema/slipway.schema.json', import.meta.url);

/** The config file's JSON schema, for editors. It says what the validator's schema says; rules between keys are the loader's alone. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = toJsonSchema(configSchema, { typeMode: 'input', target: 'draft-07', definitions });
  return {
    $schema,
    $id: 'https://raw.githubusercontent.com/slipway/slipway/v1/schema/slipway.schema.json',
    title: 'Slipway: .github/slipway.yml',
    description: 'What this repository ships, and where.',
    ...schema,
  };
}

export function schemaText(): string {
  return `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
}

export function committedSchema(): string {
  return readFileSync(SCHEMA_FILE, 'utf8');
}

if (import.meta.main) writeFileSync(SCHEMA_FILE, schemaText());
