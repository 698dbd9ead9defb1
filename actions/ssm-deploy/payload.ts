import { Problem } from '../../lib/errors.ts';
import { encodePayload as encode, PAYLOAD_LIMIT } from './document.ts';
import type { Operation } from './inputs.ts';
import type { Spec } from './spec/spec.ts';

/** What one command tells a host. Absent keys are the host program's defaults. */
export interface Payload {
  v: 1;
  operation: Operation | 'preflight';
  component: string;
  environment: string;
  group: string;
  region: string;
  /** Version of the parameter that this was decided on; 0 when there was none. */
  base: number;
  bootstrap?: boolean;
  /** What to run (deploy), or what to go back to where it is known (rollback). */
  spec?: Spec;
  /** rollback: only if this release is current; else nothing is done. */
  to?: string;
  lines?: number;
  since?: string;
  /** logs: do not cut what is printed, since it is read from where nothing is cut. */
  all?: boolean;
  keep?: number;
}

/** The payload as one base64 word. @throws Problem when it is larger than our document takes. */
export function encodePayload(payload: Payload): string {
  const text = encode(payload);
  if (text.length <= PAYLOAD_LIMIT) return text;
  throw new Problem({
    what: 'options of the container',
    seen: `${text.length} bytes`,
    cause: `they are over the ${PAYLOAD_LIMIT} bytes that an SSM command takes`,
    fix: 'Move large values into parameters or into files of the image',
  });
}
