/**
 * Writes test/terraform/schema/: the schemas of the provider types that terraform/ uses, as the tests' stand-in provider serves them.
 *
 *   node scripts/terraform-schema.ts            extracts what terraform/ uses now
 *   node scripts/terraform-schema.ts --check    says what is missing or no longer used, and fetches nothing
 *
 * The source are the bindings that the CDK for Terraform generated from each provider's own schema: their source maps hold
 * the generated TypeScript, which states of every attribute whether it is computed, optional or required, and its type.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BlockSchema, NestedBlock, ProviderSchema, TypeExpression } from '../test/terraform/provider/schema.ts';
import { missingFrom, typesNeeded, type UsedTypes, unusedIn } from '../test/terraform/provider/used-types.ts';
import { toolsFolder } from './stand-in.ts';
import { RECURSIVE } from './terraform-schema-recursive.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'test/terraform/schema');

/** Type prefix → package. The version of the package says which version of the provider it was made from. */
const PACKAGES: Readonly<Record<string, { name: string; version: string }>> = {
  aws: { name: '@cdktf/provider-aws', version: '21.22.1' },
  azurerm: { name: '@cdktf/provider-azurerm', version: '14.23.1' },
  random: { name: '@cdktf/provider-random', version: '12.0.1' },
};

const SIMPLE: Readonly<Record<string, TypeExpression>> = { string: 'string', number: 'number', boolean: 'bool' };

/** One class of the generated source: a resource, a data source, the provider, or a nested object of one of them. */
interface GeneratedClass {
  name: string;
  body: string;
}

/** What the generated source says about writing one argument. */
interface Argument {
  mapper: string;
  type: string;
  storage: string;
}

