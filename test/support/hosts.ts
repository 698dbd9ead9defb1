import { Agent, get } from 'node:http';
import { DOCUMENT, encodePayload } from '../../actions/ssm-deploy/document.ts';
import { planScript } from '../../local/aws/ssm/script.ts';
import type { ManagedHost } from '../../local/hosts/hosts.ts';
import type { Local } from '../../local/start.ts';
import { pushScript } from './image.ts';

/** The result line of slipway-host, as far as the tests read it. */
export interface HostOutcome {
  code: number | undefined;
  state: string;
  cause: string;
  next: string;
  image: string;
  previous: string;
  release: string;
  steps: { name: string; ms: number }[];
  logs: string[];
  facts: { containers?: Record<string, string>[]; engine?: string; 'disk-free'?: number; program?: number };
  /** Everything that was printed. */
  output: string;
}

const HAPROXY = '/usr/sbin/haproxy';
let commands = 0;
const content = JSON.parse(DOCUMENT);
// What the document store fills in.
for (const { inputs } of content.mainSteps) inputs.workingDirectory ??= '';

/**
 * Has a host do what SSM would have it do with our document: the same text, in a shell of its own, with the payload put in.
 * @param onStep called as each step begins
 * @param killAt the step at whose beginning everything of the command is killed, as by a cancel or a crash
 */
export async function command(
  { id, host }: Pick<ManagedHost, 'id' | 'host'>,
  payload: Record<string, unknown>,
  { killAt, onStep }: { killAt?: string; onStep?: (step: string) => void } = {},
): Promise<HostOutcome> {
  if (host === undefined) throw new Error(`${id} does not run here`);
  const whole = { v: 1, environment: 'prod', group: 'web', region: 'eu-central-1', ...payload };
  const kill = new AbortController();
  const { text } = planScript(content, { payload: [encodePayload(whole)] });
  let output = '';
  const end = await host.run({
    id: `command-${++commands}`,
    step: 'slipway',
    text,
    workingDirectory: '/usr/bin',
    timeoutMs: 120_000,
    signal: kill.signal,
    onOutput(chunk) {
      output += chunk;
      for (const [, step = ''] of String(chunk).matchAll(/^slipway-step (\S+) /gm)) onStep?.(step);
      if (killAt !== undefined && output.includes(`slipway-step ${killAt} `)) kill.abort();
    },
  });
  const line = output.split('\n').findLast((candidate) => candidate.startsWith('slipway-result '));
  const told = line ? JSON.parse(Buffer.from(line.slice('slipway-result '.length), 'base64').toString()) : {};
  return { ...told, code: end.code, output };
}

/** A shell line on the host. */
export async function shell({ host }: Pick<ManagedHost, 'host'>, text: string): Promise<string> {
  let output = '';
  await host?.run({
    id: `shell-${++commands}`,
    step: 'test',
    text,
    workingDirectory: '/',
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    onOutput: (chunk) => {
      output += chunk;
    },
  });
  return output;
}

/** What an address answers, or the error's text. */
export async function answer(url: string, host?: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: 2000, ...(host ? { headers: { host } } : {}) }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve(`${response.statusCode} ${body.trim()}`));
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', (error) => resolve(error.message));
  });
}

/** Waits until a look gives something. @throws Error with what was seen last */
export async function until<T>(look: () => Promise<T>, fits: (seen: T) => boolean, withinMs = 60_000): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (fits(seen)) return seen;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export interface Load {
  sent: number;
  failures: string[];
  /** Milliseconds of the slowest answer. */
  slowest: number;
  /** Different bodies, in order of appearance. */
  seen: string[];
  stop(): Promise<void>;
}

/** A client's patience, in ticks of its own life: what it slept because this machine did not let it run is not the server's doing. */
const DEADLINE_MS = 1000;
const TICK_MS = 50;

/** Calls once so much of this process's own time has passed; the answer calls it off. */
function patience(ms: number, over: () => void): () => void {
  let left = ms / TICK_MS;
  const timer = setInterval(() => {
    if (--left > 0) return;
    clearInterval(timer);
    over();
  }, TICK_MS);
  return () => clearInterval(timer);
}

/** Asks so often a second over connections that are kept; counts what is no 200, and what takes longer than a second. */
export function load(url: string, perSecond = 200): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 40 });
  const open = new Set<Promise<void>>();
  const state: Load = { sent: 0, failures: [], slowest: 0, seen: [], stop };
  const began = Date.now();
  const one = () =>
    new Promise<void>((resolve) => {
      const at = performance.now();
      const request = get(url, { agent }, (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => {
          callOff();
          const took = performance.now() - at;
          state.slowest = Math.max(state.slowest, took);
          if (response.statusCode !== 200) state.failures.push(`status ${response.statusCode}`);
          else if (!state.seen.includes(body.trim())) state.seen.push(body.trim());
          resolve();
        });
      });
      const callOff = patience(DEADLINE_MS, () => request.destroy(new Error(`no answer within ${DEADLINE_MS} ms`)));
      request.on('error', (error) => {
        callOff();
        state.failures.push(`${error.message} at ${Date.now() - began} ms`);
        resolve();
      });
    });
  const timer = setInterval(() => {
    // As many as the time asks for, also when the timer comes late.
    for (const due = ((Date.now() - began) / 1000) * perSecond; state.sent < due; state.sent++) {
      const asked: Promise<void> = one().finally(() => open.delete(asked));
      open.add(asked);
    }
  }, 5);
  async function stop() {
    clearInterval(timer);
    await Promise.all(open);
    agent.destroy();
  }
  return state;
}

/**
 * Makes and pushes a server of pages: it says which version it is, and which secret it has as a hash; /cgi-bin/slow takes a second and a half.
 * The pages come from HAProxy and not from busybox's httpd, which lets nine connections wait: too few for a machine that is busy for a moment.
 */
export function pushPage(local: Local, name: string, version: string, port = 8080): Promise<string> {
  const script = `mkdir -p /www/cgi-bin /tmp
text="${version} $(sha256sum < "\${TOKEN_FILE:-/dev/null}" | cut -c 1-8)"
printf '#!/bin/sh\nsleep 1.5\nprintf "content-type: text/plain\\r\\n\\r\\nslow ${version}"\n' > /www/cgi-bin/slow
chmod +x /www/cgi-bin/slow
httpd -p 127.0.0.1:81 -h /www
cat > /proxy.cfg << END
global
  maxconn 2000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend pages
  bind :${port}
  http-request return content-type text/plain string "ok" if { path /health }
  http-request return content-type text/plain string "$text" if { path / }
  default_backend rest
backend rest
  server httpd 127.0.0.1:81
END
exec ${HAPROXY} -db -f /proxy.cfg
`;
  return pushScript(local, name, script, [HAPROXY]);
}

/** The one host of a world with one. */
export function only(local: Local): ManagedHost {
  const [host] = local.hosts.all();
  if (host === undefined) throw new Error('the world has a host');
  return host;
}
