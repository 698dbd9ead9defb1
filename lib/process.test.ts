import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isOnPath, processes } from './process.ts';

const { run } = processes();
const node = (script: string): [string, ...string[]] => [process.execPath, '-e', script];

test('bytes come back as they are, with the exit code and stderr', async () => {
  const result = await run(
    node('process.stdout.write(Buffer.from([0,255,10,200])); console.error("no"); process.exitCode = 3'),
  );
  expect([...result.stdout]).toEqual([0, 255, 10, 200]);
  expect(result).toMatchObject({ code: 3, stderr: 'no\n' });
});

test('arguments are never seen by a shell', async () => {
  const awkward = ['$(touch /tmp/pwned)', '; ls', '`id`', 'a\nb', "'", '"', '*'];
  const { stdout } = await run([
    process.execPath,
    '-e',
    'console.log(JSON.stringify(process.argv.slice(1)))',
    '--',
    ...awkward,
  ]);
  expect(JSON.parse(stdout.toString())).toEqual(awkward);
});

test('input reaches the child, and a child that does not read it is no error', async () => {
  expect((await run(['cat'], { stdin: 'secret' })).stdout.toString()).toBe('secret');
  expect((await run(['true'], { stdin: 'x'.repeat(1_000_000) })).code).toBe(0);
});

test('lines come whole, whatever the chunks', async () => {
  const lines: string[] = [];
  await run(node('process.stdout.write("on"); setTimeout(() => process.stdout.write("e\\r\\ntwo\\nrest"), 30)'), {
    onLine: (l) => lines.push(l),
  });
  expect(lines).toEqual(['one', 'two', 'rest']);
});

test('a missing program says what to install', async () => {
  await expect(run(['no-such-program-here'])).rejects.toMatchObject({
    kind: 'environment',
    message: /^program 'no-such-program-here': it was not found on PATH/,
  });
});

test('cancellation interrupts the child and is told apart from failure', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  const started = performance.now();
  await expect(run(node('setInterval(() => {}, 1000)'), { signal: stop.signal })).rejects.toMatchObject({
    kind: 'cancelled',
  });
  expect(performance.now() - started).toBeLessThan(3000);
});

test('a child that ignores the interrupt is killed', async () => {
  const stop = new AbortController();
  const wait = run(node('process.on("SIGINT", () => {}); console.log("up"); setInterval(() => {}, 1000)'), {
    signal: stop.signal,
    killAfterMs: 200,
    onLine: () => stop.abort(),
  });
  await expect(wait).rejects.toMatchObject({ kind: 'cancelled' });
});

test('a child that is still at work is interrupted once more before it is killed', async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const script =
    'let n = 0; process.on("SIGINT", () => { console.log(`interrupt ${++n}`); if (n === 2) process.exit() }); console.log("up"); setInterval(() => {}, 1000)';
  const wait = run(node(script), {
    signal: stop.signal,
    insistAfterMs: 50,
    killAfterMs: 60_000,
    onLine: (line) => {
      lines.push(line);
      stop.abort();
    },
  });
  await expect(wait).rejects.toMatchObject({ kind: 'cancelled' });
  expect(lines).toEqual(['up', 'interrupt 1', 'interrupt 2']);
});

test('a child over its time is stopped and the time is named', async () => {
  await expect(run(node('setInterval(() => {}, 1000)'), { timeoutMs: 1000 })).rejects.toThrow(/did not end within 1 s/);
});

test.each([
  [process.env.PATH, 'git', true],
  ['/nowhere:/usr/bin:/bin', 'sh', true],
  ['/nowhere', 'git', false],
  ['', 'git', false],
  [undefined, 'git', false],
])('on the PATH %p %s is found: %p', (PATH, program, found) => {
  expect(isOnPath(program, { PATH })).toBe(found);
});

test.each([
  ['that holds our pipes', 'inherit'],
  ['that holds none', 'ignore'],
] as const)('a group ends with what the program has started, also one %s', async (_, stdio) => {
  const helper = `process.on("SIGINT", () => {}); require("fs").writeFileSync(process.argv[1], ""+process.pid); setInterval(() => {}, 1000)`;
  const folder = mkdtempSync(join(tmpdir(), 'slipway-process-'));
  const file = join(folder, 'pid');
  const script = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(helper)}, ${JSON.stringify(file)}], {stdio: "${stdio}"});
    setInterval(() => { if (require("fs").existsSync(${JSON.stringify(file)})) console.log("up") }, 20)`;
  const stop = new AbortController();
  const running = run(node(script), {
    signal: stop.signal,
    group: true,
    killAfterMs: 200,
    onLine: () => stop.abort(),
  });
  await expect(running).rejects.toMatchObject({ kind: 'cancelled' });
  const pid = Number(readFileSync(file, 'utf8'));
  // A process that was killed answers until it is reaped.
  const gone = async () => {
    for (let i = 0; i < 100; i++) {
      try {
        process.kill(pid, 0);
        if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return true;
      } catch {
        return true;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  };
  expect(await gone()).toBe(true);
  rmSync(folder, { recursive: true });
});
