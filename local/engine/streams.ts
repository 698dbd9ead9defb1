import { StringDecoder } from 'node:string_decoder';

const HEADER_BYTES = 8;

/**
 * Splits the engine's multiplexed stream (8-byte header: stream number, three zeros, length) into its two streams.
 * Source: Docker Engine API, "Stream format" of POST /containers/{id}/attach.
 */
export function demultiplex(onChunk: (chunk: Buffer, stream: 'stdout' | 'stderr') => void): (data: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  return (data) => {
    pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
    while (pending.length >= HEADER_BYTES) {
      const length = pending.readUInt32BE(4);
      if (pending.length < HEADER_BYTES + length) return;
      const chunk = pending.subarray(HEADER_BYTES, HEADER_BYTES + length);
      onChunk(chunk, pending[0] === 2 ? 'stderr' : 'stdout');
      pending = pending.subarray(HEADER_BYTES + length);
    }
  };
}

/** Cuts chunks into lines without their ends; `end` gives what is left over. Never splits a character. */
export function lines(onLine: (line: string) => void): { write(chunk: Buffer): void; end(): void } {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const emit = (text: string): void => {
    rest += text;
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
      onLine(rest.slice(0, at).replace(/\r$/, ''));
      rest = rest.slice(at + 1);
    }
  };
  return {
    write: (chunk) => emit(decoder.write(chunk)),
    end: () => {
      emit(decoder.end());
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}

/** A log line as the engine gives it with timestamps: RFC 3339 with nanoseconds, a blank, the message. */
export function stamped(line: string, otherwise: number): { timestamp: number; message: string } {
  const blank = line.indexOf(' ');
  const at = blank > 0 ? Date.parse(line.slice(0, blank)) : Number.NaN;
  return Number.isNaN(at) ? { timestamp: otherwise, message: line } : { timestamp: at, message: line.slice(blank + 1) };
}
