import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Problem } from '../../lib/errors.ts';
import type { Engine } from '../engine/engine.ts';

const run = promisify(execFile);

export interface HostImage {
  /** Name on the engine. */
  name: string;
  /** Programs too large to copy: path on this machine → path on the host. */
  mounts: Readonly<Record<string, string>>;
}

/** What a host must have to be of use, and what it may have; everything else comes from busybox. */
const REQUIRED = ['busybox', 'sh', 'flock', 'docker', 'bash', 'jq', 'curl', 'haproxy', 'socat'];
const OPTIONAL = ['setsid'];
const MOUNTED = new Set(['docker', 'node']);
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/**
 * Makes, once per machine, the image that plays an EC2 host's disk: its shell, busybox for the usual tools, and what slipway-host
 * needs of a host (bash, jq, curl, flock, HAProxy, socat), from this machine's own files; the docker command and Node are mounted.
 * @throws Problem kind `environment` when this is no Linux machine or a program is missing
 */
export async function ensureHostImage(engine: Engine): Promise<HostImage> {
  if (process.platform !== 'linux') {
    throw new Problem({
      what: 'hosts of the world',
      seen: process.platform,
      cause: 'a host is made of the programs of this machine, which must be Linux like the engine',
      fix: 'Run the local pipeline on Linux, or leave `hosts` out of the world',
      kind: 'environment',
    });
  }
  const programs = await findPrograms();
  const files = new Map<string, string>();
  for (const [program, path] of programs) {
    if (!MOUNTED.has(program)) files.set(path, path);
    for (const library of await librariesOf(path)) files.set(library, library);
  }
  if (await exists(CERTIFICATES)) files.set(CERTIFICATES, CERTIFICATES);
  const name = `slipway-local-host:${await fingerprint(files)}`;
  if ((await engine.image(name)) === undefined) await importFiles(engine, files, name);
  const mounts: Record<string, string> = {};
  for (const program of MOUNTED) mounts[await realpath(programs.get(program) ?? '')] = `/usr/local/bin/${program}`;
  return { name, mounts };
}

async function findPrograms(): Promise<Map<string, string>> {
  const found = new Map([['node', process.execPath]]);
  const missing: string[] = [];
  for (const program of [...REQUIRED, ...OPTIONAL]) {
    const path = await onPath(program);
    if (path !== undefined) found.set(program, path);
    else if (REQUIRED.includes(program)) missing.push(program);
  }
  if (missing.length === 0) return found;
  throw new Problem({
    what: `program ${missing.map((p) => `'${p}'`).join(', ')}`,
    cause: 'hosts are made of this machine’s programs, and these were not found on PATH',
    fix: 'Install them (`make setup` does; Debian: busybox-static, util-linux, docker-cli, jq, curl, haproxy, socat), or leave `hosts` out of the world',
    kind: 'environment',
  });
}

async function onPath(program: string): Promise<string | undefined> {
  for (const directory of [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/bin', '/usr/local/bin', '/usr/sbin']) {
    const path = join(directory, program);
    if (directory.startsWith('/') && (await exists(path))) return path;
  }
  return undefined;
}

/** The shared libraries of a program, and the loader; none for a static one. */
async function librariesOf(program: string): Promise<string[]> {
  try {
    const { stdout } = await run('ldd', [program]);
    return [...stdout.matchAll(/(?:=>\s+)?(\/\S+)\s+\(0x/g)].map((m) => m[1] ?? '');
  } catch {
    return [];
  }
}

async function fingerprint(files: ReadonlyMap<string, string>): Promise<string> {
  const hash = createHash('sha256').update(INIT);
  for (const [path, source] of [...files].sort()) {
    const { size, mtimeMs } = await stat(source);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 12);
}

/** Is there once memory is empty. */
export const BOOTED = '/run/.booted';

/**
 * What a host does when it boots: the usual tools by name, the usual directories, memory empty as after any boot, and the one unit that an
 * image of ours enables, started again whenever it ends (Restart=always, RestartSec=2).
 */
const INIT = `#!/bin/sh
/bin/busybox mkdir -p /bin /tmp /run /var/log /root
/bin/busybox --install -s /bin 2>/dev/null
[ -e /var/run ] || /bin/busybox ln -s /run /var/run
[ -e /usr/bin/env ] || /bin/busybox ln -s /bin/busybox /usr/bin/env
find /run /dev/shm -mindepth 1 -maxdepth 1 ! -name docker.sock -exec rm -rf {} +
: > ${BOOTED}
if [ -x /usr/local/sbin/slipway-host ]; then
  while :; do
    /usr/local/sbin/slipway-host serve >> /var/log/slipway.log 2>&1
    sleep 2
  done &
fi
exec /bin/busybox sleep 2147483647
`;

async function importFiles(engine: Engine, files: ReadonlyMap<string, string>, name: string): Promise<void> {
  const staging = await mkdtemp(join(tmpdir(), 'slipway-host-'));
  try {
    for (const [path, source] of files) {
      // busybox and sh are looked for in /bin, wherever this machine has them.
      const places = /\/(busybox|sh)$/.test(path) ? [path, `/bin/${path.split('/').at(-1)}`] : [path];
      for (const place of new Set(places)) {
        await mkdir(dirname(join(staging, place)), { recursive: true });
        await copyFile(source, join(staging, place));
      }
    }
    await mkdir(join(staging, 'etc'), { recursive: true });
    await writeFile(join(staging, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nhaproxy:x:108:113::/:/bin/sh\n');
    await writeFile(join(staging, 'etc/group'), 'root:x:0:\nhaproxy:x:113:\n');
    await writeFile(join(staging, 'boot'), INIT, { mode: 0o755 });
    const tar = spawn('tar', ['-C', staging, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await engine.importImage(tar.stdout, name, ['CMD ["/boot"]']);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
