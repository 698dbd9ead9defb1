import { BlockList, isIP } from 'node:net';
import { ProbeFailure } from '../failure.ts';

/** A proxy that stands between this machine and an address; undefined where there is none. @throws ProbeFailure for one that cannot be used */
export type ProxyFor = (url: URL) => URL | undefined;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * The proxy by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, the lower-case names first, as curl and Go read them. Loopback is never asked
 * through a proxy. HTTP_PROXY in capitals does not count under CGI, where it would be a request's header (httpoxy).
 */
export function environmentProxy(env: NodeJS.ProcessEnv): ProxyFor {
  const of = (name: string) => env[name.toLowerCase()] || env[name] || '';
  const http = env.http_proxy || (env.REQUEST_METHOD ? '' : env.HTTP_PROXY) || of('ALL_PROXY');
  const https = of('HTTPS_PROXY') || of('ALL_PROXY');
  const excluded = of('NO_PROXY')
    .split(/[\s,]+/)
    .filter(Boolean);
  return (url) => {
    const proxy = url.protocol === 'https:' ? https : url.protocol === 'http:' ? http : '';
    if (proxy === '' || isLoopback(url.hostname) || excluded.some((entry) => covers(entry, url))) return undefined;
    return parse(proxy);
  };
}

/** Going past a proxy that cannot be read would go where nobody said. */
function parse(text: string): URL {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  // The text may hold a password.
  if (!URL.canParse(whole)) throw unusable('the proxy of the environment is no address');
  const url = new URL(whole);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw unusable(`the proxy ${url.protocol}//${url.host} is not of a kind that is spoken here (http, https)`);
}

function unusable(cause: string): ProbeFailure {
  return new ProbeFailure(
    'refused',
    `${cause}; correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or set \`proxy: none\``,
    true,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}

/** `example.com` and `.example.com` cover the name and what is below it, 10.0.0.0/8 the addresses in it; `*` everything; a port narrows it. */
function covers(entry: string, url: URL): boolean {
  if (entry === '*') return true;
  const host = url.hostname.toLowerCase();
  const address = host.replace(/^\[|\]$/g, '');
  if (entry.includes('/')) return isIP(address) !== 0 && within(entry, address);
  // An IPv6 address is full of colons, of which none begins a port outside of brackets.
  if (isIP(entry) === 6) return isIP(address) === 6 && within(`${entry}/128`, address);
  const [, name = '', port] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
  if (port !== undefined && port !== (url.port || DEFAULT_PORTS[url.protocol])) return false;
  const bare = name.replace(/^\*?\./, '');
  return host === bare || host.endsWith(`.${bare}`);
}

/** Whether an address is in a block such as 10.0.0.0/8; what is no block holds none. */
function within(block: string, address: string): boolean {
  const [, net = '', bits = ''] = /^(.+)\/(\d{1,3})$/.exec(block) ?? [];
  const kind = isIP(net);
  if (kind === 0 || Number(bits) > (kind === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  const family = kind === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(net, Number(bits), family);
  return isIP(address) === kind && list.check(address, family);
}
