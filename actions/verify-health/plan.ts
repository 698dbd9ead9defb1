import { isIP } from 'node:net';
import * as tls from 'node:tls';
import { rootCertificates } from 'node:tls';
import type { EndpointConfig, Expectation } from '../../lib/config/verify.ts';
import { brokenExpressions } from '../../lib/config/verify-check.ts';
import { Problem } from '../../lib/errors.ts';
import { parseDuration } from '../../lib/inputs.ts';
import { fillIn, withoutIdentity } from './expect/fill-in.ts';
import type { VerifyInputs } from './inputs.ts';
import type { Family, Override } from './net/addresses.ts';
import { secretsOf, shownUrl } from './secrets.ts';
import type { Target } from './target.ts';

export interface PlanPorts {
  readText(path: string): Promise<string>;
}

/** The addresses to probe, one for each IP version asked for, with all that an attempt needs. @throws Problem for what cannot be meant */
export async function targetsOf(inputs: VerifyInputs, { readText }: PlanPorts): Promise<Target[]> {
  const endpoints = [
    ...inputs.url.map((url) => targetOf({ url }, inputs, inputs)),
    ...(inputs.endpoints ?? []).map((endpoint) => targetOf(endpoint, commonTo(endpoint, inputs), inputs)),
  ];
  if (endpoints.length === 0) throw noUrl();
  const ca = inputs['ca-file'] === '' ? undefined : [...trusted(), await authorities(inputs['ca-file'], readText)];
  const families: Family[] = inputs['ip-version'] === 'both' ? ['4', '6'] : [inputs['ip-version']];
  const overrides = Object.entries(inputs.resolve).map(([from, to]) => override(from, to));
  const targets = endpoints.flatMap((endpoint) =>
    families.map((family) => ({ ...endpoint, family, overrides, ...(ca && { ca }) })),
  );
  return distinct(targets, families.length > 1);
}

type Rest = Omit<Target, 'family' | 'overrides' | 'ca'>;

/** What an endpoint takes from the inputs of all. */
type Common = Pick<VerifyInputs, 'method' | 'headers' | 'body' | 'expect'>;

/** Of what is said of the others' answers, little can be meant for an endpoint that does not speak HTTP. */
function commonTo({ url }: EndpointConfig, inputs: VerifyInputs): Common {
  if (!/^(?:tcp|tls):/i.test(url)) return inputs;
  const { latency, tls } = inputs.expect ?? {};
  const expect = { ...(latency !== undefined && { latency }), ...(tls && /^tls:/i.test(url) && { tls }) };
  return { method: '', headers: undefined, body: '', expect };
}

function targetOf(endpoint: EndpointConfig, common: Common, inputs: VerifyInputs): Rest {
  const url = checkedUrl(endpoint.url);
  const body = endpoint.body ?? (common.body === '' ? undefined : common.body);
  const headers = textual({ ...common.headers, ...endpoint.headers });
  checkHeaders(headers);
  checkMethod(common.method);
  checkResolved({ url: endpoint.url, body: body ?? '', ...headers });
  const expect = merged(common.expect ?? {}, endpoint.expect ?? {});
  const [broken] = brokenExpressions(expect);
  if (broken) throw new Problem({ what: `input 'expect', ${broken.path.join('.')}`, ...broken });
  checkProtocol(url, expect);
  const wanted =
    inputs.operation === 'baseline' ? { expect: withoutIdentity(expect), identityPaths: [] } : fillIn(expect, inputs);
  const part = (name: 'dns' | 'connect' | 'tls' | 'first-byte', usual: number) => {
    const text = inputs.timeouts?.[name];
    return Math.min(text === undefined ? usual : (parseDuration(text) ?? usual), inputs['attempt-timeout']);
  };
  return {
    name: endpoint.name ?? shown(url),
    url: url.href,
    method: (endpoint.method ?? (common.method || (body === undefined ? 'GET' : 'POST'))).toUpperCase(),
    headers,
    body,
    wanted,
    redirects: inputs.redirects,
    deadlines: {
      dns: part('dns', 5_000),
      connect: part('connect', 5_000),
      tls: part('tls', 5_000),
      firstByte: part('first-byte', Number.POSITIVE_INFINITY),
    },
    attemptMs: inputs['attempt-timeout'],
    ...(inputs.instances && mayTell(url, inputs.instances) && { instances: inputs.instances }),
    secrets: secretsOf(headers, url),
  };
}

/** An endpoint's own expectation goes before the common one, key by key. */
function merged(common: Expectation, own: Expectation): Expectation {
  return {
    ...common,
    ...own,
    ...((common.json || own.json) && { json: { ...common.json, ...own.json } }),
    ...((common.headers || own.headers) && { headers: { ...common.headers, ...own.headers } }),
  };
}

function textual(record: Readonly<Record<string, string | number | boolean>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value)]));
}

/** An address without what may be a credential in its query. */
function shown(url: URL): string {
  return shownUrl(url).replace(/\/$/, url.pathname === '/' && url.href.endsWith('/') ? '/' : '');
}

/** Headers that say where a message ends: one that does not agree with the body makes two messages of it. */
const FRAMING = /^(?:content-length|transfer-encoding|upgrade)$/i;

