/** Names of headers and query parameters whose values are credentials, whoever made them up. */
const SECRET_NAME = /auth|cookie|token|key|secret|password|signature|credential|session|^sig$/i;

/** Values that must not be shown, each in every form in which it is written. */
export function secretsOf(headers: Readonly<Record<string, string>>, url: URL): string[] {
  const values = Object.entries(headers).flatMap(([name, value]) =>
    // Both as it is sent and without the scheme before it.
    SECRET_NAME.test(name) ? [value, value.replace(/^\S+\s+/, '')] : [],
  );
  const query = url.search
    .slice(1)
    .split('&')
    .flatMap((pair) => {
      const [, name = '', raw = ''] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
      if (!SECRET_NAME.test(name)) return [];
      const plain = new URLSearchParams(pair).get(new URLSearchParams(pair).keys().next().value ?? '') ?? '';
      return [raw, plain, encodeURIComponent(plain)];
    });
  return [...new Set([...values, ...query])]
    .filter((value) => value.length > 3)
    .toSorted((a, b) => b.length - a.length);
}

/** An address without what may be a credential in it: who redirects may sign an address. */
export function shownUrl(url: URL): string {
  const copy = new URL(url);
  for (const name of new Set(copy.searchParams.keys())) if (SECRET_NAME.test(name)) copy.searchParams.set(name, '***');
  if (copy.username !== '' || copy.password !== '') [copy.username, copy.password] = ['***', ''];
  return copy.href;
}

/** The same of a text that may be an address, or a path that a redirect leads to. */
export function shownLocation(text: string): string {
  return text.replace(/([?&;]([^=&\s]+)=)([^&\s]+)/g, (whole, before: string, name: string) =>
    SECRET_NAME.test(name) ? `${before}***` : whole,
  );
}
