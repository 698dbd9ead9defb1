/** The files of a stand-in for node:24-slim: this machine's Node, the libraries it needs, npm, a static busybox, certificates. */
import { execFile } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  access,
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

export interface Sources {
  node: string;
  npm: string;
  busybox: string;
  certificates: string | undefined;
}

const run = promisify(execFile);
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const NPM = '/usr/local/lib/node_modules/npm';
/** Every file, and the image itself, carries this time: what is made from the same sources is the same image. */
const EPOCH = '2025-01-01T00:00:00Z';

/** The folder that is shared between clones; scripts/setup.sh puts its tools there. */
export function toolsFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.SLIPWAY_TOOLS || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'slipway');
}

/** Finds what the image is made of. @throws Error that names what is missing and how to get it. */
export async function findSources(): Promise<Sources> {
  const busybox = await firstOf(pathOf('busybox'));
  if (!busybox || !(await isStatic(busybox))) {
    throw new Error(
      'No static busybox on PATH: install it (Debian, Ubuntu: apt-get install busybox-static) and try again',
    );
  }
  const npm = await findNpm();
  if (!npm) throw new Error('No npm package with its own node_modules was found: run scripts/setup.sh demo');
  return { node: process.execPath, npm, busybox, certificates: await firstOf([CERTIFICATES]) };
}

/** A hash over what the image would hold; cheap, since npm is told by its version. */
export async function fingerprint({ node, npm, busybox, certificates }: Sources): Promise<string> {
  const hash = createHash('sha256').update(`layout 1\n${await readFile(join(npm, 'package.json'), 'utf8')}`);
  for (const path of [node, busybox, certificates]) if (path) await hashInto(hash, path);
  return hash.digest('hex').slice(0, 16);
}

/**
 * Writes an archive that `docker load` reads, holding one image with one layer.
 * The same sources give the same bytes, so the same image id and layer digest on every machine that has them.
 */
