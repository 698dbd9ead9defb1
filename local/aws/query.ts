import { InvalidInput } from './json.ts';
import type { Member, Shape } from './shape.ts';

export type QueryDialect = 'awsQuery' | 'ec2Query';

interface Node {
  value?: string;
  children: Map<string, Node>;
  used: boolean;
}

export interface QueryInput {
  input: Record<string, unknown>;
  /** Parameters that the operation does not have, which EC2 refuses. */
  unknown: string[];
}

/**
 * Reads form parameters (`Filter.1.Value.1=x`) as the operation's input.
 * Source: Smithy's specifications "AWS query protocol" and "AWS EC2 query protocol".
 * @throws InvalidInput at the first missing required member or wrong type
 */
export function readQuery(shape: Shape, form: URLSearchParams, dialect: QueryDialect): QueryInput {
  const root: Node = { children: new Map(), used: true };
  for (const [key, value] of form) {
    if (key === 'Action' || key === 'Version') continue;
    let node = root;
    for (const part of key.split('.')) {
      let next = node.children.get(part);
      if (next === undefined) {
        next = { children: new Map(), used: false };
        node.children.set(part, next);
      }
      node = next;
    }
    node.value = value;
  }
  const input = (shape.kind === 'structure' ? readNode(shape, shape.traits, root, dialect, []) : {}) as Record<
    string,
    unknown
  >;
  return { input, unknown: unusedOf(root, []) };
}

function readNode(
  shape: Shape,
  traits: Member['traits'],
  node: Node,
  dialect: QueryDialect,
  path: readonly string[],
): unknown {
  node.used = true;
  switch (shape.kind) {
    case 'structure':
      return readStructure(shape, node, dialect, path);
    case 'list':
      return readList(shape, traits, node, dialect, path);
    case 'map':
      return readMap(shape, traits, node, dialect, path);
    default:
      return readScalar(shape, node.value ?? '', path);
  }
}

function readStructure(
  shape: Extract<Shape, { kind: 'structure' }>,
  node: Node,
  dialect: QueryDialect,
  path: readonly string[],
) {
  const result: Record<string, unknown> = {};
  for (const member of shape.members.values()) {
    const child = node.children.get(requestName(member, dialect));
    if (child !== undefined)
      result[member.name] = readNode(member.shape, member.traits, child, dialect, [...path, member.name]);
    else if (member.required) throw new InvalidInput({ kind: 'missing', path: [...path, member.name] });
  }
  return result;
}

function readList(
  shape: Extract<Shape, { kind: 'list' }>,
  traits: Member['traits'],
  node: Node,
  dialect: QueryDialect,
  path: readonly string[],
) {
  // An empty list is sent as the bare name with an empty value.
  if (node.children.size === 0) return [];
  const flat = dialect === 'ec2Query' || traits.xmlFlattened;
  const holder = flat ? node : node.children.get(String(shape.member.traits.xmlName ?? 'member'));
  if (holder === undefined) return [];
  holder.used = true;
  return numbered(holder).map(([i, child]) =>
    readNode(shape.member.shape, shape.member.traits, child, dialect, [...path, String(i), 'member']),
  );
}

function readMap(
  shape: Extract<Shape, { kind: 'map' }>,
  traits: Member['traits'],
  node: Node,
  dialect: QueryDialect,
  path: readonly string[],
) {
  const holder = traits.xmlFlattened ? node : node.children.get('entry');
  if (holder === undefined) return {};
  holder.used = true;
  const entries = numbered(holder).map(([, entry]) => {
    entry.used = true;
    const key = entry.children.get(String(shape.key.traits.xmlName ?? 'key'));
    const value = entry.children.get(String(shape.value.traits.xmlName ?? 'value'));
    if (key) key.used = true;
    const name = key?.value ?? '';
    return [name, value && readNode(shape.value.shape, shape.value.traits, value, dialect, [...path, name, 'member'])];
  });
  return Object.fromEntries(entries);
}

function numbered(node: Node): [number, Node][] {
  return [...node.children]
    .map(([key, child]): [number, Node] => [Number(key), child])
    .filter(([i]) => Number.isInteger(i))
    .sort(([a], [b]) => a - b);
}