function checkMethod(method: string): void {
  if (/^[A-Za-z]*$/.test(method)) return;
  throw new Problem({
    what: "input 'method'",
    seen: method,
    cause: 'it is not a method',
    fix: 'Write for instance GET',
  });
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    // Node sends a header's value as Latin-1, and refuses every other.
    if (/^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value) && !FRAMING.test(name)) continue;
    const framing = FRAMING.test(name);
    throw new Problem({
      what: "input 'headers'",
      seen: name,
      cause: framing ? 'it is made from the request itself' : 'it is not a header that can be sent',
      fix: framing
        ? 'Leave it out'
        : 'Write NAME: value, the value on one line and in Latin-1 (percent-encode what is not)',
    });
  }
}

/** Only HTTP has headers and JSON to tell instances apart by; an address everything has. */
function mayTell(url: URL, { by }: NonNullable<VerifyInputs['instances']>): boolean {
  return by === 'address' || /^http/.test(url.protocol);
}

/** A reference that nobody has looked up would be sent as it stands. */
function checkResolved(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) {
    const reference = /\$\{(?:ssm|output):[^}]*\}/.exec(value)?.[0];
    if (reference === undefined) continue;
    throw new Problem({
      what: name === 'url' || name === 'body' ? `input '${name}'` : `input 'headers', ${name}`,
      seen: reference,
      cause: 'it is a reference, which this action alone cannot look up',
      fix: 'Give the value in the `with:` of this step, or use slipway/slipway (ship), which resolves references',
    });
  }
}

function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const refuse = (
    cause: string,
    fix = 'Write for instance https://www.example.com/health or tcp://db.internal:5432',
  ) => {
    throw new Problem({
      what: "input 'url'",
      seen: /\/\/[^/]*@/.test(text) ? '(an address with credentials)' : text,
      cause,
      fix,
    });
  };
  if (
    !url ||
    !/^(?:https?|tcp|tls):$/.test(url.protocol) ||
    url.hostname === '' ||
    url.username !== '' ||
    url.password !== ''
  )
    return refuse('it is not an http, https, tcp or tls address without credentials');
  if (/^t/.test(url.protocol) && url.port === '')
    return refuse('it has no port', 'Write the port, as in tcp://db.internal:5432');
  return url;
}

/** What a protocol does not have cannot be expected of it. */
function checkProtocol(url: URL, expect: Expectation): void {
  const http = /^http/.test(url.protocol);
  const none = http ? [] : (['status', 'json', 'headers', 'url'] as const).filter((key) => expect[key] !== undefined);
  const plain = (url.protocol === 'http:' || url.protocol === 'tcp:') && expect.tls ? ['tls'] : [];
  // Of a redirect the end counts, which may well speak TLS.
  const [key] = [...none, ...(url.protocol === 'tcp:' ? plain : [])];
  if (key === undefined) return;
  throw new Problem({
    what: `input 'expect', ${key}`,
    cause: `${url.protocol}// has none, and ${url.host} is probed by it`,
    fix: `Take it out for this address: \`endpoints\` lets each have an \`expect\` of its own`,
  });
}

function distinct(targets: Target[], byFamily: boolean): Target[] {
  const seen = new Map<string, number>();
  return targets.map((target) => {
    const name = byFamily ? `${target.name} (IPv${target.family})` : target.name;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return { ...target, name: times > 1 ? `${name} #${times}` : name };
  });
}

/** HOST or HOST:PORT to ADDRESS or ADDRESS:PORT, or several addresses with commas; IPv6 in brackets where a port follows. */
function override(from: string, to: string): Override {
  const [, host = '', port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(from) ?? [];
  const places = to.split(',').map((text) => placeOf(text.trim()));
  const ports = new Set(places.map((place) => place?.port));
  const addresses = places.flatMap((place) => (place && isIP(place.address) !== 0 ? [place.address] : []));
  if (host !== '' && addresses.length === places.length && ports.size === 1)
    return { host: host.toLowerCase(), addresses, port: numberOf(port), toPort: numberOf(places[0]?.port) };
  throw new Problem({
    what: "input 'resolve'",
    seen: `${from}=${to}`,
    cause: 'it does not lead from a host to IP addresses, all with the same port or none',
    fix: 'Write HOST=ADDRESS or HOST:PORT=ADDRESS:PORT, for instance www.example.com=10.0.0.5',
  });
}

function placeOf(text: string): { address: string; port: string | undefined } | undefined {
  if (isIP(text) !== 0) return { address: text, port: undefined };
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  return address === undefined || Number(port ?? 1) > 65_535 ? undefined : { address, port };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Node's own list, and that of NODE_EXTRA_CA_CERTS: what `ca` replaces. */
function trusted(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  return getCACertificates?.('default') ?? rootCertificates;
}

async function authorities(path: string, readText: PlanPorts['readText']): Promise<string> {
  const text = await readText(path).catch((error: Error) => {
    throw new Problem({
      what: "input 'ca-file'",
      seen: path,
      cause: `it cannot be read (${error.message})`,
      fix: 'Correct the path',
    });
  });
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new Problem({
    what: "input 'ca-file'",
    seen: path,
    cause: 'it holds no certificate in PEM form',
    fix: 'Write the path of a PEM file',
  });
}

function noUrl(): Problem {
  return new Problem({
    what: "input 'url'",
    cause: 'it is empty, and no component gives one',
    fix: 'Set `url`, or `component` with a `verify.url` in the config file',
  });
}
