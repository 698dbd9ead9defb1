import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Most characters of a payload: document and parameters together end at 64 KB. */
export const PAYLOAD_LIMIT = 16_000;

const HOST_SCRIPT = readFileSync(new URL('./host.sh', import.meta.url), 'utf8');

/** The SSM document: one parameter, checked by a pattern, and a script that never changes with the data. */
export const DOCUMENT = JSON.stringify({
  schemaVersion: '2.2',
  description: 'Slipway: runs one container on this host (https://github.com/slipway/slipway)',
  parameters: {
    payload: {
      type: 'String',
      description: 'Lines "key base64", together in base64',
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
        runCommand: [`payload='{{ payload }}'`, ...HOST_SCRIPT.trimEnd().split('\n')],
      },
    },
  ],
});

/** Named by its content: a role may send Slipway-Deploy-* and nothing else, and two versions of Slipway do not disturb each other. */
export const DOCUMENT_NAME = `Slipway-Deploy-${createHash('sha256').update(DOCUMENT).digest('hex').slice(0, 12)}`;
