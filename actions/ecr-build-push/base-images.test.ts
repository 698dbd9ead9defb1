import { describe, expect, test } from '@jest/globals';
import { type BaseImageOptions, baseImagesOf, normalized, referenceOf } from './base-images.ts';
import { expand, parseDockerfile } from './dockerfile.ts';

const options: BaseImageOptions = {
  target: '',
  platforms: ['linux/amd64'],
  buildPlatform: 'linux/amd64',
  buildArgs: {},
  contexts: [],
};
const bases = (text: string, over: Partial<BaseImageOptions> = {}) =>
  baseImagesOf(parseDockerfile(text), { ...options, ...over }).references;

describe('the images that a build stands on', () => {
  const rows: [string, string, Partial<BaseImageOptions>, string[]][] = [
    ['one', 'FROM node:24-slim\nRUN x', {}, ['node:24-slim']],
    ['without a tag', 'from node', {}, ['node:latest']],
    ['scratch', 'FROM scratch\nCOPY . /', {}, []],
    ['a platform', 'FROM --platform=$BUILDPLATFORM golang:1.26 AS build', {}, ['golang:1.26']],
    ['a default', 'ARG V=24\nFROM node:${V}-slim', {}, ['node:24-slim']],
    ['an argument', 'ARG V=24\nFROM node:${V}-slim', { buildArgs: { V: '22' } }, ['node:22-slim']],
    ['an argument that nobody declares', 'FROM node:${V:-20}', { buildArgs: { V: '22' } }, ['node:20']],
    ['a default of an argument', 'ARG A=1\nARG B=${A}.2 C="x y"\nFROM a:$B', {}, ['a:1.2']],
    ['quotes', 'ARG V="24"\nFROM "node:$V"', {}, ['node:24']],
    [
      'a platform in the name',
      'FROM a:$TARGETARCH',
      { platforms: ['linux/amd64', 'linux/arm64'] },
      ['a:amd64', 'a:arm64'],
    ],
    ['stages', 'FROM a AS one\nFROM b AS two\nFROM One\nCOPY --from=two /x /', {}, ['a:latest', 'b:latest']],
    ['a stage that is not reached', 'FROM a AS one\nFROM b', {}, ['b:latest']],
    ['a target', 'FROM a AS one\nFROM b', { target: 'ONE' }, ['a:latest']],
    ['a stage by number', 'FROM a\nFROM b\nCOPY --from=0 /x /', {}, ['a:latest', 'b:latest']],
    ['a copied image', 'FROM scratch\nCOPY --chown=1 --from=nginx:1 /x /', {}, ['nginx:1']],
    ['a mounted image', 'FROM a\nRUN --mount=type=bind,from=tools:2,target=/t x', {}, ['a:latest', 'tools:2']],
    ['a later stage of the name is no base', 'FROM a\nFROM b AS a', {}, ['b:latest']],
    ['a registry of its own', 'FROM host.test:5000/a/b:1', {}, ['host.test:5000/a/b:1']],
    [
      'the same image, spelt twice',
      'FROM docker.io/library/a AS x\nFROM a:latest\nCOPY --from=x / /',
      {},
      ['a:latest'],
    ],
    ['a digest', `FROM a:1@sha256:${'0'.repeat(64)}`, {}, [`a:1@sha256:${'0'.repeat(64)}`]],
    ['lines that go on', 'FROM \\\n  # why\n\n  node:24 \\\n AS x', {}, ['node:24']],
    ['another escape', '# escape=`\nFROM node:24 `\n  AS x\nRUN a\\\nFROM x', {}, ['node:24']],
    [
      'a FROM inside a document',
      'FROM a\nRUN <<EOF cat\nFROM b\nEOF\nRUN <<-"X"\n\tFROM c\n\tX\nCOPY --from=d / /',
      {},
      ['a:latest', 'd:latest'],
    ],
    ['a comment', '# FROM b\nFROM a\n  # FROM c', {}, ['a:latest']],
    ['CRLF', 'ARG V=1\r\nFROM a:$V\r\n', {}, ['a:1']],
    ['a context instead of an image', 'FROM a\nCOPY --from=b / /', { contexts: ['a:latest'] }, ['b:latest']],
    ['a context instead of a stage', 'FROM a AS one\nFROM one', { contexts: ['one'] }, []],
    ['an argument of a stage is none of FROM', 'FROM a AS x\nARG V=9\nFROM b:${V:-1}', {}, ['b:1']],
  ];
  test.each(rows)('%s', (_, text, over, references) => {
    expect(bases(text, over)).toEqual(references);
  });

  test.each<[string, string, Partial<BaseImageOptions>, RegExp]>([
    ['no FROM', 'RUN x', {}, /it has no FROM/],
    ['an unknown target', 'FROM a AS one', { target: 'two' }, /input 'target' is "two": .* it has one/],
    ['a variable without a value', 'FROM ${BASE}', {}, /Dockerfile is "\$\{BASE\}": .*has no name once/],
    ['a form that is not read', 'ARG V=1\nFROM a:${V%x}', {}, /is "\$\{V%x\}": .*not read here/],
    ['no reference', 'FROM Node', {}, /base image is "Node": it is no image reference/],
  ])('%s is an error', (_, text, over, message) => {
    expect(() => bases(text, over)).toThrow(message);
  });

  test('the last stage’s own base is told, unless it depends on the platform', () => {
    const final = (text: string) =>
      baseImagesOf(parseDockerfile(text), { ...options, platforms: ['linux/amd64', 'linux/arm64'] }).final;
    expect(final('FROM a AS x\nFROM b\nCOPY --from=x / /')).toBe('b:latest');
    expect(final('FROM a AS x\nFROM x AS y\nFROM y')).toBe('a:latest');
    expect(final('FROM a:$TARGETARCH')).toBeUndefined();
    expect(final('FROM scratch')).toBeUndefined();
  });
});

test.each([
  ['$A', 'x'],
  ['${A}b', 'xb'],
  ['\\$A', '$A'],
  ["'$A'", '$A'],
  ['"$A"', 'x'],
  ['${E:-d}', 'd'],
  ['${E-d}', ''],
  ['${N-d}', 'd'],
  ['${N:-${A}}', 'x'],
  ['${A:+y}', 'y'],
  ['${N:+y}', ''],
])('%s expands to %j', (word, value) => {
  expect(expand(word, { A: 'x', E: '' })).toBe(value);
});

test.each([
  ['node', 'docker.io', 'library/node', 'latest', 'node:latest'],
  ['docker.io/a/b:1', 'docker.io', 'a/b', '1', 'a/b:1'],
  ['localhost/a', 'localhost', 'a', 'latest', 'localhost/a:latest'],
  ['127.0.0.1:5000/a:2', '127.0.0.1:5000', 'a', '2', '127.0.0.1:5000/a:2'],
])('%s', (text, host, name, tag, short) => {
  expect(referenceOf(text)).toEqual({ host, name, tag, digest: '' });
  expect(normalized(text)).toBe(short);
});
