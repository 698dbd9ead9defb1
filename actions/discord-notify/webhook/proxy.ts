import type { Fetch } from './http.ts';

const PROXY = /^https?_proxy$/i;

/**
 * The runtime's own fetch, or undici's where the environment names a proxy: self-hosted runners often reach Discord through one,
 * and Node's fetch does not look for it. Undici is loaded only then, since loading it takes longer than everything else here.
 */
export function fetchThroughProxy(env: NodeJS.ProcessEnv): Fetch {
  const proxied = Object.entries(env).some(([name, value]) => PROXY.test(name) && value);
  if (!proxied) return (url, init) => fetch(url, init);
  let loaded: Promise<Fetch> | undefined;
  return async (url, init) => {
    loaded ??= throughUndici();
    return (await loaded)(url, init);
  };
}

async function throughUndici(): Promise<Fetch> {
  const { EnvHttpProxyAgent, fetch } = await import('undici');
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: 5_000 } });
  return (url, init) => fetch(url, { ...init, dispatcher });
}
