import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { HOST_PROGRAM, HOST_PROGRAM_VERSION } from './host-program.ts';

/** Characters of a payload: together with the document they stay below SSM's 64 KB. A parameter, where a spec also has to fit, ends at 8 KB. */
export const PAYLOAD_LIMIT = 16_000;

const PROGRAM_HASH = createHash('sha256').update(HOST_PROGRAM).digest('hex');
const BASE64_LINE = /.{1,120}/g;

/**
 * The program, packed because documents end at 64 KB: unpacked it is terraform/ami/files/slipway-host, byte for byte. It goes to memory
 * under the name of its content, so that one that is there already is whole.
 */
const UNPACK = [
  `# slipway-host ${HOST_PROGRAM_VERSION}, the same as terraform/ami/files/slipway-host; sha256 ${PROGRAM_HASH}`,
  'export payload',
  'umask 077',
  'mkdir -p /run/slipway || exit 1',
  `program=/run/slipway/program-${PROGRAM_HASH.slice(0, 16)}`,
  `base64 -d << 'PROGRAM' | gzip -d > "$program.$$" || exit 1`,
  ...(gzipSync(HOST_PROGRAM, { level: 9 }).toString('base64').match(BASE64_LINE) ?? []),
  'PROGRAM',
  `echo '${PROGRAM_HASH}  '"$program.$$" | sha256sum -c > /dev/null || { echo 'the program of this document is damaged' >&2; exit 1; }`,
  'mv -f "$program.$$" "$program"',
  'exec bash "$program"',
];

/** The SSM document: one parameter, checked by a pattern, and a script that never changes with the data. */
export const DOCUMENT = JSON.stringify({
  schemaVersion: '2.2',
  description: 'Slipway: deploys containers on this host (https://github.com/slipway/slipway)',
  parameters: {
    payload: {
      type: 'String',
      description: 'What to do: a JSON object in base64',
      allowedPattern: `^[A-Za-z0-9+/=]{1,${PAYLOAD_LIMIT}}$`,
    },
    executionTimeout: { type: 'String', default: '900', allowedPattern: '^[0-9]{1,5}$' },
  },
  mainSteps: [
    {
      action: 'aws:runShellScript',
      name: 'slipway',
      precondition: { StringEquals: ['platformType', 'Linux'] },
      inputs: {
        timeoutSeconds: '{{ executionTimeout }}',
        runCommand: [`payload='{{ payload }}'`, ...UNPACK],
      },
    },
  ],
});

/**
 * Named by the program, not by its packed bytes, which another version of zlib may write otherwise: a role may send Slipway-Deploy-* and
 * nothing else, and two versions of Slipway do not disturb each other.
 */
export const DOCUMENT_NAME = `Slipway-Deploy-${createHash('sha256').update(`${PAYLOAD_LIMIT}\0${PROGRAM_HASH}`).digest('hex').slice(0, 12)}`;

/** The payload of a command. */
export function encodePayload(payload: object): string {
  return Buffer.from(JSON.stringify(payload)).toString('base64');
}
