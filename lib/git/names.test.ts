import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeName, encodeName, showName, splitNul } from './names.ts';

test('any bytes survive the way through a string', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => encodeName(decodeName(Buffer.from(bytes))).equals(Buffer.from(bytes))),
  );
});

test('different bytes never become the same string', () => {
  const seen = ['\u{fffd}', 'ef bf', 'ed b2 80', 'b2', '80'].map((hex) =>
    decodeName(/^[0-9a-f ]+$/.test(hex) ? Buffer.from(hex.replaceAll(' ', ''), 'hex') : Buffer.from(hex)),
  );
  expect(new Set(seen).size).toBe(5);
});

test('valid names read as they are, in both normal forms', () => {
  for (const name of ['web/index.ts', 'caf\u00e9', 'cafe\u0301', '日本/語', '🚀'])
    expect(decodeName(Buffer.from(name))).toBe(name);
});

describe('showName', () => {
  test.each([
    ['web/index.ts', 'web/index.ts'],
    ['a b', 'a b'],
    ['-rf', '-rf'],
    [' a', '" a"'],
    ['a\nb', '"a\\nb"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['\u001b[31m', '"\\x1b[31m"'],
    ['evil\u202etxt', '"evil\\u{202e}txt"'],
    [decodeName(Buffer.from([0x61, 0xff])), '"a\\xff"'],
    ['caf\u00e9 🚀', 'caf\u00e9 🚀'],
  ])('%j', (name, shown) => {
    expect(showName(name)).toBe(shown);
  });
});

test('splitNul keeps empty fields inside and none at the end', () => {
  expect(splitNul(Buffer.from('a\0\0b\0'))).toEqual(['a', '', 'b']);
  expect(splitNul(Buffer.alloc(0))).toEqual([]);
  expect(splitNul(Buffer.from([0x61, 0, 0xff, 0]))).toEqual(['a', '\udcff']);
});
