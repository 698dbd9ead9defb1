import { describe, expect, test } from '@jest/globals';
import * as v from 'valibot';
import {
  bool,
  duration,
  type InputFields,
  integer,
  keyValues,
  lines,
  list,
  oneOf,
  parseDuration,
  readInputs,
  required,
  secret,
  text,
  yamlValue,
} from './inputs.ts';

const read = (fields: InputFields, given: Record<string, string>) => readInputs(fields, (name) => given[name] ?? '');

describe('values', () => {
  test.each([
    ['text()', text('d'), '', 'd'],
    ['text() is trimmed', text(), '  a ', 'a'],
    ['integer default', integer({ default: 3 }), '', 3],
    ['integer', integer({ min: -5 }), '-5', -5],
    ['bool default', bool(true), '', true],
    ['bool', bool(true), 'False', false],
    ['duration default', duration('10m'), '', 600_000],
    ['oneOf default', oneOf(['a', 'b'], 'b'), '', 'b'],
    ['list', list(), 'a, b\nc,,', ['a', 'b', 'c']],
    ['lines keep commas', lines(), 'a,b\n\n c ', ['a,b', 'c']],
    ['keyValues', keyValues(), '# note\nA=1\nB=x=y=\nC=', { A: '1', B: 'x=y=', C: '' }],
    ['yamlValue', yamlValue(v.object({ n: v.number() })), 'n: 4', { n: 4 }],
    ['yamlValue not given', yamlValue(v.object({})), ' ', undefined],
  ])('%s', (_, schema, raw, wanted) => {
    expect(read({ field: schema as never }, { field: raw })).toEqual({ field: wanted });
  });

  test.each([
    ['90', 90_000],
    ['500ms', 500],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['5x', undefined],
    ['-3s', undefined],
    ['', undefined],
  ])('parseDuration(%p)', (value, ms) => {
    expect(parseDuration(value)).toBe(ms);
  });
});

describe('mistakes', () => {
  test.each([
    [
      'required',
      required('my-cluster'),
      '',
      "input 'field': it is required and was not given. Set it, for instance to my-cluster.",
    ],
    [
      'integer',
      integer({ min: 1, max: 9 }),
      '10',
      `input 'field' is "10": it is not a whole number from 1 to 9. Write a whole number from 1 to 9.`,
    ],
    ['bool', bool(true), 'yes', `input 'field' is "yes": it is not a boolean. Write true or false.`],
    [
      'duration',
      duration('1m'),
      '5 years',
      `input 'field' is "5 years": it is not a duration. Write for instance 90s, 10m or 1h30m.`,
    ],
    ['oneOf', oneOf(['a', 'b']), '', "input 'field': it is none of a, b. Write one of a, b."],
    [
      'keyValues',
      keyValues(),
      'A',
      `input 'field' is "A": a line of it is not NAME=value. Write one NAME=value a line.`,
    ],
  ])('%s', (_, schema, raw, message) => {
    expect(() => read({ field: schema as never }, { field: raw })).toThrow(message);
  });

  test('YAML that does not parse is named with its cause', () => {
    expect(() => read({ expect: yamlValue(v.unknown()) }, { expect: 'a: [1' })).toThrow(
      /input 'expect' is "a: \[1": it is not YAML or JSON: /,
    );
  });

  test('all mistakes come at once', () => {
    const message = messageFrom(() => read({ a: required('x'), b: bool(true), c: integer() }, { b: 'maybe', c: '1' }));
    expect(message).toMatch(/^2 inputs: they cannot be used:\n {2}- input 'a': .*\n {2}- input 'b' is "maybe"/);
  });

  test('the value of a secret input is not repeated', () => {
    const message = messageFrom(() => read({ webhook: secret(oneOf(['x'])) }, { webhook: 'hunter2' }));
    expect(message).not.toContain('hunter2');
  });
});

function messageFrom(f: () => unknown): string {
  try {
    f();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}
