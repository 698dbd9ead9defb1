import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tarOf } from '../../local/engine/tar.ts';
import type { Local } from '../../local/start.ts';

const execFileAsync = promisify(execFile);

/**
 * Makes an image of a static busybox and a shell script, and pushes it into the local registry; the engine forgets it again.
 * @param name repository and tag, as in web:1
 * @param programs more programs of this machine, by path; their libraries come with them
 * @returns HOST/NAME@sha256:… as ecr-build-push would give it
 */
export async function pushScript(
  local: Local,
  name: string,
  script: string,
  programs: readonly string[] = [],
): Promise<string> {
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
  if (!busybox) throw new Error('busybox (static) is not installed: run the project’s set-up');
  const files: Record<string, { content: Buffer; mode?: number }> = {
    'bin/busybox': { content: readFileSync(busybox), mode: 0o755 },
    start: { content: Buffer.from(`/bin/busybox --install -s /bin\n${script}`) },
  };
  for (const program of programs) {
    const { stdout } = await execFileAsync('ldd', [program]);
    const libraries = [...stdout.matchAll(/(?:=>\s+)?(\/\S+)\s+\(0x/g)].map((match) => match[1] ?? '');
    for (const path of [program, ...libraries]) files[path.slice(1)] = { content: readFileSync(path), mode: 0o755 };
  }
  const image = `${local.registry.host}/${name}`;
  await local.engine.importImage(tarOf(files), image, ['ENV PATH=/bin', 'CMD ["/bin/busybox","sh","/start"]']);
  const folder = mkdtempSync(join(tmpdir(), 'slipway-push-'));
  try {
    const { username, password, serveraddress } = local.registry.pullCredentials();
    const auth = Buffer.from(`${username}:${password}`).toString('base64');
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { [serveraddress]: { auth } } }));
    const { stdout } = await execFileAsync('docker', ['--config', folder, 'push', image], { timeout: 60_000 });
    const digest = /digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1];
    if (digest === undefined) throw new Error(`docker push ${image} told no digest: ${stdout}`);
    return `${image.replace(/:[^:/]+$/, '')}@${digest}`;
  } finally {
    await local.engine.removeImage(image);
    rmSync(folder, { recursive: true, force: true });
  }
}
