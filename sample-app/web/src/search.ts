import type { FastifyInstance } from 'fastify';
import { CATALOGUE, type Item } from './catalogue.ts';

export interface SearchRequest {
  query: string;
  page: number;
  pageSize: number;
}

export interface SearchResult {
  query: string;
  total: number;
  page: number;
  pageSize: number;
  pages: number;
  items: Item[];
}

const TITLE_WEIGHT = 3;

/** Items that contain every word of the query, best first; a word in the title counts for more. Pages start at 1. */
export function search(items: readonly Item[], { query, page, pageSize }: SearchRequest): SearchResult {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = items
    .map((item) => ({ item, score: score(item, words) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.item.id.localeCompare(b.item.id))
    .map(({ item }) => item);
  return {
    query,
    total: found.length,
    page,
    pageSize,
    pages: Math.ceil(found.length / pageSize),
    items: found.slice((page - 1) * pageSize, page * pageSize),
  };
}

function score(item: Item, words: readonly string[]): number {
  const title = item.title.toLowerCase();
  const text = item.text.toLowerCase();
  let sum = 0;
  for (const word of words) {
    const points = (title.includes(word) ? TITLE_WEIGHT : 0) + (text.includes(word) ? 1 : 0);
    if (points === 0) return 0;
    sum += points;
  }
  return sum;
}

const BODY = {
  type: 'object',
  required: ['query'],
  additionalProperties: false,
  properties: {
    query: { type: 'string', minLength: 1, maxLength: 200, pattern: '\\S' },
    page: { type: 'integer', minimum: 1, maximum: 10_000, default: 1 },
    pageSize: { type: 'integer', minimum: 1, maximum: 50, default: 10 },
  },
};

export function addSearch(app: FastifyInstance): void {
  app.post<{ Body: SearchRequest }>('/api/v1/search', { schema: { body: BODY } }, async ({ body }) =>
    search(CATALOGUE, body),
  );
}
