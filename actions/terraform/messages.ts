import { stripVTControlCharacters } from 'node:util';
import type { Step } from './progress.ts';

/** A message of Terraform about the configuration or a call. Source: "Machine-Readable UI", message type `diagnostic`. */
export interface Diagnostic {
  severity: 'error' | 'warning';
  summary: string;
  detail: string;
  /** Relative to the root, as Terraform says it. */
  file?: string;
  line?: number;
  column?: number;
  /** Address of the resource it is about. */
  address?: string;
}

/** One line of `-json` output, as far as it is used here. */
export interface UiMessage {
  type: string;
  level: string;
  text: string;
  diagnostic?: Diagnostic;
  /** What changed, of a `change_summary`. */
  changes?: { add: number; change: number; remove: number; operation: string };
  /** What is done to a resource, of `apply_start`, `apply_complete` and `apply_errored`. */
  step?: Step;
}

type Json = Record<string, unknown>;

/** Reads one line of output; undefined when it is no message (a wrapper's noise, a panic). */
export function readMessage(line: string): UiMessage | undefined {
  if (!line.startsWith('{')) return undefined;
  let json: Json;
  try {
    json = JSON.parse(line) as Json;
  } catch {
    return undefined;
  }
  if (typeof json.type !== 'string') return undefined;
  const message: UiMessage = {
    type: json.type,
    level: String(json['@level'] ?? ''),
    text: String(json['@message'] ?? ''),
  };
  if (json.type === 'diagnostic') message.diagnostic = readDiagnostic(json.diagnostic);
  if (json.type === 'change_summary') {
    const { add, change, remove, operation } = (json.changes ?? {}) as Json;
    message.changes = {
      add: Number(add ?? 0),
      change: Number(change ?? 0),
      remove: Number(remove ?? 0),
      operation: String(operation ?? ''),
    };
  }
  const { resource, action } = (json.hook ?? {}) as { resource?: { addr?: unknown }; action?: unknown };
  if (typeof resource?.addr === 'string') message.step = { address: resource.addr, action: String(action ?? '') };
  return message;
}

/** A diagnostic as `validate -json` and the UI messages write it. */
export function readDiagnostic(value: unknown): Diagnostic {
  const json = (value ?? {}) as Json;
  const range = json.range as { filename?: string; start?: { line?: number; column?: number } } | undefined;
  return {
    severity: json.severity === 'warning' ? 'warning' : 'error',
    summary: String(json.summary ?? 'Unknown error'),
    detail: String(json.detail ?? ''),
    ...(range?.filename !== undefined && { file: range.filename }),
    ...(range?.start?.line !== undefined && { line: range.start.line }),
    ...(range?.start?.column !== undefined && { column: range.start.column }),
    ...(typeof json.address === 'string' && { address: json.address }),
  };
}

/** A diagnostic whose words hide what is sensitive: a program or a server may quote what it was given. */
export function hideIn(diagnostic: Diagnostic, secrets: { hide(text: string): string }): Diagnostic {
  return { ...diagnostic, summary: secrets.hide(diagnostic.summary), detail: secrets.hide(diagnostic.detail) };
}

/** Human output without colours and the frames that Terraform draws around errors. */
export function plainText(output: string): string {
  return stripVTControlCharacters(output)
    .split('\n')
    .map((line) => line.replace(/^[╷│╵]\s?/, '').trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** The errors in human output, for calls that know no `-json`. */
export function readErrors(output: string): Diagnostic[] {
  const blocks = plainText(output).split(/^(?=(?:Error|Warning): )/m);
  const errors = blocks.flatMap((block) => {
    const [, summary, rest = ''] = /^Error: (.*)\n?([\s\S]*)$/.exec(block.trim()) ?? [];
    if (summary === undefined) return [];
    const [, file, line] = /^\s*on (\S+) line (\d+)/m.exec(rest) ?? [];
    const place = file === undefined ? {} : { file, line: Number(line) };
    return [{ severity: 'error' as const, summary, detail: rest.trim(), ...place }];
  });
  if (errors.length > 0) return errors;
  const last = plainText(output).split('\n').slice(-10).join('\n');
  return [{ severity: 'error', summary: last || 'It gave no reason', detail: '' }];
}
