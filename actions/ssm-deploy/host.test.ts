import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hostResult } from './host-result.ts';
import { payloadOf } from './payload.ts';

// The script as a host runs it, against a real engine. Images are made from a static busybox, so nothing is pulled from afar.
const NAME = `slipway-host-test-${process.pid}`;
/** The first process of a container gets no default for SIGTERM: it has to end by itself. */
const SERVE = "trap 'exit 0' TERM; sleep";
const REGISTRY = 'slipway-host-test.invalid';
const script = new URL('./host.sh', import.meta.url).pathname;
let work: string;
const docker = (...args: string[]) => execFileSync('docker', args, { encoding: 'utf8', stdio: 'pipe' }).trim();
const digests: Record<string, string> = {};

/** Host's docker whose pull finds what is on the engine: the registry's part is tested where there is a registry. */
function hostDocker(): string {
  const bin = join(work, 'bin');
  mkdirSync(bin);
  const real = execFileSync('sh', ['-c', 'command -v docker'], { encoding: 'utf8' }).trim();
  execFileSync('sh', ['-c', `cat > "$1" && chmod 755 "$1"`, 'sh', join(bin, 'docker')], {
    input: `#!/bin/sh\nif [ "$1" = pull ]; then shift; for image; do :; done; exec ${real} image inspect "\${image%@*}" > /dev/null; fi\nfor last; do :; done\ncase $1,$last in run,*@sha256:*) n=$#; i=1; for a; do shift; [ $i = $n ] && a="\${a%@*}"; set -- "$@" "$a"; i=$((i+1)); done ;; esac\nexec ${real} "$@"\n`,
  });
  return bin;
}

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'slipway-host-'));
  mkdirSync(join(work, 'root/bin'), { recursive: true });
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((p) => existsSync(p));
  if (!busybox) throw new Error('busybox (static) is not installed: run the project’s set-up');
  copyFileSync(busybox, join(work, 'root/bin/busybox'));
  for (const applet of ['sh', 'sleep', 'cat', 'test', 'false']) symlinkSync('busybox', join(work, 'root/bin', applet));
  for (const [tag, command] of Object.entries({
    good: `${SERVE} 600 & wait`,
    better: `${SERVE} 601 & wait`,
    crash: 'echo "cannot find module x"; exit 3',
    late: 'sleep 1; exit 4',
  })) {
    const id = execFileSync(
      'sh',
      [
        '-c',
        'tar -C "$1" -c . | docker import --change "$2" - "$3"',
        'sh',
        join(work, 'root'),
        `CMD ["/bin/sh","-c",${JSON.stringify(command)}]`,
        `${REGISTRY}/${tag}`,
      ],
      { encoding: 'utf8' },
    );
    digests[tag] = id.trim();
  }
  process.env.PATH = `${hostDocker()}:${process.env.PATH}`;
});
afterAll(() => {
  for (const suffix of ['', '-next', '-previous']) spawnSync('docker', ['rm', '--force', NAME + suffix]);
  for (const tag of Object.keys(digests)) spawnSync('docker', ['rmi', '--force', `${REGISTRY}/${tag}`]);
  rmSync(work, { recursive: true, force: true });
});

function host(operation: string, tag: string, over: Record<string, string> = {}) {
  const container = {
    ...{
      name: NAME,
      image: `${REGISTRY}/${tag}@${digests[tag] ?? `sha256:${'0'.repeat(64)}`}`,
      revision: 'abc',
      port: '',
      network: '',
      memory: '',
      order: 'stop-first',
    },
    ...{ volumes: [], secrets: {}, environment: over },
  };
  const payload = payloadOf(operation, container, { stableMs: 2000, healthyMs: 10_000 });
  const { stdout, stderr, status } = spawnSync('sh', [script], { env: { ...process.env, payload }, encoding: 'utf8' });
  return hostResult({
    instance: 'i-1',
    statusDetails: status === 0 ? 'Success' : 'Failed',
    exitCode: status ?? -1,
    stdout,
    stderr,
    ms: 0,
  });
}

const runs = (name: string) =>
  docker('inspect', '--format', '{{.State.Running}} {{index .Config.Labels "slipway.image"}}', name).split('@')[0];

describe('one host, in order', () => {
  test('nothing runs: status says so', () => {
    expect(host('status', 'good')).toMatchObject({ status: 'failed', cause: `no container of ${NAME} runs here` });
  });
  test('a first container that dies has nothing to go back to', () => {
    const result = host('deploy', 'crash');
    expect(result).toMatchObject({
      status: 'failed',
      cause: 'the container ended with exit code 3; nothing ran here before',
    });
    expect(result.output).toContain('cannot find module x');
  });
  test('a good one runs, with its identity and values as data', () => {
    expect(host('deploy', 'good', { AWKWARD: `a'b "c" $(id) \`id\` \\` })).toMatchObject({ status: 'succeeded' });
    const environment = docker('inspect', '--format', '{{json .Config.Env}}', NAME);
    expect(JSON.parse(environment)).toEqual(
      expect.arrayContaining([
        'SLIPWAY_REVISION=abc',
        `SLIPWAY_DIGEST=${digests.good}`,
        `AWKWARD=a'b "c" $(id) \`id\` \\`,
      ]),
    );
    expect(docker('inspect', '--format', '{{.HostConfig.RestartPolicy.Name}}', NAME)).toBe('unless-stopped');
  });
  test('the same again is unchanged, and the container is not touched', () => {
    const id = docker('inspect', '--format', '{{.Id}}', NAME);
    expect(host('deploy', 'good', { AWKWARD: `a'b "c" $(id) \`id\` \\` })).toMatchObject({ status: 'unchanged' });
    expect(docker('inspect', '--format', '{{.Id}}', NAME)).toBe(id);
  });
  test.each([
    ['crash', 'the container ended with exit code 3'],
    ['late', 'the container ended with exit code 4'],
  ])('one that dies (%s) is rolled back and the old one serves', (tag, cause) => {
    expect(host('deploy', tag)).toMatchObject({
      status: 'rolled-back',
      cause,
      image: expect.stringContaining(`${REGISTRY}/good@`),
    });
    expect(runs(NAME)).toBe(`true ${REGISTRY}/good`);
  });
  test('an image that is not there leaves the old one running', () => {
    expect(host('deploy', 'none')).toMatchObject({
      status: 'rolled-back',
      cause: expect.stringMatching(/^the image cannot be pulled: /),
    });
    expect(runs(NAME)).toBe(`true ${REGISTRY}/good`);
  });
  test('a new version replaces it and keeps it for rollback', () => {
    expect(host('deploy', 'better')).toMatchObject({
      status: 'succeeded',
      previous: expect.stringContaining(`${REGISTRY}/good@`),
    });
    expect([runs(NAME), runs(`${NAME}-previous`)]).toEqual([`true ${REGISTRY}/better`, `false ${REGISTRY}/good`]);
  });
  test('rollback swaps the two', () => {
    expect(host('rollback', 'better')).toMatchObject({
      status: 'succeeded',
      image: expect.stringContaining(`${REGISTRY}/good@`),
    });
    expect([runs(NAME), runs(`${NAME}-previous`)]).toEqual([`true ${REGISTRY}/good`, `false ${REGISTRY}/better`]);
  });
});
