import { expect, test } from '@jest/globals';
import { parseDiff, parseTree } from './plumbing.ts';

const diff = (...fields: (string | Buffer)[]) =>
  Buffer.concat(fields.flatMap((f) => [Buffer.from(f), Buffer.alloc(1)]));
const astral = '\u{1f680}';

test('a comparison is read as git prints it, whatever the names hold', () => {
  // UTF-16 has the last two the other way round.
  const output = diff('A', 'a\nb', 'D', 'b', 'M', Buffer.from([0x62, 0xff]), 'T', '\uffee', 'M', astral);
  expect(parseDiff(output)).toEqual([
    { status: 'A', name: 'a\nb' },
    { status: 'D', name: 'b' },
    { status: 'M', name: 'b\udcff' },
    { status: 'T', name: '\uffee' },
    { status: 'M', name: astral },
  ]);
  expect(parseDiff(Buffer.alloc(0))).toEqual([]);
});

test.each([
  ['a kind that is not asked for', diff('R100', 'a')],
  ['a name that is missing', diff('M', 'a', 'M')],
  ['an empty name', diff('M', '')],
  ['names out of order, which would hide a change', diff('M', 'b', 'M', 'a')],
  ['a name twice', diff('M', 'a', 'D', 'a')],
])('%s is an error, never a change that nobody sees', (_, output) => {
  expect(() => parseDiff(output)).toThrow(/its output is not in the documented format/);
});

test('a tree that is not in the documented format is an error', () => {
  const id = 'a'.repeat(40);
  expect(parseTree(Buffer.from(`160000 commit ${id}\tlib\0`))).toMatchObject([{ mode: '160000', type: 'commit' }]);
  expect(() => parseTree(Buffer.from(`100644 blob ${id} a\0`))).toThrow(/its output is not in the documented format/);
});
