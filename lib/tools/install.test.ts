import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { recordingLog } from '../log.ts';
import { findOnPath, hashicorpRelease, install, tofuRelease } from './install.ts';
import { unzipFile } from './zip.ts';

const BINARY = Buffer.from('#!/bin/sh\necho pretend\n'.repeat(50));

/** A zip archive with one stored and one deflated file. */
function zip(files: [string, Buffer, 0 | 8][]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, data, method] of files) {
    const packed = method === 8 ? deflateRawSync(data) : data;
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(method, 8);
    head.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(data.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    local.push(head, Buffer.from(name), packed);
    central.push(entry, Buffer.from(name));
    offset += 30 + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, ...central, end]);
}

const archive = zip([
  ['LICENSE.txt', Buffer.from('words'), 0],
  ['terraform', BINARY, 8],
]);
const base = mkdtempSync(join(tmpdir(), 'slipway-install-'));
let cache = '';
let count = 0;
let sums = '';
let failures = 0;
const asked: string[] = [];
const server = createServer((request, response) => {
  asked.push(request.url ?? '');
  if (failures-- > 0) response.writeHead(503).end();
  else if (request.url?.endsWith('SHA256SUMS')) response.end(sums);
  else if (request.url?.endsWith('.zip')) response.end(archive);
  else response.writeHead(404).end();
});

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(base, { recursive: true });
});
beforeEach(() => {
  cache = join(base, String(++count));
  failures = 0;
  asked.length = 0;
  const file = hashicorpRelease('terraform', '1.2.3').archiveUrl.split('/').at(-1);
  sums = `${'0'.repeat(64)}  other.zip\n${createHash('sha256').update(archive).digest('hex')}  ${file}\n`;
});

function go() {
  const { port } = server.address() as { port: number };
  const release = hashicorpRelease('terraform', '1.2.3', `http://127.0.0.1:${port}/mirror`);
  return install(release, { env: { RUNNER_TOOL_CACHE: cache }, log: recordingLog() });
}

test('installs a release into the tool cache, executable, and downloads it once', async () => {
  const path = await go();
  expect(path).toBe(join(cache, 'terraform', '1.2.3', process.arch, 'terraform'));
  expect(readFileSync(path)).toEqual(BINARY);
  expect(statSync(path).mode & 0o111).not.toBe(0);
  expect(await go()).toBe(path);
  expect(asked).toHaveLength(2);
  expect(await findOnPath('terraform', { PATH: join(path, '..') })).toBe(path);
});

test('another SHA-256 than the published one is refused and leaves nothing', async () => {
  sums = sums.replace(/^[0-9a-f]{64}(?=.*terraform)/m, 'f'.repeat(64));
  await expect(go()).rejects.toThrow(/its SHA-256 is [0-9a-f]{64}, and f{64} is published/);
  expect(() => statSync(cache)).toThrow();
});

test('a sum file without the archive is refused', async () => {
  sums = '';
  await expect(go()).rejects.toThrow(/it has no line for terraform_1.2.3_/);
});

test('a server that fails for a moment is asked again', async () => {
  failures = 1;
  await expect(go()).resolves.toContain('terraform');
});

test('no server is one clear error', async () => {
  const release = tofuRelease('1.2.3', 'http://127.0.0.1:9/x');
  const given = AbortSignal.timeout(100);
  await expect(install(release, { env: {}, log: recordingLog(), signal: given })).rejects.toThrow(
    /^tofu 1.2.3 is "http:\/\/127.0.0.1:9\/x\/v1.2.3\/tofu_1.2.3_SHA256SUMS": it could not be downloaded/,
  );
});

test('damaged archives are refused', () => {
  expect(unzipFile(archive, 'LICENSE.txt').toString()).toBe('words');
  expect(() => unzipFile(archive, 'tofu')).toThrow(/no file 'tofu'/);
  expect(() => unzipFile(Buffer.from('<html>not found</html>   '), 'x')).toThrow(/no zip archive/);
});
