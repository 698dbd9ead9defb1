import type { FormErrors } from './errors.ts';
import { lengthOf } from './limits.ts';

export type Path = readonly (string | number)[];
export type Json = Record<string, unknown>;

/** Field checks in Discord's own words; each adds to the errors and returns the value when it is usable. */
export interface Checks {
  /** A string of min..max code points; undefined when absent or null. */
  text(
    value: unknown,
    path: Path,
    o: { max: number; min?: number; required?: boolean; trim?: boolean },
  ): string | undefined;
  /** A whole number. */
  integer(value: unknown, path: Path, o: { min: number; max: number }): number | undefined;
  flag(value: unknown, path: Path): boolean | undefined;
  list(value: unknown, path: Path, o: { max: number; min?: number }): unknown[] | undefined;
  object(value: unknown, path: Path): Json | undefined;
  url(value: unknown, path: Path, schemes?: readonly string[]): string | undefined;
  snowflake(value: unknown, path: Path): string | undefined;
}

export function checks(errors: FormErrors): Checks {
  const required = (path: Path): undefined =>
    errors.add(path, 'BASE_TYPE_REQUIRED', 'This field is required') as undefined;
  const length = (path: Path, min: number, max: number): void => {
    if (min > 0) errors.add(path, 'BASE_TYPE_BAD_LENGTH', `Must be between ${min} and ${max} in length.`);
    else errors.add(path, 'BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`);
  };
  const absent = (value: unknown): value is undefined | null => value === undefined || value === null;
  return {
    text(value, path, { max, min = 0, required: must = false, trim = false }) {
      if (absent(value)) return must ? required(path) : undefined;
      if (typeof value !== 'string' && typeof value !== 'number') {
        errors.add(path, 'STRING_TYPE_CONVERT', `Could not interpret "${JSON.stringify(value)}" as string.`);
        return undefined;
      }
      const text = trim ? String(value).trim() : String(value);
      if (must && text === '') return required(path);
      const size = lengthOf(text);
      if (size > max || size < min) length(path, min, max);
      return text;
    },
    integer(value, path, { min, max }) {
      if (absent(value)) return undefined;
      const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isInteger(number)) {
        errors.add(path, 'NUMBER_TYPE_COERCE', `Value "${String(value)}" is not int.`);
        return undefined;
      }
      if (number < min) errors.add(path, 'NUMBER_TYPE_MIN', `int value should be greater than or equal to ${min}.`);
      if (number > max) errors.add(path, 'NUMBER_TYPE_MAX', `int value should be less than or equal to ${max}.`);
      return number;
    },
    flag(value, path) {
      if (absent(value)) return undefined;
      if (value === true || value === 'true') return true;
      if (value === false || value === 'false') return false;
      errors.add(path, 'BOOLEAN_TYPE_CONVERT', 'Must be either true or false.');
      return undefined;
    },
    list(value, path, { max, min = 0 }) {
      if (absent(value)) return undefined;
      if (!Array.isArray(value)) {
        errors.add(path, 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
        return undefined;
      }
      if (value.length > max || value.length < min) length(path, min, max);
      return value;
    },
    object(value, path) {
      if (absent(value)) return undefined;
      if (typeof value === 'object' && !Array.isArray(value)) return value as Json;
      errors.add(path, 'MODEL_TYPE_CONVERT', 'Only dictionaries may be used in a ModelType');
      return undefined;
    },
    url(value, path, schemes = ['http', 'https']) {
      if (absent(value) || value === '') return undefined;
      const text = String(value);
      const [, scheme] = /^([a-z][a-z0-9+.-]*):/i.exec(text) ?? [];
      if (scheme === undefined || !URL.canParse(text)) {
        errors.add(path, 'URL_TYPE_INVALID_URL', 'Not a well formed URL.');
        return undefined;
      }
      if (!schemes.includes(scheme.toLowerCase())) {
        const allowed = schemes.map((one) => `'${one}'`).join(', ');
        errors.add(
          path,
          'URL_TYPE_INVALID_SCHEME',
          `Scheme "${scheme}" is not supported. Scheme must be one of (${allowed}).`,
        );
        return undefined;
      }
      return text;
    },
    snowflake(value, path) {
      if (absent(value)) return undefined;
      const text = String(value);
      if (/^\d{1,20}$/.test(text)) return text;
      errors.add(path, 'NUMBER_TYPE_COERCE', `Value "${text}" is not snowflake.`);
      return undefined;
    },
  };
}