export async function writeArchive(file: string, tag: string, sources: Sources): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const work = await mkdtemp(`${file}.`);
  try {
    await fillRoot(join(work, 'root'), sources);
    await mkdir(join(work, 'image'));
    const layer = join(work, 'image', 'layer.tar');
    await tar(layer, join(work, 'root'));
    const hash = createHash('sha256');
    await hashInto(hash, layer);
    const config = JSON.stringify(imageConfig(`sha256:${hash.digest('hex')}`, sources));
    const name = `${createHash('sha256').update(config).digest('hex')}.json`;
    await writeFile(join(work, 'image', name), config);
    const manifest = [{ Config: name, RepoTags: [tag], Layers: ['layer.tar'] }];
    await writeFile(join(work, 'image', 'manifest.json'), JSON.stringify(manifest));
    await tar(join(work, 'image.tar'), join(work, 'image'));
    await rename(join(work, 'image.tar'), file);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function imageConfig(layerId: string, { certificates }: Sources) {
  const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch;
  return {
    architecture,
    os: 'linux',
    created: EPOCH,
    config: {
      Env: [
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        `NODE_VERSION=${process.versions.node}`,
        ...(certificates ? [`NODE_EXTRA_CA_CERTS=${CERTIFICATES}`] : []),
      ],
      Cmd: ['node'],
      Labels: { 'slipway.stand-in': 'true' },
    },
    rootfs: { type: 'layers', diff_ids: [layerId] },
    history: [{ created: EPOCH, created_by: 'slipway: stand-in for node:24-slim from this machine’s own Node' }],
  };
}

async function fillRoot(root: string, sources: Sources): Promise<void> {
  const folders = [
    'bin',
    'etc/ssl/certs',
    'home/node',
    'lib64',
    'opt',
    'proc',
    'root',
    'run',
    'srv',
    'sys',
    'tmp',
    'usr/bin',
  ];
  for (const folder of [...folders, 'usr/local/bin', 'usr/local/lib/node_modules', 'usr/sbin', 'var/tmp']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await Promise.all([
    chmod(join(root, 'tmp'), 0o1777),
    chmod(join(root, 'var/tmp'), 0o1777),
    chmod(join(root, 'root'), 0o700),
  ]);
  await putTools(root, sources.busybox);
  await putNode(root, sources);
  await putAccounts(root);
  if (sources.certificates) {
    await copyFile(sources.certificates, join(root, CERTIFICATES));
    await symlink('certs/ca-certificates.crt', join(root, 'etc/ssl/cert.pem'));
  }
}

/** One busybox, and a link for each of its applets; never one over busybox itself, which would link to itself. */
async function putTools(root: string, busybox: string): Promise<void> {
  await copyFile(busybox, join(root, 'bin/busybox'));
  await chmod(join(root, 'bin/busybox'), 0o755);
  const { stdout } = await run(busybox, ['--list']);
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
  for (const name of applets) await symlink('/bin/busybox', join(root, 'bin', name));
  // Scripts name their interpreter by this path.
  await symlink('/bin/busybox', join(root, 'usr/bin/env'));
}

async function putNode(root: string, { node, npm }: Sources): Promise<void> {
  for (const library of await librariesOf(node)) {
    await mkdir(join(root, dirname(library)), { recursive: true });
    await copyFile(await realpath(library), join(root, library));
    await chmod(join(root, library), 0o755);
  }
  const bin = join(root, 'usr/local/bin');
  await copyFile(node, join(bin, 'node'));
  await chmod(join(bin, 'node'), 0o755);
  await cp(npm, join(root, NPM), { recursive: true, dereference: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'));
  await symlink('../lib/node_modules/npm/bin/npx-cli.js', join(bin, 'npx'));
}

/** Paths of the shared libraries and the loader, and of those that glibc opens by name for look-ups of users and hosts. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program], { env: { ...process.env, LC_ALL: 'C' } });
  const named = [...stdout.matchAll(/(?:=>\s+)?(\/\S+)\s+\(0x/g)].map((m) => m[1] ?? '');
  const libc = named.find((path) => /\/libc\.so/.test(path));
  const folder = libc ? dirname(libc) : '/lib';
  const byName = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'].map((name) => join(folder, name));
  const there = await Promise.all(byName.map((path) => firstOf([path])));
  return [...new Set([...named, ...there.filter((path) => path !== undefined)])];
}

async function putAccounts(root: string): Promise<void> {
  const files = {
    'etc/passwd':
      'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
    'etc/group': 'root:x:0:\nnode:x:1000:\nnogroup:x:65534:\n',
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
    'etc/os-release': 'NAME="Slipway stand-in"\nID=slipway\nPRETTY_NAME="Slipway stand-in for node:24-slim"\n',
  };
  for (const [path, text] of Object.entries(files)) await writeFile(join(root, path), text);
}

/** GNU tar with everything fixed that differs between two runs. The node user owns its home. */
async function tar(file: string, folder: string): Promise<void> {
  const fixed = ['--sort=name', `--mtime=${EPOCH}`, '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];
  const entries = (await readdir(folder)).sort();
  const env = { ...process.env, LC_ALL: 'C' };
  const home = entries.includes('home');
  const first = entries.filter((name) => name !== 'home');
  await run('tar', ['-cf', file, ...fixed, '-C', folder, ...first], { env });
  if (!home) return;
  await run('tar', ['-rf', file, ...fixed, '--no-recursion', '-C', folder, 'home'], { env });
  const owned = fixed.map((option) => option.replace(/^--(owner|group)=0$/, '--$1=1000'));
  await run('tar', ['-rf', file, ...owned, '-C', folder, 'home/node'], { env });
}

async function findNpm(): Promise<string | undefined> {
  const tools = toolsFolder();
  const ours = (await readdir(tools).catch(() => []))
    .filter((name) => name.startsWith('npm-'))
    .sort()
    .reverse();
  const onPath = await Promise.all(pathOf('npm').map((path) => realpath(path).catch(() => '')));
  const candidates = [
    ...ours.map((name) => join(tools, name, 'node_modules/npm')),
    join(dirname(process.execPath), '../lib/node_modules/npm'),
    ...onPath.map((cli) => dirname(dirname(cli))),
  ];
  for (const folder of candidates) {
    // Debian's npm keeps its packages elsewhere; only one that carries them can be copied.
    if (await firstOf([join(folder, 'node_modules/@npmcli/arborist/package.json')])) return folder;
  }
  return undefined;
}

function pathOf(program: string): string[] {
  return [...(process.env.PATH ?? '').split(delimiter), '/bin', '/usr/bin'].map((folder) => join(folder, program));
}

async function firstOf(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there && (await stat(path)).isFile()) return path;
  }
  return undefined;
}

async function isStatic(program: string): Promise<boolean> {
  const told = await run('ldd', [program], { env: { ...process.env, LC_ALL: 'C' } }).catch((error) => error);
  return /not a dynamic executable|statically linked/.test(`${told.stdout}${told.stderr}`);
}

async function hashInto(hash: Hash, path: string): Promise<void> {
  await pipeline(createReadStream(path), async (chunks) => {
    for await (const chunk of chunks) hash.update(chunk);
  });
}
