import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** AWS's download places, played on loopback: packages of the same kinds, signed by keys of their own. */
export interface Downloads {
  url: string;
  /** The armoured public key that signs them. */
  key: string;
  /** Signed by it, with the signature around it. */
  message: Buffer;
  /** What was asked for. */
  asked: string[];
  /** What is served, by path; to be changed by tests. */
  files: Map<string, Buffer>;
  close(): Promise<void>;
}

export async function serveDownloads(): Promise<Downloads> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-downloads-'));
  const home = join(folder, 'gnupg');
  mkdirSync(home, { mode: 0o700 });
  const gpg = (args: string[], input?: Buffer) =>
    execFileSync(
      'gpg',
      ['--homedir', home, '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', '', ...args],
      {
        ...(input && { input }),
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
  gpg(['--quick-generate-key', 'Publisher <publisher@sample.test>', 'rsa2048', 'sign', 'never']);
  const key = gpg(['--armor', '--export']).toString();

  const message = gpg(['--sign'], Buffer.from('good news'));

  const files = new Map<string, Buffer>();
  const publish = (path: string, content: Buffer) => {
    files.set(path, content);
    files.set(`${path}.sig`, gpg(['--detach-sign'], content));
  };
  for (const architecture of ['amd64', 'arm64'])
    publish(`/debian_${architecture}/amazon-ssm-agent.deb`, agent(folder, architecture));
  const cli = zip({ 'aws/install': CLI_INSTALLER });
  for (const machine of ['x86_64', 'aarch64']) publish(`/awscli-exe-linux-${machine}.zip`, cli);

  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const content = files.get(request.url ?? '');
    if (content) response.end(content);
    else response.writeHead(404).end();
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key,
    message,
    asked,
    files,
    async close() {
      // The key's agent would outlive its folder.
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'], { stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const CLI_INSTALLER = `#!/bin/sh
printf '#!/bin/sh\\necho aws-cli/2.99.0 Python/3 Linux\\n' >/usr/local/bin/aws && chmod 755 /usr/local/bin/aws
`;

/** A Debian package with the agent's name, its program and its unit. */
function agent(folder: string, architecture: string): Buffer {
  const root = join(folder, architecture);
  for (const sub of ['DEBIAN', 'usr/bin']) mkdirSync(join(root, sub), { recursive: true, mode: 0o755 });
  const control = `Package: amazon-ssm-agent\nVersion: 3.3.9999.0-1\nArchitecture: ${architecture}\nMaintainer: slipway <s@sample.test>\nDescription: stand-in\n`;
  writeFileSync(join(root, 'DEBIAN/control'), control);
  writeFileSync(join(root, 'usr/bin/amazon-ssm-agent'), '#!/bin/sh\n', { mode: 0o755 });
  const file = join(folder, `${architecture}.deb`);
  execFileSync('dpkg-deb', ['--build', '--root-owner-group', root, file], { stdio: 'ignore' });
  return readFileSync(file);
}

/** A zip archive of executables, stored. Source: PKWARE's APPNOTE 4.3, 4.4.15 for the mode. */
function zip(programs: Readonly<Record<string, string>>): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(programs)) {
    const data = Buffer.from(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const head = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name)]);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE((0o100755 << 16) >>> 0, 6);
    entry.writeUInt32LE(offset, 10);
    // 0x0314: made by Unix, so that the mode counts.
    central.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, entry, Buffer.from(name));
    local.push(head, data);
    offset += head.length + data.length;
  }
  const size = central.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(Object.keys(programs).length, 8);
  end.writeUInt16LE(Object.keys(programs).length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, ...central, end]);
}
