import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect, createServer as createTcp, type Server, type Socket } from 'node:net';
import { createServer as createTls } from 'node:tls';
import type { Certificate } from '../../../test/support/certificate.ts';

const LISTEN = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })`;

export interface Served {
  port: number;
  /** Connections taken so far. */
  connections(): number;
}

/** Real servers on loopback, closed together with all that they hold. */
export class Servers {
  readonly #others: (() => void)[] = [];
  readonly #open: { server: Server; sockets: Set<Socket> }[] = [];

  http(listener: RequestListener, certificate?: Certificate, host = '127.0.0.1'): Promise<Served> {
    const server = certificate
      ? createHttps({ cert: certificate.cert, key: certificate.key }, listener)
      : createHttp(listener);
    return this.#listen(server, host);
  }

  /** At a port that was free a moment ago. */
  httpAt(port: number, listener: RequestListener): Promise<Served> {
    return this.#listen(createHttp(listener), '127.0.0.1', port);
  }

  tcp(onConnection: (socket: Socket) => void, host = '127.0.0.1'): Promise<Served> {
    return this.#listen(createTcp(onConnection), host);
  }

  tls(onConnection: (socket: Socket) => void, { cert, key }: Certificate): Promise<Served> {
    return this.#listen(createTls({ cert, key }, onConnection), '127.0.0.1');
  }

  /** A port whose connections nobody takes: a process that is stopped, with its queue full, so that the system drops what comes. */
  async full(): Promise<number> {
    const child = spawn(process.execPath, ['-e', LISTEN], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(line.toString());
    child.kill('SIGSTOP');
    const waiting = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    this.#others.push(() => {
      child.kill('SIGKILL');
      for (const socket of waiting) socket.destroy();
    });
    await once(waiting[0] as Socket, 'connect');
    return port;
  }

  close(): void {
    for (const close of this.#others.splice(0)) close();
    for (const { server, sockets } of this.#open.splice(0)) {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
  }

  async #listen(server: Server, host: string, port = 0): Promise<Served> {
    const sockets = new Set<Socket>();
    let connections = 0;
    server.on('connection', (socket: Socket) => {
      connections++;
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    });
    server.on('tlsClientError', () => undefined);
    server.listen(port, host);
    await once(server, 'listening');
    this.#open.push({ server, sockets });
    return { port: (server.address() as AddressInfo).port, connections: () => connections };
  }
}
