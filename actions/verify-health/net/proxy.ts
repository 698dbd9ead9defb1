/** A proxy that stands between this machine and an address; undefined where there is none. */
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

function parse(text: string): URL | undefined {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  return URL.canParse(whole) ? new URL(whole) : undefined;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}

/** `example.com` and `.example.com` cover the name and what is below it; `*` everything; a port narrows it. */
function covers(entry: string, url: URL): boolean {
  if (entry === '*') return true;
  const [, name = '', port] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
  if (port !== undefined && port !== (url.port || DEFAULT_PORTS[url.protocol])) return false;
  const bare = name.replace(/^\*?\./, '');
  const host = url.hostname.toLowerCase();
  return host === bare || host === `[${bare}]` || host.endsWith(`.${bare}`);
}
