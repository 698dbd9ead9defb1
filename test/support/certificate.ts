import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  /** PEM of the certificate, and of its private key. */
  cert: string;
  key: string;
}

export interface CertificateOptions {
  /** Common name; of a leaf also a DNS name it is for. */
  name: string;
  /** IPv4 address that it is for. */
  address?: string;
  /** Milliseconds since the epoch. */
  notAfter?: number;
  /** Signs it; without one it signs itself. */
  issuer?: Authority;
  /** May sign others. */
  authority?: boolean;
}

export interface Authority extends Certificate {
  name: string;
  privateKey: KeyObject;
}

const DAY = 86_400_000;

/** DER of one value: tag, length, content. Source: ITU-T X.690. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const utf8 = (text: string) => der(0x0c, Buffer.from(text));
const time = (ms: number) => der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')}`));
const nameOf = (text: string) => sequence(der(0x31, sequence(oid('550403'), utf8(text))));
const extension = (id: string, value: Buffer, critical = false) =>
  sequence(oid(id), ...(critical ? [der(0x01, Buffer.from([255]))] : []), der(0x04, value));

/** ecdsa-with-SHA256. */
const ALGORITHM = sequence(oid('2a8648ce3d040302'));

/** A certificate for tests (X.509 v3, P-256), so that no program outside of Node is needed. Source: RFC 5280. */
export function makeCertificate({ name, address, notAfter, issuer, authority = false }: CertificateOptions): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const until = notAfter ?? Date.now() + DAY;
  const names = sequence(
    der(0x82, Buffer.from(name)),
    ...(address ? [der(0x87, Buffer.from(address.split('.').map(Number)))] : []),
  );
  const serial = der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)]));
  const extensions = authority
    ? [extension('551d13', sequence(der(0x01, Buffer.from([255]))), true)]
    : [extension('551d11', names)];
  const keyId = createHash('sha1').update(spki).digest();
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    serial,
    ALGORITHM,
    nameOf(issuer?.name ?? name),
    sequence(time(Math.min(until, Date.now()) - DAY), time(until)),
    nameOf(name),
    spki,
    der(0xa3, sequence(...extensions, extension('551d0e', der(0x04, keyId)))),
  );
  const signature = sign('sha256', tbs, issuer?.privateKey ?? privateKey);
  const certificate = sequence(tbs, ALGORITHM, der(0x03, Buffer.from([0]), signature));
  return {
    name,
    privateKey,
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
