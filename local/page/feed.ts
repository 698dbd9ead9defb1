import type { ServerResponse } from 'node:http';
import type { Bus } from '../bus.ts';
import type { PageView, SectionName } from './view.ts';

export interface Feed {
  /** Makes this response an event stream: the whole picture first, then the sections that change. */
  attach(response: ServerResponse): void;
  /** Something changed; it is sent soon, together with whatever else changes meanwhile. */
  poke(): void;
  close(): void;
}

const GATHER_MS = 150;
/** For what changes without an event. */
const POLL_MS = 2_000;
/** So that a proxy or a sleeping browser notices a dead connection. */
const PING_MS = 15_000;

/** Server-Sent Events of the picture. Nothing is computed while nobody looks. */
export function createFeed(view: () => PageView, bus?: Bus): Feed {
  const clients = new Set<ServerResponse>();
  const sent = new Map<string, string>();
  let soon: NodeJS.Timeout | undefined;

  function changes(): Partial<Record<SectionName, string>> {
    const found: Partial<Record<SectionName, string>> = {};
    for (const [name, value] of Object.entries(view())) {
      const text = JSON.stringify(value);
      if (sent.get(name) === text) continue;
      sent.set(name, text);
      found[name as SectionName] = text;
    }
    return found;
  }

  function send(client: ServerResponse, parts: Iterable<[string, string]>): void {
    const body = [...parts].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',');
    if (body !== '') client.write(`event: view\ndata: {${body}}\n\n`);
  }

  function push(): void {
    clearTimeout(soon);
    soon = undefined;
    if (clients.size === 0) return;
    const parts = Object.entries(changes());
    for (const client of clients) send(client, parts);
  }

  const poke = (): void => {
    soon ??= setTimeout(push, GATHER_MS);
  };
  const unsubscribe = bus?.subscribe(poke);
  const poll = setInterval(() => clients.size > 0 && poke(), POLL_MS);
  const ping = setInterval(() => {
    for (const client of clients) client.write(': still here\n\n');
  }, PING_MS);
  poll.unref();
  ping.unref();

  return {
    poke,
    attach(response) {
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.write('retry: 1000\n\n');
      push();
      if (clients.size === 0) changes();
      send(response, sent);
      clients.add(response);
      response.on('close', () => clients.delete(response));
    },
    close() {
      unsubscribe?.();
      clearTimeout(soon);
      clearInterval(poll);
      clearInterval(ping);
      for (const client of clients) client.end();
    },
  };
}
