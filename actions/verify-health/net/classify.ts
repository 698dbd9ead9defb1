import { messageOf } from '../../../lib/errors.ts';
import { type Failure, ProbeFailure } from '../failure.ts';

// Codes of OpenSSL, of Node's own checks, and of a peer that speaks no TLS. Source: Node's "TLS" and "Errors" chapters.
const TLS =
  /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|SSL|EPROTO|DEPTH_ZERO|INVALID_CA|PATH_LENGTH|HOSTNAME_MISMATCH|INVALID_PURPOSE/;

/** Sorts what went wrong on the way to an answer into the taxonomy. */
export function classify(error: unknown): Failure {
  if (error instanceof ProbeFailure) return error.failure;
  const code = codeOf(error);
  const cause = textOf(error);
  if (code === 'ENOTFOUND') return { reason: 'dns', cause: `the name cannot be resolved (${cause})`, final: true };
  if (code === 'EAI_AGAIN') return { reason: 'dns', cause: `the name look-up failed (${cause})`, final: false };
  if (code === 'ETIMEDOUT')
    return { reason: 'timeout', cause: 'no connection came about (the system gave up)', final: false };
  if (TLS.test(code)) return { reason: 'tls', cause: `the TLS connection is not trustworthy (${cause})`, final: true };
  if (code === 'ECONNREFUSED') return refused('nothing listens there (connection refused)');
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return refused(`there is no way there (${cause})`);
  if (code === 'ECONNRESET') return refused('the connection was cut before the whole answer was there');
  if (code.startsWith('HPE_')) return refused(`what answers does not speak HTTP (${cause})`);
  return refused(`the connection broke (${cause || code})`);
}

function refused(cause: string): Failure {
  return { reason: 'refused', cause, final: false };
}

/** Errors of Node's internals may be of another realm, which instanceof does not see. */
function textOf(error: unknown): string {
  const { message, errors } = error as { message?: unknown; errors?: unknown[] };
  if (typeof message === 'string' && message !== '') return message;
  return errors?.[0] ? textOf(errors[0]) : messageOf(error);
}

function codeOf(error: unknown): string {
  const e = error as { code?: string; cause?: unknown; errors?: unknown[] };
  if (e.code) return e.code;
  if (e.errors?.[0]) return codeOf(e.errors[0]);
  return e.cause ? codeOf(e.cause) : '';
}
