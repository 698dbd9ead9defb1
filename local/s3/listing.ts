import type { HttpReply } from '../http/server.ts';
import { escapeXml } from './refusals.ts';
import type { S3Object } from './server.ts';

const PAGE = 1000;

/** `ListObjectsV2`: prefix, delimiter, pages. Source: Amazon S3 API reference. */
export function listing(bucket: string, objects: ReadonlyMap<string, S3Object>, query: URLSearchParams): HttpReply {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const size = Math.min(Number(query.get('max-keys') ?? PAGE) || PAGE, PAGE);
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, size);
  const folder = (key: string): string | undefined => {
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    return end < 0 ? undefined : key.slice(0, end + delimiter.length);
  };
  const folders = [...new Set(page.flatMap((key) => folder(key) ?? []))];
  const contents = page.filter((key) => folder(key) === undefined).map((key) => contentOf(key, objects.get(key)));
  const more = keys.length > page.length;
  const body = [
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
    `<Name>${escapeXml(bucket)}</Name><Prefix>${escapeXml(prefix)}</Prefix><KeyCount>${contents.length + folders.length}</KeyCount>`,
    `<MaxKeys>${size}</MaxKeys><IsTruncated>${more}</IsTruncated>`,
    more ? `<NextContinuationToken>${escapeXml(page.at(-1) ?? '')}</NextContinuationToken>` : '',
    ...contents,
    ...folders.map((one) => `<CommonPrefixes><Prefix>${escapeXml(one)}</Prefix></CommonPrefixes>`),
    '</ListBucketResult>',
  ].join('');
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}

function contentOf(key: string, object: S3Object | undefined): string {
  const at = new Date(object?.modifiedAt ?? 0).toISOString();
  return `<Contents><Key>${escapeXml(key)}</Key><LastModified>${at}</LastModified><ETag>${escapeXml(object?.etag ?? '')}</ETag><Size>${object?.body.length ?? 0}</Size><StorageClass>STANDARD</StorageClass></Contents>`;
}
