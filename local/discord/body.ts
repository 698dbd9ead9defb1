import type { HttpRequest } from '../http/server.ts';
import type { Json } from './checks.ts';
import { DiscordFault, fault } from './errors.ts';
import { LIMITS } from './limits.ts';

export interface Upload {
  /** The n of files[n]. */
  index: string;
  filename: string;
  contentType: string;
  content: Buffer;
}

export interface ReadBody {
  json: Json;
  files: Upload[];
}

/**
 * A message's body in the three forms Discord takes: JSON, multipart with `payload_json` and `files[n]`, and a plain form.
 * Source: developers/reference.mdx, Uploading Files.
 * @throws DiscordFault 50109 for broken JSON, 50035 for another content type, 40005 for files over the limit
 */
export async function readBody(request: HttpRequest): Promise<ReadBody> {
  const type = request.headers['content-type'] ?? '';
  if (request.body.length > LIMITS.requestBytes.value) throw fault('tooLarge');
  if (/^application\/json\b/i.test(type)) return { json: parse(request.body.toString('utf8')), files: [] };
  if (/^multipart\/form-data\b/i.test(type)) return readMultipart(request.body, type);
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) {
    const form = new URLSearchParams(request.body.toString('utf8'));
    const payload = form.get('payload_json');
    return { json: payload === null ? Object.fromEntries(form) : parse(payload), files: [] };
  }
  const expected = "{'application/json', 'application/x-www-form-urlencoded', 'multipart/form-data'}";
  throw new DiscordFault(400, 50_035, `Expected "Content-Type" header to be one of ${expected}.`);
}

function parse(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault('invalidJson');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw fault('invalidForm');
}

async function readMultipart(body: Buffer, type: string): Promise<ReadBody> {
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  } catch {
    throw fault('invalidForm');
  }
  const files: Upload[] = [];
  let json: Json = {};
  for (const [name, value] of form.entries()) {
    if (name === 'payload_json') json = { ...json, ...parse(typeof value === 'string' ? value : await value.text()) };
    else if (typeof value === 'string') json[name] ??= value;
    else {
      const [, index = name] = /^files?\[(\d+)\]$/.exec(name) ?? [];
      const content = Buffer.from(await value.arrayBuffer());
      if (content.length > LIMITS.fileBytes.value) throw fault('tooLarge');
      files.push({
        index,
        filename: value.name || 'unknown',
        contentType: value.type || 'application/octet-stream',
        content,
      });
    }
  }
  return { json, files };
}
