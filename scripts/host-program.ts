/**
 * Writes terraform/ami/files/slipway-host from its parts in actions/ssm-deploy/host, after raising its version where they changed.
 *
 *   node scripts/host-program.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf, HOST_PROGRAM, HOST_PROGRAM_VERSION } from '../actions/ssm-deploy/host-program.ts';

const ROOT = join(import.meta.dirname, '..');
const VERSION_PART = join(ROOT, 'actions/ssm-deploy/host/version.sh');
/** Where the program lies in images of hosts. */
export const PROGRAM_FILE = join(ROOT, 'terraform/ami/files/slipway-host');

if (import.meta.main) {
  const now = fingerprintOf(HOST_PROGRAM);
  const versionLines = /^PROGRAM_VERSION=.*\n# parts: (.*)$/m;
  const [, recorded] = versionLines.exec(HOST_PROGRAM) ?? [];
  const version = recorded === now ? HOST_PROGRAM_VERSION : HOST_PROGRAM_VERSION + 1;
  const lines = `PROGRAM_VERSION=${version}\n# parts: ${now}`;
  writeFileSync(VERSION_PART, readFileSync(VERSION_PART, 'utf8').replace(versionLines, lines));
  writeFileSync(PROGRAM_FILE, HOST_PROGRAM.replace(versionLines, lines), { mode: 0o755 });
  console.log(`slipway-host ${version}`);
}
