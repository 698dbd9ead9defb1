import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const read = (part: URL) => readFileSync(part, 'utf8');

/** The parts of slipway-host in the order in which they are joined: the first begins, the last calls what the others define. */
const PARTS: readonly string[] = [
  read(new URL('./host/main.sh', import.meta.url)),
  read(new URL('./host/version.sh', import.meta.url)),
  read(new URL('./host/payload.sh', import.meta.url)),
  read(new URL('./host/record.sh', import.meta.url)),
  read(new URL('./host/engine.sh', import.meta.url)),
  read(new URL('./host/secrets.sh', import.meta.url)),
  read(new URL('./host/proxy.sh', import.meta.url)),
  read(new URL('./host/deploy.sh', import.meta.url)),
  read(new URL('./host/operations.sh', import.meta.url)),
  read(new URL('./host/serve.sh', import.meta.url)),
  read(new URL('./host/provision.sh', import.meta.url)),
  read(new URL('./host/end.sh', import.meta.url)),
];

/** What runs on hosts: the same text in our SSM document and in /usr/local/sbin/slipway-host. */
export const HOST_PROGRAM = joined(PARTS);

/** Its version: a host takes a newer program from a command's document. */
export const HOST_PROGRAM_VERSION = Number(/^PROGRAM_VERSION=(\d+)$/m.exec(HOST_PROGRAM)?.[1]);

/** A hash over the program without its version: another one means that the version has to be raised. */
export function fingerprintOf(program: string): string {
  const rest = program.replace(/^PROGRAM_VERSION=.*\n# parts: .*$/m, '');
  return createHash('sha256').update(rest).digest('hex').slice(0, 16);
}

function joined(parts: readonly string[]): string {
  const texts = parts.map((text) => text.replace(/^# shellcheck shell=bash\n/, ''));
  return `#!/usr/bin/env bash\n# shellcheck shell=bash\n${texts.join('\n')}`;
}
