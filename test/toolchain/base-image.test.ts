import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ensureBaseImage } from '../../scripts/base-image.ts';
import { findSources, fingerprint, toolsFolder, writeArchive } from '../../scripts/stand-in.ts';

const TAG = `slipway-test-base:${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'slipway-base-'));
const given = { SLIPWAY_OFFLINE: process.env.SLIPWAY_OFFLINE, SLIPWAY_TOOLS: process.env.SLIPWAY_TOOLS };

const docker = (...argv: string[]) =>
  execFileSync('docker', argv, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const inImage = (...argv: string[]) => docker('run', '--rm', '--network', 'none', ...argv).trim();
const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

beforeAll(() => {
  // A cache of its own, with the npm of the real one: a machine's own npm need not be whole.
  const tools = toolsFolder();
  for (const name of existsSync(tools) ? readdirSync(tools) : [])
    if (name.startsWith('npm-')) symlinkSync(join(tools, name), join(folder, name));
  process.env.SLIPWAY_OFFLINE = '1';
  process.env.SLIPWAY_TOOLS = folder;
});
afterAll(() => {
  Object.assign(process.env, given);
  for (const [name, value] of Object.entries(given)) if (value === undefined) delete process.env[name];
  execFileSync('docker', ['rmi', '-f', TAG, `${TAG}-built`], { stdio: 'ignore' });
  rmSync(folder, { recursive: true, force: true });
});

describe('the stand-in for the base image', () => {
  test('is imported where no registry answers, and found the next time', async () => {
    expect(await ensureBaseImage('docker', TAG)).toEqual({ tag: TAG, imported: true });
    const before = performance.now();
    expect(await ensureBaseImage('docker', TAG)).toEqual({ tag: TAG, imported: true });
    expect(performance.now() - before).toBeLessThan(2000);
  }, 60_000);

  test('runs this machine’s Node as root and as node, with npm, a shell and its tools', () => {
    expect(inImage(TAG, 'node', '--version')).toBe(process.version);
    expect(inImage('--user', 'node', TAG, 'sh', '-c', 'id -u; echo "$HOME"; touch ~/x && ls ~')).toBe(
      '1000\n/home/node\nx',
    );
    expect(inImage(TAG, 'npm', '--version')).toMatch(/^\d+\.\d+\.\d+$/);
    expect(
      inImage(TAG, 'sh', '-c', 'printf "b\\na\\n" | sort | head -n 1; busybox echo whole; /usr/bin/env node -p 1+1'),
    ).toBe('a\nwhole\n2');
  }, 60_000);

  test('builds a Dockerfile with stages, a user and a health check', () => {
    const context = join(folder, 'context');
    execFileSync('mkdir', ['-p', context]);
    writeFileSync(
      join(context, 'Dockerfile'),
      `FROM ${TAG} AS build\nWORKDIR /app\nRUN node -e "fs.writeFileSync('main.js', 'console.log(process.getuid())')"\n` +
        `FROM ${TAG}\nWORKDIR /app\nCOPY --from=build /app/main.js ./\nUSER node\nHEALTHCHECK CMD ["node", "-e", "0"]\nCMD ["node", "main.js"]\n`,
    );
    docker('build', '--quiet', '--tag', `${TAG}-built`, context);
    expect(inImage(`${TAG}-built`)).toBe('1000');
  }, 120_000);

  test('is the same image, byte for byte, each time that it is made', async () => {
    const sources = await findSources();
    const [first, second] = [join(folder, 'a', 'image.tar'), join(folder, 'b', 'image.tar')];
    await writeArchive(first, TAG, sources);
    await writeArchive(second, TAG, sources);
    expect(hashOf(second)).toBe(hashOf(first));
    expect(await fingerprint(sources)).toBe(await fingerprint(sources));
  }, 60_000);

  test('says what to do when no engine answers', async () => {
    await expect(ensureBaseImage(join(folder, 'no-engine'), TAG)).rejects.toThrow('make setup');
  });
});
