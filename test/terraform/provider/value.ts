import { Decoder, Encoder, ExtensionCodec } from '@msgpack/msgpack';

/** A value that Terraform will know only after apply. */
export class Unknown {
  toJSON(): string {
    return '(known after apply)';
  }
}
export const UNKNOWN = new Unknown();

export type Value = null | string | number | boolean | Unknown | Value[] | { [name: string]: Value };
export type ObjectValue = { [name: string]: Value };

// Source: the wire format of plugin values, docs/plugin-protocol/object-wire-format.md of hashicorp/terraform: unknown is
// extension 0, and extension 12 with what is known about it all the same.
const codec = new ExtensionCodec();
codec.register({
  type: 0,
  encode: (value) => (value instanceof Unknown ? new Uint8Array([0]) : null),
  decode: () => UNKNOWN,
});
codec.register({ type: 12, encode: () => null, decode: () => UNKNOWN });
const encoder = new Encoder({ extensionCodec: codec });
const decoder = new Decoder({ extensionCodec: codec });

export interface DynamicValue {
  msgpack?: Uint8Array | undefined;
  json?: Uint8Array | undefined;
}

export function decode(value: DynamicValue | null | undefined): Value {
  if (value?.msgpack?.length) return decoder.decode(value.msgpack) as Value;
  if (value?.json?.length) return JSON.parse(Buffer.from(value.json).toString('utf8'));
  return null;
}

export function encode(value: Value): DynamicValue {
  return { msgpack: Buffer.from(encoder.encode(value)) };
}

export const isObject = (value: Value | undefined): value is ObjectValue =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Unknown);

export function known(value: Value): boolean {
  if (value instanceof Unknown) return false;
  if (Array.isArray(value)) return value.every(known);
  return !isObject(value) || Object.values(value).every(known);
}

export const same = (a: Value, b: Value): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value: Value): Value {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}
