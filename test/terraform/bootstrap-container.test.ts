/** What a service's very first apply starts, as Terraform writes it, with a real busybox: it answers the health path. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const folder = mkdtempSync(join(tmpdir(), 'bootstrap-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const source = readFileSync(join(import.meta.dirname, '../../terraform/modules/ecs-service/bootstrap.tf'), 'utf8');
const [, quoted = '""'] = /"sh", "-c", ("(?:[^"\\]|\\.)*"),/.exec(source) ?? [];
// HCL escapes quotes as JSON does.
const program = JSON.parse(quoted) as string;

const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
const bin = join(folder, 'bin');
mkdirSync(bin);
for (const applet of ['sh', 'httpd', 'mkdir', 'dirname']) symlinkSync(busybox, join(bin, applet));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test.each([['/health'], ['/'], ['/api/v1/health/'], ['/a b$(exit 1)"\'/health']])('it answers %s', async (path) => {
  const port = await freePort();
  const www = join(folder, String(port));
  const child = spawn(join(bin, 'sh'), ['-c', program, 'bootstrap', www, String(port), path], {
    env: { PATH: bin },
    stdio: 'inherit',
  });
  try {
    let answer: Response | undefined;
    for (let attempt = 0; !answer && attempt < 100; attempt++) {
      answer = await fetch(`http://127.0.0.1:${port}${encodeURI(path)}`).catch(() => undefined);
      if (!answer) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect([answer?.status, await answer?.text()]).toEqual([200, 'bootstrap\n']);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});
