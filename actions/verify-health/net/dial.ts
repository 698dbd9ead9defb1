import type { LookupAddress } from 'node:dns';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { CertificateFacts, Timings } from '../answer.ts';
import { ProbeFailure } from '../failure.ts';
import { limit } from './within.ts';

/** Longest times of the parts of an attempt, in milliseconds. */
export interface Deadlines {
  dns: number;
  connect: number;
  tls: number;
  firstByte: number;
}

export interface DialOptions {
  addresses: readonly LookupAddress[];
  port: number;
  /** Set where TLS is spoken: the host that the certificate has to be for. */
  secureFor?: string | undefined;
  /** Certificates to trust, in place of the machine's. */
  ca?: readonly string[] | undefined;
  deadlines: Deadlines;
  signal: AbortSignal;
  timings: Timings;
}

/** A connection, with TLS where asked; each part within its own time. Several addresses are tried as RFC 8305 says. */
export async function dial(options: DialOptions): Promise<Socket> {
  const socket = await connect(options);
  return options.secureFor === undefined ? socket : secure(socket, options.secureFor, options);
}

async function connect({ addresses, port, deadlines, signal: whole, timings }: DialOptions): Promise<Socket> {
  const { signal, end } = limit(whole, deadlines.connect, 'connection');
  const started = performance.now();
  const [first] = addresses;
  const socket = connectTcp({
    host: first?.address ?? '',
    port,
    noDelay: true,
    ...(addresses.length > 1 && {
      host: 'several',
      lookup: (_host, _options, found) => found(null, [...addresses]),
      autoSelectFamily: true,
    }),
  });
  try {
    await settled(socket, 'connect', signal);
    timings.connect = performance.now() - started;
    return socket;
  } finally {
    end();
  }
}

/** TLS over a connection. Only HTTP/1.1 is offered. @throws the TLS library's error, with a code */
export async function secure(
  raw: Socket,
  host: string,
  { deadlines, signal: whole, ca, timings }: Pick<DialOptions, 'deadlines' | 'signal' | 'ca' | 'timings'>,
): Promise<TLSSocket> {
  const { signal, end } = limit(whole, deadlines.tls, 'TLS handshake');
  const started = performance.now();
  // The dot at the end of a whole name is not part of a server name (RFC 6066, section 3).
  const name = host.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const socket = connectTls({
    socket: raw,
    host: name,
    // An address is no server name (RFC 6066, section 3).
    ...(isIP(name) === 0 && { servername: name }),
    ...(ca && { ca: [...ca] }),
    ALPNProtocols: ['http/1.1'],
  });
  try {
    await settled(socket, 'secureConnect', signal);
    timings.tls = performance.now() - started;
    return socket;
  } catch (error) {
    throw plainly(error);
  } finally {
    end();
  }
}

/** Waits for an event of a socket that is destroyed when it does not come. */
function settled(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: unknown) => {
      signal.removeEventListener('abort', onAbort);
      socket.off('error', done);
      socket.off('close', onClose);
      if (error === undefined) return resolve();
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const onAbort = () => done(signal.reason);
    const onClose = () => done(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket
      .once('error', done)
      .once('close', onClose)
      .once(event, () => done());
  });
}

/** A handshake that is cut off has no code of TLS's own. */
function plainly(error: unknown): unknown {
  if (error instanceof ProbeFailure) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET') return new ProbeFailure('tls', 'the connection was cut during the TLS handshake');
  return error;
}

/** What the certificate says; undefined without TLS. */
export function certificateOf(socket: Socket): CertificateFacts | undefined {
  if (!('getPeerX509Certificate' in socket)) return undefined;
  const certificate = (socket as TLSSocket).getPeerX509Certificate();
  if (!certificate) return undefined;
  return {
    validTo: certificate.validToDate.getTime(),
    issuer: certificate.issuer.split('\n').join(', '),
    names: (certificate.subjectAltName ?? '')
      .split(', ')
      .flatMap((entry) => /^(?:DNS|IP Address):"?([^"]+)"?$/.exec(entry)?.[1] ?? []),
  };
}
