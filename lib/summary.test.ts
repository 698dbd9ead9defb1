import { expect, test } from '@jest/globals';
import { boundSummary, code, codeBlock, escapeCell, table } from './summary.ts';

test.each([
  ['a|b', 'a\\|b'],
  ['line\nbreak', 'line break'],
  ['<img src=x>', '&lt;img src=x&gt;'],
  ['@everyone #1 [x](y) `c`', '&#64;everyone \\#1 \\[x\\](y) \\`c\\`'],
  // Markdown ends a line at a lone carriage return too, and a paragraph at two.
  ['a\r\r# b', 'a  \\# b'],
])('escapeCell(%p) has no effect of its own', (given, wanted) => {
  expect(escapeCell(given)).toBe(wanted);
});

test.each([
  ['plain', '`plain`'],
  ['with ` tick', '`` with ` tick ``'],
  ['', ''],
  ['a\r\r# b\r\nc', '`a  # b c`'],
])('code(%p)', (given, wanted) => {
  expect(code(given)).toBe(wanted);
});

test('a fence is longer than any in the text', () => {
  expect(codeBlock('```\nx\n```', 'sh')).toBe('````sh\n```\nx\n```\n````\n');
});

test('a summary within the limit is left alone', () => {
  expect(boundSummary(table(['a'], [['b']]))).toBe('| a |\n| --- |\n| b |\n\n');
});

test.each([1_000, 5_000])('a summary is cut to %i bytes at a line, with its fence closed and a note', (limit) => {
  const cut = boundSummary(`# Log\n\n\`\`\`text\n${'zeile äöü 🚀\n'.repeat(5000)}`, limit);
  expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(limit);
  expect(cut).toMatch(/zeile äöü 🚀\n```\n\n> \[!NOTE\]/);
  expect(cut).not.toContain('�');
});
