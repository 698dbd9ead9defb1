/** What the action writes onto machine images, to find them again. */
export const TAG = {
  /** Whose image it is: repository, component or template, environment. The last N of these are kept. */
  series: 'slipway:image',
  /** What it is made of: an image with it is not built again. */
  fingerprint: 'slipway:fingerprint',
  /** The image that one build made first; its copies in other regions carry it too. */
  build: 'slipway:build',
  commit: 'slipway:commit',
  run: 'slipway:run',
} as const;

/** Longest value of a tag. Source: EC2 User Guide, "Tag restrictions". */
const LONGEST = 256;

export interface Origin {
  /** OWNER/NAME. */
  repository: string;
  component: string;
  /** Folder and file of the template, for a build without a component. */
  template: string;
  environment: string;
}

/** Whose image it is, as one value: "octo/shop:ami@prod". Characters that no tag may have are replaced. */
export function seriesOf({ repository, component, template, environment }: Origin): string {
  const name = `${repository}:${component || template}${environment && `@${environment}`}`;
  return name.replace(/[^\p{L}\p{N} +\-=._:/@]/gu, '_').slice(0, LONGEST);
}
