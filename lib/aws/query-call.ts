import { createHash, createHmac } from 'node:crypto';

export interface QueryCall {
  /** As it is signed for, and as its endpoint is called: iam. */
  service: string;
  region: string;
  /** https://iam.amazonaws.com */
  endpoint: string;
  /** Action, Version and the parameters. */
  params: Readonly<Record<string, string>>;
  credentials: Credentials;
  signal: AbortSignal;
  /** Milliseconds since the epoch. */
  now: number;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

/**
 * One call in the query protocol, for a service of which a single operation is needed and whose SDK client would weigh more than
 * the rest of an action. Sources: "Signature Version 4 signing process" and "Query protocol" (Smithy).
 * @throws Error named by the service's error code, as the SDK throws it.
 */
export async function callQuery(call: QueryCall): Promise<string> {
  const url = new URL(call.endpoint);
  const body = new URLSearchParams(call.params).toString();
  const response = await fetch(url, { method: 'POST', headers: signed(call, url, body), body, signal: call.signal });
  const text = await response.text();
  if (response.ok) return text;
  const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? '';
  throw Object.assign(new Error(element('Message') || `status ${response.status}`), {
    name: element('Code') || 'UnknownError',
    $fault: response.status >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode: response.status },
  });
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

function signed({ service, region, credentials, now }: QueryCall, url: URL, body: string): Record<string, string> {
  const at = `${new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')}`;
  const day = at.slice(0, 8);
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    host: url.host,
    'x-amz-date': at,
    ...(credentials.sessionToken && { 'x-amz-security-token': credentials.sessionToken }),
  };
  const names = Object.keys(headers).sort().join(';');
  const lines = Object.keys(headers)
    .sort()
    .map((name) => `${name}:${headers[name]}\n`);
  const canonical = ['POST', url.pathname, '', lines.join(''), names, sha256(body)].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  let key: Buffer = hmac(`AWS4${credentials.secretAccessKey}`, day);
  for (const part of [region, service, 'aws4_request']) key = hmac(key, part);
  const signature = hmac(key, [ALGORITHM, at, scope, sha256(canonical)].join('\n')).toString('hex');
  const { host: _, ...sent } = headers;
  const credential = `${credentials.accessKeyId}/${scope}`;
  return {
    ...sent,
    authorization: `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
