import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Problem } from '../../../lib/errors.ts';

const MAGIC = Buffer.from('slipway-plan-1\n');
const TAG_BYTES = 16;
const SALT_BYTES = 32;
const IV_BYTES = 12;
const LONGEST_HEADER = 64 * 1024;
/** 128 bits in base64 take 22 characters, in hexadecimal 32: what is shorter was thought up by a person. */
const SHORTEST_KEY = 22;

/** What is read of a sealed plan without its key. It is authenticated all the same: a changed header opens with no key. */
export interface Header {
  repository: string;
  environment: string;
  component: string;
  root: string;
  commit: string;
  runId: string;
  runAttempt: number;
  product: string;
  version: string;
  /** ISO 8601. */
  at: string;
}

/** @throws Problem when there is no key, or one that could be guessed. */
export function checkKey(key: string): void {
  if (key.length >= SHORTEST_KEY) return;
  throw new Problem({
    what: "input 'plan-key'",
    cause:
      key === ''
        ? 'a plan holds secrets, so it is kept encrypted only, and there is no key'
        : `it has ${key.length} characters, which can be guessed`,
    fix: "Put 32 random bytes (openssl rand -base64 32) into an SSM SecureString that only this environment's roles may read, and set the component's plan-key to ${ssm:/its/path}; or pass an environment secret as 'plan-key'",
  });
}

/**
 * Encrypts with AES-256-GCM under a key derived by HKDF-SHA-256 with a salt of its own for each plan, so that a nonce is
 * never used twice with one key. The header is authenticated with it.
 */
export function seal(header: Header, secret: Buffer, key: string): Buffer {
  checkKey(key);
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(IV_BYTES);
  const clear = Buffer.from(`${JSON.stringify(header)}\n`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(clear.length);
  const front = Buffer.concat([MAGIC, length, clear, salt, iv]);
  const cipher = createCipheriv('aes-256-gcm', derive(key, salt), iv, { authTagLength: TAG_BYTES }).setAAD(front);
  return Buffer.concat([front, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
}

export function isSealed(file: Buffer): boolean {
  return file.subarray(0, MAGIC.length).equals(MAGIC);
}

/** @throws Problem when it is no sealed plan, was changed, or was sealed with another key. */
export function open(file: Buffer, key: string): { header: Header; secret: Buffer } {
  checkKey(key);
  const length = isSealed(file) && file.length > MAGIC.length + 4 ? file.readUInt32BE(MAGIC.length) : 0;
  const end = MAGIC.length + 4 + length + SALT_BYTES + IV_BYTES;
  if (length === 0 || length > LONGEST_HEADER || file.length < end + TAG_BYTES) {
    throw unusable('it is not a plan that slipway has saved, or only a part of one');
  }
  const header = file.subarray(MAGIC.length + 4, MAGIC.length + 4 + length);
  const salt = file.subarray(end - IV_BYTES - SALT_BYTES, end - IV_BYTES);
  const iv = file.subarray(end - IV_BYTES, end);
  const decipher = createDecipheriv('aes-256-gcm', derive(key, salt), iv, { authTagLength: TAG_BYTES })
    .setAAD(file.subarray(0, end))
    .setAuthTag(file.subarray(-TAG_BYTES));
  try {
    const secret = Buffer.concat([decipher.update(file.subarray(end, -TAG_BYTES)), decipher.final()]);
    return { header: JSON.parse(header.toString('utf8')) as Header, secret };
  } catch (error) {
    throw unusable('it was changed after it was saved, or saved with another key', error);
  }
}

function derive(key: string, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, 'slipway saved plan 1', 32));
}

function unusable(cause: string, underlying?: unknown): Problem {
  return new Problem({
    what: 'the saved plan',
    cause,
    fix: 'Plan again in a new run, and approve that',
    kind: 'denied',
    underlying,
  });
}
