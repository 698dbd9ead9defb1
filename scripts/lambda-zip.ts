/**
 * Packs the function that tells Discord of alarms (terraform/modules/monitoring/notifier) into the zip that Terraform uploads.
 *
 *   node scripts/lambda-zip.ts           writes notifier.zip
 *   node scripts/lambda-zip.ts --check   fails when it is not what the sources give
 *
 * The zip is committed: Terraform's archive provider would make it while it plans, and it is not there any more when another
 * job applies the saved plan. It holds names and bytes only, no times and no owners, so the same sources give the same bytes
 * on every machine.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const MODULE = join(import.meta.dirname, '../terraform/modules/monitoring');
export const ZIP = join(MODULE, 'notifier.zip');

// 1980-01-01, the first day that a zip can name.
const DAY_ONE = 0x21;
const FILE_0644 = (0o100644 << 16) >>> 0;

interface Entry {
  name: string;
  bytes: Buffer;
}

/** The files of the function, by name. */
export function sources(folder: string = join(MODULE, 'notifier')): Entry[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.mjs'))
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}

/** A zip of files that are stored and not compressed (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16). */
export function zip(entries: readonly Entry[]): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of entries) {
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(0x800, 2);
    fields.writeUInt16LE(DAY_ONE, 8);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(bytes.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), bytes]);

    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(FILE_0644, 6);
    rest.writeUInt32LE(offset, 10);
    // 0x0314: made on Unix, so that the permissions count.
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), fields, rest, Buffer.from(name)]));
    bodies.push(local);
    offset += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(list.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, list, Buffer.from('PK\x05\x06'), end]);
}

if (import.meta.main) {
  const made = zip(sources());
  if (!process.argv.includes('--check')) writeFileSync(ZIP, made);
  else if (!made.equals(readFileSync(ZIP))) {
    process.stderr.write(`${ZIP} is not what its sources give. Run: node scripts/lambda-zip.ts\n`);
    process.exitCode = 1;
  }
}
