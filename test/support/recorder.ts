import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Exchange {
  /** The operation of an AWS request, else method and path. */
  about: string;
  body: string;
  /** Of the answer; 0 until there is one. */
  status: number;
}

/** Stands before an HTTP endpoint and keeps what it was sent, byte for byte. */
export interface Recorder {
  url: string;
  /** Oldest first. */
  readonly sent: readonly Exchange[];
  close(): Promise<void>;
}

/** Requests pass unchanged, with the host that was signed; answers too. */
export async function recordBefore(target: string): Promise<Recorder> {
  const sent: Exchange[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = 'GET', url = '/', headers } = incoming;
    const about = String(headers['x-amz-target'] ?? `${method} ${url}`);
    const exchange: Exchange = { about, body: body.toString('latin1'), status: 0 };
    sent.push(exchange);
    const onward = request(new URL(url, target), { method, headers }, (answer) => {
      exchange.status = answer.statusCode ?? 0;
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    onward.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const BASE64 = /[A-Za-z0-9+/_-]{16,}={0,2}/g;

/** A text and everything that is base64 inside it, three times deep. */
export function layersOf(text: string, depth = 3): string[] {
  if (depth === 0) return [text];
  const inner = [...text.matchAll(BASE64)].flatMap(([run]) =>
    layersOf(Buffer.from(run, 'base64').toString('latin1'), depth - 1),
  );
  return [text, ...inner];
}
