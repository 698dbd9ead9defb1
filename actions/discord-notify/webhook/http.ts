/** As much of fetch as is used here, so that the runtime's own and undici's both serve. */
export type Fetch = (url: URL, init: WebhookRequest) => Promise<WebhookResponse>;

export interface WebhookRequest {
  method: 'GET' | 'POST' | 'PATCH';
  headers: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
  redirect: 'manual';
  signal: AbortSignal;
}

export interface WebhookResponse {
  ok: boolean;
  status: number;
  headers: { get(name: string): string | null };
  body: AsyncIterable<Uint8Array> | null;
}

/** No answer of Discord is near this; whoever sends more is not Discord. */
const ANSWER_BYTES = 1_000_000;

/** The text of an answer, or as much of it as is ever looked at. */
export async function textOf({ body }: Pick<WebhookResponse, 'body'>): Promise<string> {
  if (!body) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
