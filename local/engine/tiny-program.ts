import { Readable } from 'node:stream';
import type { Engine } from './engine.ts';
import { tarOf } from './tar.ts';

/**
 * Linux programs of a few bytes, so that a container can be held open or made to fail in any image, one without a shell
 * included. An ELF file of one loadable segment: header, program header, machine code (System V ABI, AMD64 and AArch64
 * supplements).
 */
export type TinyProgram = 'wait-for-ever' | 'exit-1';

/** What the failing program leaves in the log, so that nobody takes it for a fault of the image. */
export const CRASH_MESSAGE = 'slipway: this crash was injected';

const MESSAGE = Buffer.from(`${CRASH_MESSAGE}\n`);

const CODE: Record<'x64' | 'arm64', { machine: number; program: Record<TinyProgram, readonly number[]> }> = {
  x64: {
    machine: 62,
    program: {
      // mov eax, 34 (pause); syscall; jmp back
      'wait-for-ever': [0xb8, 0x22, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7],
      // mov edi, 2; lea rsi, [message]; mov edx, length; mov eax, 1 (write); syscall; mov edi, 1; mov eax, 60 (exit); syscall
      'exit-1': [
        ...[
          0xbf,
          2,
          0,
          0,
          0,
          0x48,
          0x8d,
          0x35,
          24,
          0,
          0,
          0,
          0xba,
          MESSAGE.length,
          0,
          0,
          0,
          0xb8,
          1,
          0,
          0,
          0,
          0x0f,
          0x05,
        ],
        ...[0xbf, 1, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05],
        ...MESSAGE,
      ],
    },
  },
  arm64: {
    machine: 183,
    program: {
      // x0..x4 = 0; x8 = 73 (ppoll); svc; branch back to the start
      'wait-for-ever': words(
        0xd2800000,
        0xd2800001,
        0xd2800002,
        0xd2800003,
        0xd2800004,
        0xd2800928,
        0xd4000001,
        0x17fffff9,
      ),
      // x0 = 2; x1 = message; x2 = length; x8 = 64 (write); svc; x0 = 1; x8 = 93 (exit); svc
      'exit-1': [
        ...words(0xd2800040, 0x100000e1, 0xd2800002 | (MESSAGE.length << 5), 0xd2800808, 0xd4000001),
        ...words(0xd2800020, 0xd2800ba8, 0xd4000001),
        ...MESSAGE,
      ],
    },
  },
};

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const BASE = 0x400000n;

/** The program as an executable file for the engine's architecture ('amd64', 'x86_64', 'arm64', 'aarch64'). */
export function tinyProgram(name: TinyProgram, architecture: string): Buffer {
  const target = CODE[/arm64|aarch64/.test(architecture) ? 'arm64' : 'x64'];
  const code = Buffer.from(target.program[name]);
  const size = BigInt(HEADER_BYTES + PROGRAM_HEADER_BYTES + code.length);
  const head = Buffer.alloc(HEADER_BYTES + PROGRAM_HEADER_BYTES);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // magic, 64 bit, little endian, version
  head.writeUInt16LE(2, 16); // executable
  head.writeUInt16LE(target.machine, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(BASE + BigInt(HEADER_BYTES + PROGRAM_HEADER_BYTES), 24); // entry
  head.writeBigUInt64LE(BigInt(HEADER_BYTES), 32); // program headers
  head.writeUInt16LE(HEADER_BYTES, 52);
  head.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt16LE(64, 58);
  const segment = HEADER_BYTES;
  head.writeUInt32LE(1, segment); // loadable
  head.writeUInt32LE(5, segment + 4); // read, execute
  head.writeBigUInt64LE(BASE, segment + 16);
  head.writeBigUInt64LE(BASE, segment + 24);
  head.writeBigUInt64LE(size, segment + 32);
  head.writeBigUInt64LE(size, segment + 40);
  head.writeBigUInt64LE(0x1000n, segment + 48);
  return Buffer.concat([head, code]);
}

/** An image that only waits: it holds the network that the containers of one task share. Made once per engine. */
export async function ensurePauseImage(engine: Engine): Promise<string> {
  const reference = 'slipway-local-pause:1';
  if (await engine.image(reference)) return reference;
  const { architecture } = await engine.ping();
  const tar = tarOf({ pause: { content: tinyProgram('wait-for-ever', architecture), mode: 0o755 } });
  await engine.importImage(Readable.from([tar]), reference, ['ENTRYPOINT ["/pause"]']);
  return reference;
}

function words(...instructions: number[]): number[] {
  const out = Buffer.alloc(instructions.length * 4);
  instructions.forEach((word, i) => {
    out.writeUInt32LE(word >>> 0, i * 4);
  });
  return [...out];
}