/** @param source the TypeScript of one module of a provider's bindings @param name its class */
export function readSchema(source: string, name: string): BlockSchema {
  const classes = new Map<string, string>();
  for (const { name: found, body } of classesOf(source)) classes.set(found, body);
  const writers = writersOf(source);
  return read(name);

  function read(className: string): BlockSchema {
    const body = classes.get(className);
    if (body === undefined) throw new Error(`the bindings have no class ${className}`);
    const base = className.replace(/OutputReference$/, '');
    const writable = argumentsIn(
      /synthesizeHclAttributes\(\)/.test(body)
        ? body.slice(body.indexOf('synthesizeHclAttributes()'))
        : (writers.get(lowerFirst(base)) ?? ''),
    );
    const schema: BlockSchema = { attributes: {} };
    const blocks: Record<string, NestedBlock> = {};
    for (const { attribute, computed, optional, required, text } of statementsIn(body)) {
      if (attribute === 'alias' && className.endsWith('Provider')) continue; // Terraform's own argument
      const argument = writable.get(attribute);
      if (argument?.storage === 'any') {
        const recursive = RECURSIVE[`${className}.${attribute}`];
        if (!recursive)
          throw new Error(
            `${className}.${attribute} is recursive: its block has to be described in scripts/terraform-schema-recursive.ts`,
          );
        blocks[attribute] = recursive;
        continue;
      }
      const nested = /= new (\w+?)(List|Map|OutputReference)\(this, "[^"]*"(?:, (true|false))?\)/.exec(text);
      if (nested && argument && !/Mapper\w*\(\w+, false\)/.test(argument.mapper)) {
        const many = /Mapper/.test(argument.mapper);
        blocks[attribute] = {
          nesting: argument.type === 'struct' ? 'single' : argument.type === 'set' ? 'set' : 'list',
          ...(required && argument.type !== 'struct' ? { min: 1 } : {}),
          ...(many || argument.type === 'struct' ? {} : { max: 1 }),
          ...read(`${nested[1]}OutputReference`),
        };
        continue;
      }
      const plain = argument && !nested && plainWriter(argument);
      if (plain) {
        blocks[attribute] = plainBlock(argument, plain);
        continue;
      }
      const presence = required ? 'r' : computed ? (optional ? 'oc' : 'c') : 'o';
      schema.attributes[attribute] = [typeOf(attribute, argument, nested, text), presence];
    }
    return Object.keys(blocks).length > 0 ? { ...schema, blocks } : schema;
  }

  /** Blocks of the provider's own configuration have no class, only an interface and a function that writes them. */
  function readPlain(writer: string): BlockSchema {
    const name = writer.charAt(0).toUpperCase() + writer.slice(1);
    const body = new RegExp(`^export interface ${name} \\{\\n(.*?)^\\}`, 'ms').exec(source)?.[1] ?? '';
    const needed = new Set([...body.matchAll(/^ {2}readonly (\w+):/gm)].map(([, field]) => field));
    const schema: BlockSchema = { attributes: {} };
    const blocks: Record<string, NestedBlock> = {};
    for (const [attribute, argument] of argumentsIn(writers.get(writer) ?? '')) {
      const plain = plainWriter(argument);
      const field = attribute.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
      if (plain) blocks[attribute] = plainBlock(argument, plain);
      else schema.attributes[attribute] = [fromStorage(attribute, argument), needed.has(field) ? 'r' : 'o'];
    }
    return Object.keys(blocks).length > 0 ? { ...schema, blocks } : schema;
  }

  function plainWriter({ mapper, storage }: Argument): string | undefined {
    if (/^(?:string|number|boolean|any)/.test(storage)) return undefined;
    return /(?:^|\()(\w+)ToHclTerraform\b/.exec(mapper)?.[1];
  }

  function plainBlock({ type, mapper }: Argument, writer: string): NestedBlock {
    return {
      nesting: type === 'set' ? 'set' : 'list',
      ...(mapper.includes('Mapper') ? {} : { max: 1 }),
      ...readPlain(writer),
    };
  }

  function typeOf(
    attribute: string,
    argument: Argument | undefined,
    nested: RegExpExecArray | null,
    text: string,
  ): TypeExpression {
    if (nested) {
      const object = objectType(read(`${nested[1]}OutputReference`));
      if (nested[2] === 'Map') return ['map', object];
      const set = argument ? argument.type === 'set' : nested[3] === 'true';
      return [set ? 'set' : 'list', object];
    }
    if (argument) return fromStorage(attribute, argument);
    const set = text.includes('Fn.tolist(');
    const getter = /this\.get(\w+)Attribute\(/.exec(text)?.[1] ?? / = new cdktf\.(\w+)\(/.exec(text)?.[1];
    const collection = set ? 'set' : 'list';
    switch (getter) {
      case 'String':
        return 'string';
      case 'Number':
        return 'number';
      case 'Boolean':
        return 'bool';
      case 'List':
        return [collection, 'string'];
      case 'NumberList':
        return [collection, 'number'];
      case 'StringMap':
        return ['map', 'string'];
      case 'NumberMap':
        return ['map', 'number'];
      case 'BooleanMap':
        return ['map', 'bool'];
      case 'StringMapList':
        return ['list', ['map', 'string']];
      default:
        if (/cdktf\.IResolvable/.test(text)) return 'bool';
        if (/interpolationForAttribute/.test(text)) return 'string';
        throw new Error(`${attribute}: no type can be read from ${text.trim().slice(0, 300)}`);
    }
  }
}

function fromStorage(attribute: string, { type, storage }: Argument): TypeExpression {
  const simple = SIMPLE[storage];
  if (simple) return simple;
  const collection = /^(string|number|boolean)(List|Map)(List|Map)?$/.exec(storage);
  const element = collection && SIMPLE[collection[1] ?? ''];
  if (!collection || !element) throw new Error(`${attribute}: what is stored as ${storage} is not known here`);
  const inner: TypeExpression = collection[3] ? [collection[2] === 'Map' ? 'map' : 'list', element] : element;
  const outer = collection[3] ?? collection[2];
  return [outer === 'Map' ? 'map' : type === 'set' ? 'set' : 'list', inner];
}

/** A block in the place of a value (`computed` lists of objects, and lists that are written as blocks or as values). */
function objectType(block: BlockSchema): TypeExpression {
  const fields: Record<string, TypeExpression> = {};
  for (const [name, [type]] of Object.entries(block.attributes)) fields[name] = type;
  for (const [name, nested] of Object.entries(block.blocks ?? {})) {
    fields[name] = [nested.nesting === 'set' ? 'set' : 'list', objectType(nested)];
  }
  return ['object', fields];
}

function classesOf(source: string): GeneratedClass[] {
  return [...source.matchAll(/^export class (\w+) extends [^{]*\{\n(.*?)^\}/gms)].map(([, name = '', body = '']) => ({
    name,
    body,
  }));
}

/** Function `fooBarToHclTerraform` by the name of what it writes, `fooBar`. */
function writersOf(source: string): Map<string, string> {
  return new Map(
    [...source.matchAll(/^export function (\w+)ToHclTerraform\([^\n]*\n(.*?)^\}/gms)].map(
      ([, name = '', body = '']) => [name, body],
    ),
  );
}

function argumentsIn(writer: string): Map<string, Argument> {
  const entry =
    /^\s+(\w+): \{\s*value: (.*?),\s*isBlock: (?:true|false),\s*type: "(\w+)",\s*storageClassType: "(\w+)",/gms;
  return new Map(
    [...writer.matchAll(entry)].map(([, name = '', mapper = '', type = '', storage = '']) => [
      name,
      { mapper, type, storage },
    ]),
  );
}

function statementsIn(body: string) {
  const heading = /^ {2}\/\/ (\w+) - computed: (true|false), optional: (true|false), required: (true|false)$/gm;
  const headings = [...body.matchAll(heading)];
  return headings.map((found, index) => ({
    attribute: found[1] ?? '',
    computed: found[2] === 'true',
    optional: found[3] === 'true',
    required: found[4] === 'true',
    text: body.slice(found.index + found[0].length, headings[index + 1]?.index ?? body.length),
  }));
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

async function download({ name, version }: { name: string; version: string }): Promise<string> {
  const folder = join(toolsFolder(), 'npm');
  const archive = join(folder, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  if (existsSync(archive)) return archive;
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, '.pack-'));
  try {
    const { stdout } = await run('npm', ['pack', '--silent', `${name}@${version}`], { cwd: work });
    await rename(join(work, stdout.trim()), archive);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return archive;
}

async function extract(prefix: string, used: UsedTypes): Promise<ProviderSchema> {
  const source = PACKAGES[prefix];
  if (!source)
    throw new Error(`types of provider ${prefix} are used, and scripts/terraform-schema.ts knows no package for it`);
  const archive = await download(source);
  const work = await mkdtemp(join(tmpdir(), 'slipway-bindings-'));
  try {
    const folderOf = (type: string) => type.slice(prefix.length + 1).replaceAll('_', '-');
    const wanted = [
      ...used.resources.map((type) => ({ kind: 'resources' as const, type, folder: folderOf(type) })),
      ...used.data.map((type) => ({ kind: 'data' as const, type, folder: `data-${prefix}-${folderOf(type)}` })),
    ];
    const held = new Set((await run('tar', ['-tzf', archive], { maxBuffer: 64 << 20 })).stdout.split('\n'));
    // A folder whose plain name would be a word of some language is called x-resource.
    const memberOf = ({ type, folder }: { type: string; folder: string }) => {
      const found = [folder, `${folder}-resource`]
        .map((name) => `package/lib/${name}/index.js`)
        .find((path) => held.has(path));
      if (!found)
        throw new Error(
          `${source.name} ${source.version} has no ${type}: is it spelt right, or newer than that version?`,
        );
      return found;
    };
    const members = wanted.map(memberOf);
    await run('tar', [
      '-xzf',
      archive,
      '-C',
      work,
      'package/package.json',
      'package/lib/provider/index.js',
      ...members,
    ]);
    const manifest = JSON.parse(await readFile(join(work, 'package/package.json'), 'utf8'));
    const schema: ProviderSchema = {
      provider: prefix,
      version: manifest.cdktf.provider.version,
      source: `${source.name} ${source.version} (npm)`,
      configuration: await readModule(join(work, 'package/lib/provider/index.js')),
      resources: {},
      data: {},
    };
    for (const found of wanted) schema[found.kind][found.type] = await readModule(join(work, memberOf(found)));
    return schema;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function readModule(path: string): Promise<BlockSchema> {
  const code = await readFile(path, 'utf8');
  const map = JSON.parse(Buffer.from(code.slice(code.lastIndexOf('base64,') + 7).trim(), 'base64').toString('utf8'));
  const source: string = map.sourcesContent[0];
  const name = /^export class (\w+) extends cdktf\.Terraform(?:Resource|DataSource|Provider) /m.exec(source)?.[1];
  if (!name) throw new Error(`${path} holds no resource, data source or provider`);
  return readSchema(source, name);
}

/** One type a line, so that a change of one type is a change of one line. */
function format(schema: ProviderSchema): string {
  const section = (types: Record<string, BlockSchema>) =>
    `{${Object.entries(types)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([type, block]) => `\n    ${JSON.stringify(type)}: ${JSON.stringify(block)}`)
      .join(',')}\n  }`;
  return `{
  "provider": ${JSON.stringify(schema.provider)},
  "version": ${JSON.stringify(schema.version)},
  "source": ${JSON.stringify(schema.source)},
  "configuration": ${JSON.stringify(schema.configuration)},
  "resources": ${section(schema.resources)},
  "data": ${section(schema.data)}
}
`;
}

async function main(argv: readonly string[]): Promise<void> {
  const used = typesNeeded(join(ROOT, 'terraform'));
  if (argv.includes('--check')) {
    const complaints = [...missingFrom(FOLDER, used), ...unusedIn(FOLDER, used)];
    for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
    process.exitCode = complaints.length > 0 ? 1 : 0;
    return;
  }
  await mkdir(FOLDER, { recursive: true });
  for (const name of await readdir(FOLDER)) {
    if (!used.has(name.replace(/\.json$/, ''))) await rm(join(FOLDER, name));
  }
  for (const [prefix, types] of used) {
    const schema = await extract(prefix, types);
    await writeFile(join(FOLDER, `${prefix}.json`), format(schema));
    process.stdout.write(
      `${prefix} ${schema.version}: ${Object.keys(schema.resources).length} resources, ${Object.keys(schema.data).length} data sources\n`,
    );
  }
}

if (import.meta.main) await main(process.argv.slice(2));
