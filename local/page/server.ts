import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../../lib/errors.ts';
import type { Bus } from '../bus.ts';
import type { Discord } from '../discord/server.ts';
import type { Faults } from '../faults.ts';
import type { Hosts } from '../hosts/hosts.ts';
import { type HttpReply, type HttpRequest, listen } from '../http/server.ts';
import { assets } from './assets.ts';
import { createControl } from './control.ts';
import { createFeed } from './feed.ts';
import type { PageSources, ProbeView, RunView } from './sources.ts';
import { buildView, type PageView } from './view.ts';

export interface PageDeps {
  bus?: Bus;
  faults?: Faults;
  /** So that a slash command can be typed through the page. */
  discord?: Pick<Discord, 'command'>;
  /** So that something can happen to the hosts. */
  hosts?: Pick<Hosts, 'does' | 'replace'>;
  sources: PageSources;
  /** Taken when it is free, otherwise any; 4600 unless told. 0 takes any. */
  port?: number;
}

export interface Page {
  url: string;
  /** The whole picture, as GET /api/snapshot answers it. */
  snapshot(): PageView;
  /** Tells the page of a run; the same id replaces what was told before. */
  run(run: RunView): void;
  probe(probe: ProbeView): void;
  close(): Promise<void>;
}

const PORT = 4600;
const RUNS_KEPT = 8;

/** The page: what runs, what happened, and the Discord channel, on loopback, without anything from elsewhere. */
export async function createPage(deps: PageDeps): Promise<Page> {
  const runs: RunView[] = [];
  let probed: ProbeView | null = null;
  const view = (): PageView => buildView(deps.sources, { runs: [...runs], probe: probed }, deps.bus);
  const feed = createFeed(view, deps.bus);
  const told = {
    run(run: RunView): void {
      const at = runs.findIndex((one) => one.id === run.id);
      if (at >= 0) runs[at] = run;
      else runs.unshift(run);
      runs.splice(RUNS_KEPT);
      feed.poke();
    },
    probe(probe: ProbeView): void {
      probed = probe;
      feed.poke();
    },
  };
  const control = createControl({ ...told, faults: deps.faults, discord: deps.discord, hosts: deps.hosts });
  const files = assets();

  async function handle(request: HttpRequest): Promise<HttpReply> {
    if (request.path.startsWith('/_control/')) return control(request);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { status: 405, headers: { allow: 'GET, HEAD' }, body: { message: 'Use GET' } };
    }
    if (request.path === '/api/snapshot')
      return { status: 200, headers: { 'cache-control': 'no-store' }, body: view() };
    const file = files.get(request.path);
    if (file) return file;
    return {
      status: 404,
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: 'Not here. The page is at /\n',
    };
  }

  const stream = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.method !== 'GET' || request.url !== '/api/events') return false;
    feed.attach(response);
    return true;
  };
  const server = (port: number) => listen({ port, handle, stream });
  const wanted = deps.port ?? PORT;
  const listening = await server(wanted).catch((error: NodeJS.ErrnoException) => {
    if (wanted === 0 || error.code !== 'EADDRINUSE') throw new Error(`the page cannot listen: ${messageOf(error)}`);
    return server(0);
  });
  return {
    url: listening.url,
    snapshot: view,
    ...told,
    async close() {
      feed.close();
      await listening.close();
    },
  };
}
