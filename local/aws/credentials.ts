import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { Identity } from './service.ts';

/** What STS hands out. The keys are worthless outside this process. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Absent for the account's own key. */
  sessionToken?: string;
  /** Milliseconds since the epoch; absent for the account's own key. */
  expiresAt?: number;
}

export interface KnownKey {
  credentials: Credentials;
  identity: Identity;
  /** "ecs:UpdateService", "ecs:*": actions that this identity may not do. */
  deny: readonly string[];
}

export interface CredentialStore {
  find(accessKeyId: string): KnownKey | undefined;
  /** @param sessionSeconds how long they are good for */
  issue(identity: Omit<Identity, 'accessKeyId'>, sessionSeconds: number, deny: readonly string[]): KnownKey;
  /** The key of the IAM user `local`, which may do everything and never expires. */
  readonly root: KnownKey;
}

/** The account's own key, the same at every start so that it can be typed: it opens nothing but loopback. */
export const LOCAL_ACCESS_KEY_ID = 'AKIDLOCALSLIPWAY';
export const LOCAL_SECRET_ACCESS_KEY = 'local-secret-that-opens-only-loopback';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** An id as IAM makes them: four letters that tell the kind, and sixteen of base 32. */
export function uniqueId(prefix: string, of?: string): string {
  const bytes = of === undefined ? randomBytes(16) : Buffer.from(hkdfSync('sha256', of, 'slipway', prefix, 16));
  return prefix + [...bytes].map((b) => ALPHABET[b % 32]).join('');
}

export function createCredentialStore(options: { account: string; now(): number }): CredentialStore {
  const known = new Map<string, KnownKey>();
  const root: KnownKey = {
    credentials: { accessKeyId: LOCAL_ACCESS_KEY_ID, secretAccessKey: LOCAL_SECRET_ACCESS_KEY },
    identity: {
      accessKeyId: LOCAL_ACCESS_KEY_ID,
      account: options.account,
      arn: `arn:aws:iam::${options.account}:user/local`,
      userId: uniqueId('AIDA', 'local'),
    },
    deny: [],
  };
  known.set(LOCAL_ACCESS_KEY_ID, root);
  return {
    root,
    find: (accessKeyId) => known.get(accessKeyId),
    issue(identity, sessionSeconds, deny) {
      const accessKeyId = uniqueId('ASIA');
      const key: KnownKey = {
        credentials: {
          accessKeyId,
          secretAccessKey: randomBytes(30).toString('base64'),
          sessionToken: randomBytes(180).toString('base64'),
          expiresAt: options.now() + sessionSeconds * 1000,
        },
        identity: { ...identity, accessKeyId },
        deny,
      };
      known.set(accessKeyId, key);
      return key;
    },
  };
}

export function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
