import { createServer } from 'node:net';

/** The port if it is free on loopback, else 0, for which the system then takes any. */
export async function preferredPort(port: number): Promise<number> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen(port, '127.0.0.1', resolve);
    });
    await new Promise((resolve) => probe.close(resolve));
    return port;
  } catch {
    return 0;
  }
}
