import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DemoResult } from '../local/demo/main.ts';

const ROOT = resolve(import.meta.dirname, '..');
const MINUTE = 60_000;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-demo-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(...args: string[]) {
  const child = spawn(process.execPath, [join(ROOT, 'local/demo/main.ts'), ...args], {
    cwd: ROOT,
    env: { ...process.env, KEEP: '', TMPDIR: folder, NODE_OPTIONS: '' },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data));
  const exit = once(child, 'exit').then(([code]) => code as number);
  return { child, exit, text: () => text };
}

/** Containers and networks of an instance, and processes that have to do with its folder. */
function left(label: string, path: string): string[] {
  const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8' }).split('\n').filter(Boolean);
  return [
    ...docker('ps', '--all', '--quiet', '--filter', `label=${label}`),
    ...docker('network', 'ls', '--quiet', '--filter', `label=${label}`),
    ...(existsSync(path) ? [path] : []),
    ...readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
      .map((pid) => commandLine(pid))
      .filter((line) => line.includes(path)),
  ];
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

test(
  'three pushes travel, everything happens as it should, and nothing is left behind',
  async () => {
    const file = join(folder, 'result.json');
    const demo = start('--json', file);
    const code = await demo.exit;
    if (!existsSync(file)) throw new Error(`the demo ended with ${code}:\n${demo.text()}`);
    const result = JSON.parse(readFileSync(file, 'utf8')) as DemoResult;
    expect(result.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect([code, result.ok, result.pushes.map(({ travelled }) => travelled.exitCode)]).toEqual([0, true, [0, 0, 1]]);
    expect(result.probe.failed).toBe(0);
    expect(result.probe.perSecond).toBeGreaterThanOrEqual(20);
    expect(result.ms).toBeLessThan(6 * MINUTE);
    expect(left(`slipway.local=${result.instance}`, result.folder)).toEqual([]);
    // What a person reads: the stages, why nothing else ships, and no escape sequence where there is no terminal.
    expect(demo.text()).toMatch(/✓ web\s+[\d.]+ s {2}sha256:/);
    expect(demo.text()).toMatch(/infra\s+does not ship: unchanged since/);
    expect(demo.text()).not.toContain('\u001b');
  },
  8 * MINUTE,
);

test(
  'Ctrl-C in the middle of a run ends it within seconds and leaves nothing',
  async () => {
    const demo = start();
    while (!/✓ detect/.test(demo.text())) {
      if (demo.child.exitCode !== null) throw new Error(demo.text());
      await sleep(100);
    }
    await sleep(1500);
    const since = Date.now();
    demo.child.kill('SIGINT');
    expect(await demo.exit).toBe(130);
    expect(Date.now() - since).toBeLessThan(20_000);
    expect(readdirSync(folder).filter((name) => name.startsWith('slipway-'))).toEqual([]);
    expect(left(`slipway.none=${folder}`, folder).filter((line) => line !== folder)).toEqual([]);
  },
  3 * MINUTE,
);
