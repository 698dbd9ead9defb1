import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MIGRATE = fileURLToPath(new URL('../src/migrate.ts', import.meta.url));

function migrate(env: Record<string, string>): Promise<{ code: number; lines: { level: string; message: string }[] }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MIGRATE], { env: { PATH: process.env.PATH ?? '', ...env } }, (error, stdout) => {
      const lines = stdout.trim().split('\n').filter(Boolean);
      resolve({ code: error ? Number(error.code) : 0, lines: lines.map((line) => JSON.parse(line)) });
    });
  });
}

test('ends with 0 when there is nothing in the way', async () => {
  const database = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => database.listen(0, '127.0.0.1', resolve));
  const address = database.address();
  assert(address && typeof address === 'object');
  const { code, lines } = await migrate({ DATABASE_URL: `postgres://127.0.0.1:${address.port}/x` });
  database.close();
  assert.equal(code, 0);
  assert.deepEqual(
    lines.map(({ message }) => message),
    ['migration begins', 'migration done'],
  );
});

test('ends with 1 and the reason when a dependency does not answer', async () => {
  const { code, lines } = await migrate({ DATABASE_URL: 'postgres://127.0.0.1:1/x' });
  assert.equal(code, 1);
  assert.match(lines.at(-1)?.message ?? '', /^database does not answer: ECONNREFUSED/);
});

test('ends with 1 and the variable when the configuration is wrong', async () => {
  const { code, lines } = await migrate({ PORT: 'eighty' });
  assert.equal(code, 1);
  assert.match(lines.at(-1)?.message ?? '', /^PORT must be a whole number/);
});
