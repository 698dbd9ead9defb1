import { expect, test } from '@jest/globals';
import { named } from '../../../test/support/named.ts';
import { classify } from './classify.ts';

const coded = (code: string, message = 'as it was said') => Object.assign(new Error(message), { code });
const SSL = (words: string) => `00E8:error:0A00010B:SSL routines:ssl3_get_record:${words}:ssl/record.c:354:\n`;

test.each(
  named<[what: string, error: unknown, reason: string, final: boolean, cause: RegExp]>([
    ['expired', coded('CERT_HAS_EXPIRED'), 'tls', true, /^the certificate has run out/],
    ['not valid yet', coded('CERT_NOT_YET_VALID'), 'tls', true, /is not valid yet, or this machine's clock is behind/],
    ['of another name', coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'tls', true, /is for another name/],
    ['signed by itself', coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'tls', true, /signed by nobody but itself/],
    ['of an unknown authority', coded('SELF_SIGNED_CERT_IN_CHAIN'), 'tls', true, /authority that is not trusted here/],
    ['without its chain', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'tls', true, /does not send its whole chain/],
    ['bad in another way', coded('INVALID_PURPOSE'), 'tls', true, /is not trustworthy \(as it was said\)/],
    ['no TLS', coded('EPROTO', SSL('wrong version number')), 'tls', true, /does not speak TLS/],
    [
      'an alert, as of a server that has no certificate yet',
      coded('ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', SSL('tlsv1 alert internal error')),
      'tls',
      false,
      /^no TLS connection came about \(tlsv1 alert internal error\)$/,
    ],
    ['a long head', coded('HPE_HEADER_OVERFLOW'), 'refused', false, /longer than 16 KiB/],
    ['no more connections', coded('EMFILE'), 'refused', false, /^this machine has no more connections to give/],
    [
      'several addresses, of which one refuses',
      Object.assign(new AggregateError([coded('ENETUNREACH'), coded('ECONNREFUSED')]), { code: 'ENETUNREACH' }),
      'refused',
      false,
      /^nothing listens there/,
    ],
  ]),
)('%s', (_name, [, error, reason, final, cause]) => {
  expect(classify(error)).toEqual({ reason, final, cause: expect.stringMatching(cause) });
});
