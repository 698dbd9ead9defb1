import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Config } from './config.ts';

const STYLE = `body{font:1rem/1.5 system-ui,sans-serif;margin:4rem auto;max-width:36rem;padding:0 1rem;color:#16324f}
dt{font-weight:600}dd{margin:0 0 .5rem;font-family:ui-monospace,monospace;overflow-wrap:anywhere}`;

/** Allows the page its own style and nothing else. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

export function addPage(app: FastifyInstance, config: Config): void {
  const facts = { Version: config.version, Revision: config.revision, Environment: config.environment };
  const list = Object.entries(facts).map(([term, value]) => `<dt>${term}</dt><dd>${escapeHtml(value)}</dd>`);
  const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>sample-web</title>
<style>${STYLE}</style></head>
<body><h1>sample-web</h1>
<dl>${list.join('')}</dl>
<p><a href="/health">health</a> · <a href="/api/v1/info">info</a> · <a href="/metrics">metrics</a></p></body>
</html>
`;
  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(page));
}
