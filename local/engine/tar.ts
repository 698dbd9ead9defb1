const BLOCK = 512;

/**
 * A ustar archive of regular files (POSIX.1-1988 "ustar Interchange Format"), enough to put files into a container.
 * Paths are relative, at most 100 bytes; directories are made by the engine.
 */
export function tarOf(files: Readonly<Record<string, { content: Buffer; mode?: number }>>): Buffer {
  const parts: Buffer[] = [];
  for (const [path, { content, mode }] of Object.entries(files)) {
    parts.push(header(path.replace(/^\/+/, ''), content.length, mode ?? 0o644), content);
    const rest = content.length % BLOCK;
    if (rest > 0) parts.push(Buffer.alloc(BLOCK - rest));
  }
  parts.push(Buffer.alloc(BLOCK * 2));
  return Buffer.concat(parts);
}

function header(path: string, size: number, mode: number): Buffer {
  if (Buffer.byteLength(path) > 100)
    throw new RangeError(`tar path '${path}' is longer than 100 bytes: use a shorter one`);
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\u0000 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
