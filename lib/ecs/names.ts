/** A service as the user names it. */
export interface ServiceRef {
  cluster: string;
  service: string;
}

/** The last part of an ARN or path: a task's id, a service's name, `family:revision` of a task definition. */
export function shortName(arn: string | undefined): string {
  return arn?.slice(arn.lastIndexOf('/') + 1) ?? '';
}

/** "service sample/web": a service as messages write it. */
export function serviceName({ cluster, service }: ServiceRef): string {
  return `service ${shortName(cluster)}/${shortName(service)}`;
}

/** The digest an image reference is pinned to; undefined for a tag. */
export function pinnedDigest(image: string): string | undefined {
  return /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1];
}

/** Repository path of an image reference, without registry host, tag and digest. */
export function repositoryOf(image: string): string {
  const [name = ''] = image.split('@');
  const slash = name.indexOf('/');
  const host = slash > 0 && /[.:]|^localhost$/.test(name.slice(0, slash));
  const path = host ? name.slice(slash + 1) : name;
  return path.replace(/:[\w][\w.-]*$/, '');
}