function readScalar(shape: Shape, value: string, path: readonly string[]): unknown {
  const wrong = (expected: string) => new InvalidInput({ kind: 'type', path, expected, actual: value });
  switch (shape.kind) {
    case 'number':
      if (value.trim() === '' || Number.isNaN(Number(value))) throw wrong('Integer');
      return Number(value);
    case 'boolean':
      if (value !== 'true' && value !== 'false') throw wrong('Boolean');
      return value === 'true';
    case 'timestamp':
      if (Number.isNaN(Date.parse(value))) throw wrong('Timestamp');
      return new Date(value);
    case 'blob':
      return new Uint8Array(Buffer.from(value, 'base64'));
    default:
      return value;
  }
}

function requestName(member: Member, dialect: QueryDialect): string {
  const { ec2QueryName, xmlName } = member.traits as { ec2QueryName?: string; xmlName?: string };
  if (dialect === 'awsQuery') return xmlName ?? member.name;
  if (ec2QueryName !== undefined) return ec2QueryName;
  const name = xmlName ?? member.name;
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function unusedOf(node: Node, path: readonly string[]): string[] {
  return [...node.children].flatMap(([name, child]) =>
    child.used ? unusedOf(child, [...path, name]) : [[...path, name].join('.')],
  );
}

export interface XmlFrame {
  operation: string;
  requestId: string;
  namespace: string;
  dialect: QueryDialect;
}

/** The whole response document of a query protocol. @throws TypeError that names a member which the shape does not have */
export function writeXml(shape: Shape, output: object, frame: XmlFrame): string {
  const { operation, requestId, namespace, dialect } = frame;
  const body = shape.kind === 'structure' ? writeMembers(shape, output as Record<string, unknown>, operation) : '';
  const inner =
    dialect === 'ec2Query'
      ? `${element('requestId', requestId)}${body}`
      : `<${operation}Result>${body}</${operation}Result><ResponseMetadata>${element('RequestId', requestId)}</ResponseMetadata>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${operation}Response xmlns="${namespace}">${inner}</${operation}Response>`;
}

/** The error document of a query protocol. */
export function writeXmlError(
  code: string,
  message: string,
  status: number,
  frame: Omit<XmlFrame, 'operation'>,
): string {
  const { requestId, namespace, dialect } = frame;
  const detail = `${element('Code', code)}${element('Message', message)}`;
  if (dialect === 'ec2Query') {
    return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>${detail}</Error></Errors>${element('RequestID', requestId)}</Response>`;
  }
  const type = element('Type', status >= 500 ? 'Receiver' : 'Sender');
  return `<ErrorResponse xmlns="${namespace}"><Error>${type}${detail}</Error>${element('RequestId', requestId)}</ErrorResponse>`;
}

function writeMembers(
  shape: Extract<Shape, { kind: 'structure' }>,
  value: Record<string, unknown>,
  path: string,
): string {
  return Object.entries(value)
    .filter(([, given]) => given !== undefined && given !== null)
    .map(([name, given]) => {
      const member = shape.members.get(name);
      if (member === undefined) throw new TypeError(`${path} has no member '${name}' in ${shape.name}`);
      return writeMember(member, given, `${path}.${name}`);
    })
    .join('');
}

function writeMember(member: Member, value: unknown, path: string): string {
  const name = String(member.traits.xmlName ?? member.name);
  const { shape } = member;
  if (shape.kind === 'list') {
    const { member: item } = shape;
    const itemName = member.traits.xmlFlattened ? name : String(item.traits.xmlName ?? 'member');
    const items = (value as unknown[]).map(
      (v, i) => `<${itemName}>${writeValue(item.shape, v, `${path}[${i}]`)}</${itemName}>`,
    );
    return member.traits.xmlFlattened ? items.join('') : `<${name}>${items.join('')}</${name}>`;
  }
  return `<${name}>${writeValue(shape, value, path)}</${name}>`;
}

function writeValue(shape: Shape, value: unknown, path: string): string {
  switch (shape.kind) {
    case 'structure':
      return writeMembers(shape, value as Record<string, unknown>, path);
    case 'map':
      return Object.entries(value as object)
        .map(
          ([k, v]) =>
            `<entry>${element('key', k)}<value>${writeValue(shape.value.shape, v, `${path}.${k}`)}</value></entry>`,
        )
        .join('');
    case 'timestamp':
      if (!(value instanceof Date)) throw new TypeError(`${path} must be a Date`);
      return value.toISOString();
    case 'blob':
      return Buffer.from(value as Uint8Array).toString('base64');
    default:
      return escapeXml(String(value));
  }
}

function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#xD;',
};

function escapeXml(text: string): string {
  return text.replace(/[&<>"\r]/g, (c) => ESCAPES[c] ?? c);
}
