import { LineCounter, parseDocument } from 'yaml';
import type { EcsApi, StoredDefinition } from '../../../lib/ecs/api.ts';
import { isObject, type JsonObject, objects, textOf } from '../../../lib/ecs/json.ts';
import { messageOf, Problem } from '../../../lib/errors.ts';

/** Where the definition to deploy comes from. */
export type Source = { kind: 'file'; path: string } | { kind: 'registered'; name: string } | { kind: 'running' };

export interface LoadedDefinition {
  /** Fit for RegisterTaskDefinition: nothing in it that only DescribeTaskDefinition writes, and no tags. */
  definition: JsonObject;
  tags: Record<string, string>;
  /** The revision it was read from; undefined for a file. */
  arn?: string;
}

/** Reads the `task-definition` input: a path ends in .json, .yml or .yaml; anything else is a family, family:revision or ARN. */
export function sourceOf(input: string): Source {
  if (input === '') return { kind: 'running' };
  return /\.(?:json|ya?ml)$/i.test(input) ? { kind: 'file', path: input } : { kind: 'registered', name: input };
}

export interface SourcePorts {
  ecs: Pick<EcsApi, 'describeTaskDefinition'>;
  readText(path: string): Promise<string>;
}

/** @throws Problem for a file that is missing, malformed or no task definition, and what DescribeTaskDefinition throws. */
export async function loadDefinition(
  source: Source,
  running: StoredDefinition | undefined,
  ports: SourcePorts,
): Promise<LoadedDefinition> {
  switch (source.kind) {
    case 'file': {
      const text = await ports.readText(source.path).catch((error: unknown) => {
        throw noFile(source.path, error);
      });
      return parseDefinition(text, source.path);
    }
    case 'registered':
      return fromStored(await ports.ecs.describeTaskDefinition(source.name));
    case 'running':
      if (!running) throw noneRuns();
      return fromStored(running);
  }
}

export function fromStored({ arn, definition, tags }: StoredDefinition): LoadedDefinition {
  return { arn, definition: withoutOutput(definition), tags };
}

/**
 * Reads a definition as a person, `describe-task-definition` or Terraform wrote it. JSON is read as YAML, which contains it,
 * so that a mistake in either is told with its line.
 */
export function parseDefinition(text: string, file: string): LoadedDefinition {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [mistake] = document.errors;
  if (mistake) {
    const { line, col } = lineCounter.linePos(mistake.pos[0]);
    const cause = `line ${line}, column ${col}: ${messageOf(mistake)}`;
    throw badFile(file, cause, 'Correct the syntax', line, col);
  }
  const value: unknown = document.toJS();
  const root = isObject(value) && isObject(value.taskDefinition) ? value : undefined;
  const definition = root ? root.taskDefinition : value;
  if (!isObject(definition)) throw badFile(file, 'it holds no object', EXPECTED);
  if (textOf(definition.family) === '') throw badFile(file, "it has no 'family'", EXPECTED);
  if (objects(definition.containerDefinitions).length === 0)
    throw badFile(file, "it has no 'containerDefinitions'", EXPECTED);
  const tags = objects(root?.tags ?? definition.tags).map((t): [string, string] => [textOf(t.key), textOf(t.value)]);
  return { definition: withoutOutput(definition), tags: Object.fromEntries(tags) };
}

const EXPECTED = 'Write what RegisterTaskDefinition takes: family, containerDefinitions and so on';

/** What DescribeTaskDefinition adds and RegisterTaskDefinition refuses. Source: ECS API reference, TaskDefinition. */
const OUTPUT_ONLY = new Set([
  'taskDefinitionArn',
  'revision',
  'status',
  'requiresAttributes',
  'compatibilities',
  'registeredAt',
  'registeredBy',
  'deregisteredAt',
  'deleteRequestedAt',
]);

function withoutOutput(definition: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(definition).filter(([key]) => !OUTPUT_ONLY.has(key) && key !== 'tags'));
}

function noneRuns(): Problem {
  return new Problem({
    what: "input 'task-definition'",
    cause: 'it is empty, and there is no service yet that runs one',
    fix: 'Set it to a file, a family or an ARN',
  });
}

function noFile(file: string, error: unknown): Problem {
  return new Problem({
    what: "input 'task-definition'",
    seen: file,
    cause: `the file cannot be read (${messageOf(error)})`,
    fix: 'Check the path (it is relative to the workspace) and that the repository was checked out before this step',
    underlying: error,
  });
}

function badFile(file: string, cause: string, fix: string, line?: number, column?: number): Problem {
  return new Problem({ what: 'task definition file', seen: file, cause, fix, file, line, column, kind: 'input' });
}
