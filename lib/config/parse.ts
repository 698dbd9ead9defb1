import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
} from 'yaml';
import { messageOf } from '../errors.ts';
import { type ConfigPath, configProblem, type Position } from './mistakes.ts';

/** A file of a few hundred lines is a few kilobytes; what is far beyond was not written as one. */
const MAX_BYTES = 1024 * 1024;
/** How many nodes aliases may expand to; ten lines of nested anchors can otherwise ask for gigabytes. */
const MAX_ALIASES = 200;
const MAX_DEPTH = 64;
/** Keys that JavaScript objects treat specially: never a name of ours. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

export interface ParsedYaml {
  value: unknown;
  /** Where a path stands in the text; the nearest parent's place when the path itself is not there. */
  locate(path: ConfigPath): Position;
}

/**
 * Parses YAML 1.2 into plain data that remembers where each value stands.
 * @throws Problem (kind `config`) with file, line and column for bad syntax, duplicate keys, several documents, anchor bombs.
 */
export function parseConfigText(text: string, file: string): ParsedYaml {
  const refuse = (cause: string, fix: string, at: Position = { line: 1, column: 1 }) =>
    configProblem(file, [{ path: [], cause, fix }], () => at);
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw refuse(`it is larger than ${MAX_BYTES / 1024} KiB`, 'Check that this is the config file');
  }
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const depth = flowDepth(text);
  if (depth > MAX_DEPTH) throw refuse(`it nests ${depth} levels of brackets`, 'Nothing in it goes deeper than ten');
  const documents = documentsOf(text, lines);
  if (documents === undefined) throw refuse('it nests too deeply to be read', 'Nothing in it goes deeper than ten');
  const [document] = documents;
  if (document === undefined || (document.contents === null && document.errors.length === 0)) {
    throw refuse('it is empty', 'Start with `version: 1` and `components:`; docs/slipway-yml.md has an example');
  }
  const [error] = documents.flatMap((d) => d.errors);
  if (error) throw refuse(`the YAML cannot be read (${error.message})`, fixFor(error.code), at(error.pos[0]));
  if (documents.length > 1) {
    throw refuse('it holds more than one YAML document', 'Keep one document; remove the line `---` between them');
  }
  const root = document.contents as Node;
  const bad = badKey(root, new Set());
  if (bad) throw refuse(bad.cause, bad.fix, at(bad.node.range?.[0] ?? 0));
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (failure) {
    throw refuse(
      `its aliases cannot be expanded (${messageOf(failure)})`,
      'Use anchors sparingly, and define each before it is used',
    );
  }
  return { value, locate: (path) => at(offsetOf(root, path)) };
}

function documentsOf(text: string, lineCounter: LineCounter): Document.Parsed[] | undefined {
  try {
    return [...parseAllDocuments(text, { lineCounter, prettyErrors: false })];
  } catch (error) {
    // Thousands of nested block sequences exhaust the stack.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function fixFor(code: string): string {
  if (code === 'DUPLICATE_KEY') return 'Remove one of the two, or give one another name';
  if (code === 'TAB_AS_INDENT') return 'Indent with spaces';
  return 'Correct the syntax at that place; quote values that hold : # { [ * & ! or %';
}

/** Depth of brackets outside quotes, counted before parsing so that the parser's recursion is bounded. */
function flowDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const c of text) {
    if (c === '[' || c === '{') deepest = Math.max(deepest, ++depth);
    else if (c === ']' || c === '}') depth = Math.max(0, depth - 1);
  }
  return deepest;
}

function badKey(node: unknown, seen: Set<unknown>): { node: Node; cause: string; fix: string } | undefined {
  if (!isCollection(node) || seen.has(node)) return undefined;
  seen.add(node);
  for (const item of node.items) {
    const child = isMap(node) ? (item as { key: unknown; value: unknown }) : { key: undefined, value: item };
    if (isMap(node)) {
      const { key } = child;
      if (!isScalar(key) || typeof key.value === 'object') {
        return { node, cause: 'a key here is no plain text', fix: 'Write keys as words' };
      }
      if (FORBIDDEN_KEYS.has(String(key.value))) {
        return { node: key, cause: `'${String(key.value)}' cannot be a key or a name`, fix: 'Choose another name' };
      }
    }
    const bad = badKey(child.value, seen);
    if (bad) return bad;
  }
  return undefined;
}

/** Offset of the value (for a map entry: of its key) that a path leads to. */
function offsetOf(root: Node, path: ConfigPath): number {
  let node: unknown = root;
  let offset = root.range?.[0] ?? 0;
  for (const step of path) {
    if (isAlias(node) || !isCollection(node)) break;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) break;
      offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else {
      node = node.items[Number(step)];
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    }
  }
  return offset;
}
