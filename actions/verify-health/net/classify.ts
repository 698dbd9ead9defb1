import { messageOf } from '../../../lib/errors.ts';
import { type Failure, ProbeFailure } from '../failure.ts';

// What is wrong with a certificate, by the codes of OpenSSL and of Node's own check. Source: Node's "TLS" chapter, X509 certificate error codes.
const CERTIFICATE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has run out',
  CERT_NOT_YET_VALID: "the certificate is not valid yet, or this machine's clock is behind",
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name',
  HOSTNAME_MISMATCH: 'the certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is signed by nobody but itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is of an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is of an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the server does not send its whole chain (an intermediate certificate is missing), or its authority is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'the server does not send its whole chain: an intermediate certificate is missing',
  CERT_REVOKED: 'the certificate was revoked',
};
const OTHER_CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO|DEPTH_ZERO|INVALID_CA|PATH_LENGTH|INVALID_PURPOSE/;
/** Advice of Node for who starts it by hand, which nobody does with an action. */
const HINT = /; if the root CA is installed locally.*$/;
/** Of the handshake itself: alerts, and a peer that speaks no TLS. */
const PROTOCOL = /^EPROTO$|^ERR_SSL|^ERR_TLS|SSL/;

function certificateFault(code: string): string | undefined {
  const known = CERTIFICATE[code];
  if (known !== undefined) return known;
  // An alert of the peer about our certificate is not about its own.
  return OTHER_CERTIFICATE.test(code) && !PROTOCOL.test(code) ? 'the certificate is not trustworthy' : undefined;
}

/** OpenSSL's own errors are lines of numbers, file names and, in the end, words. */
function tidy(cause: string): string {
  const words = /:SSL routines:[^:]*:([^:]+)/.exec(cause)?.[1];
  return words === undefined
    ? cause.trim()
    : words === 'wrong version number'
      ? `${words}: what answers does not speak TLS`
      : words;
}

/** Sorts what went wrong on the way to an answer into the taxonomy. */
export function classify(error: unknown): Failure {
  if (error instanceof ProbeFailure) return error.failure;
  const code = codeOf(error);
  const cause = textOf(error);
  if (code === 'ENOTFOUND') return { reason: 'dns', cause: `the name cannot be resolved (${cause})`, final: true };
  if (code === 'EAI_AGAIN') return { reason: 'dns', cause: `the name look-up failed (${cause})`, final: false };
  if (code === 'ETIMEDOUT')
    return { reason: 'timeout', cause: 'no connection came about (the system gave up)', final: false };
  const certificate = certificateFault(code);
  if (certificate !== undefined)
    return { reason: 'tls', cause: `${certificate} (${cause.replace(HINT, '')})`, final: true };
  if (PROTOCOL.test(code))
    // The peer may be on its way still, as one that gets its certificate when it starts.
    return {
      reason: 'tls',
      cause: `no TLS connection came about (${tidy(cause)})`,
      final: /wrong.version/i.test(code + cause),
    };
  if (code === 'HPE_HEADER_OVERFLOW') return refused('the head of the answer is longer than 16 KiB');
  if (/^E[MN]FILE$/.test(code)) return refused(`this machine has no more connections to give (${code})`);
  if (code === 'ECONNREFUSED') return refused('nothing listens there (connection refused)');
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return refused(`there is no way there (${cause})`);
  if (code === 'ECONNRESET') return refused('the connection was cut before the whole answer was there');
  if (code.startsWith('HPE_')) return refused(`what answers does not speak HTTP (${cause})`);
  return refused(`the connection broke (${cause || code})`);
}

function refused(cause: string): Failure {
  return { reason: 'refused', cause, final: false };
}

/** Of the failures of several addresses the one that says most: a machine without IPv6, or whose IPv6 leads nowhere, fails at that every time. */
function telling(errors: readonly unknown[]): unknown {
  return errors.find((error) => !/^E(?:(?:HOST|NET)UNREACH|ADDRNOTAVAIL|TIMEDOUT)$/.test(codeOf(error))) ?? errors[0];
}

/** Errors of Node's internals may be of another realm, which instanceof does not see. */
function textOf(error: unknown): string {
  const { message, errors } = error as { message?: unknown; errors?: unknown[] };
  if (errors?.length) return textOf(telling(errors));
  if (typeof message === 'string' && message !== '') return message;
  return messageOf(error);
}

function codeOf(error: unknown): string {
  const e = error as { code?: string; cause?: unknown; errors?: unknown[] };
  if (e.errors?.length) return codeOf(telling(e.errors));
  if (e.code) return e.code;
  return e.cause ? codeOf(e.cause) : '';
}
