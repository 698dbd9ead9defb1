import { AwsFault } from '../service.ts';
import type { DocumentContent } from './documents.ts';

/** What a host is to run. */
export interface PlannedScript {
  /** The step's name: the plug-in's name in the API. */
  step: string;
  text: string;
  workingDirectory: string;
  timeoutMs: number;
}

const DEFAULT_TIMEOUT_S = 3600;

/**
 * A document with its parameters filled in. `{{name}}` is replaced as text, wherever it stands, before any shell sees it: what
 * a value says becomes part of the script. That is AWS's way, and why a document needs an allowedPattern.
 * Source: Systems Manager user guide, "Document syntax": parameters, allowedPattern, allowedValues.
 * @throws AwsFault InvalidParameters that names the parameter
 */
export function planScript(
  content: DocumentContent,
  given: Readonly<Record<string, readonly string[] | undefined>>,
): PlannedScript {
  const values = valuesOf(content, given);
  const [step] = content.mainSteps;
  if (step === undefined) throw new AwsFault('InvalidDocumentContent', 'The document has no step.');
  const { runCommand, workingDirectory, timeoutSeconds } = step.inputs;
  const lines = [runCommand].flat().flatMap((line) => linesOf(line, values));
  const seconds = Number(textOf(String(timeoutSeconds ?? DEFAULT_TIMEOUT_S), values));
  if (!Number.isFinite(seconds) || seconds <= 0) {
    throw new AwsFault('InvalidParameters', `timeoutSeconds is no number of seconds: ${timeoutSeconds}`);
  }
  return {
    step: step.name,
    text: `${lines.join('\n')}\n`,
    workingDirectory: textOf(workingDirectory, values) || '/usr/bin',
    timeoutMs: seconds * 1000,
  };
}

type Values = ReadonlyMap<string, readonly string[]>;

function valuesOf(content: DocumentContent, given: Readonly<Record<string, readonly string[] | undefined>>): Values {
  const wrong = (message: string) => new AwsFault('InvalidParameters', message);
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(content.parameters, name)) throw wrong(`The parameter ${name} is not defined in the document.`);
  }
  const values = new Map<string, readonly string[]>();
  for (const [name, spec] of Object.entries(content.parameters)) {
    const value = given[name] ?? defaultOf(spec.default);
    if (value === undefined) throw wrong(`Parameter ${name} is required and has no value.`);
    if (spec.type === 'String' && value.length !== 1)
      throw wrong(`Parameter ${name} is of type String: give it one value, not ${value.length}.`);
    for (const one of value) {
      if (spec.allowedPattern !== undefined && !new RegExp(`^(?:${spec.allowedPattern})$`).test(one)) {
        throw wrong(`Parameter ${name} does not match the allowed pattern ${spec.allowedPattern}.`);
      }
      if (spec.allowedValues !== undefined && !spec.allowedValues.includes(one)) {
        throw wrong(`Parameter ${name} is none of the allowed values ${spec.allowedValues.join(', ')}.`);
      }
      if (one.length > (spec.maxChars ?? Number.POSITIVE_INFINITY) || one.length < (spec.minChars ?? 0)) {
        throw wrong(
          `Parameter ${name} is not between ${spec.minChars ?? 0} and ${spec.maxChars ?? 'any number of'} characters long.`,
        );
      }
    }
    values.set(name, value);
  }
  return values;
}

function defaultOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

const REFERENCE = /\{\{\s*([\w.:/-]+)\s*\}\}/g;

/** A line that is nothing but a list parameter becomes that list. */
function linesOf(line: string, values: Values): readonly string[] {
  const whole = /^\s*\{\{\s*(\w+)\s*\}\}\s*$/.exec(line);
  const list = whole && values.get(whole[1] ?? '');
  return list ?? [textOf(line, values)];
}

function textOf(text: string, values: Values): string {
  return text.replace(REFERENCE, (reference, name: string) => {
    const value = values.get(name);
    if (value !== undefined) return value.join(' ');
    // Names with a colon are the agent's own (ssm:, platform:); the local one has none of them.
    if (!name.includes(':')) return reference;
    throw new AwsFault('InvalidParameters', `The local Systems Manager does not resolve ${reference}.`);
  });
}
