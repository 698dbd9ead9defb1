import * as v from 'valibot';

/** Between the halves of a message. The validator's own messages, as of a union, hold no such thing. */
const HALVES = '\0';

/** The two halves of a message; load.ts puts file, line, path and value in front. */
export const say = (cause: string, fix: string): string => `${cause}${HALVES}${fix}`;

/** What say() put together; empty halves for a message that it did not make. */
export function halvesOf(message: string): [cause: string, fix: string] {
  const [cause = '', fix] = message.split(HALVES);
  return fix === undefined ? ['', ''] : [cause, fix];
}

/** Reference to a value that is looked up when the run needs it; documented in references.ts. */
export const REFERENCE = String.raw`\$\{(?:ssm|output):[^}]+\}`;

const named = (pattern: RegExp, cause: string, fix: string) => v.pipe(v.string(), v.regex(pattern, say(cause, fix)));

export const NAME_PATTERN = /^[a-z][a-z0-9-]{0,49}$/;

export const componentName = v.pipe(
  named(
    NAME_PATTERN,
    'a component name starts with a lower-case letter and holds only a-z, 0-9 and dashes, 50 at most',
    'It becomes part of outputs, file names and git refs: rename it, for instance to web or nightly-report',
  ),
  v.description('Name of the component: a-z, 0-9 and dashes. It becomes part of outputs, file names and git refs.'),
);

export const environmentName = named(
  /^[A-Za-z][A-Za-z0-9_-]{0,49}$/,
  'an environment name starts with a letter and holds only letters, digits, dashes and underscores, 50 at most',
  'Name it as the GitHub environment is named, for instance dev, staging or prod',
);

export const containerName = named(
  /^[A-Za-z0-9_-]{1,255}$/,
  'a container name holds only letters, digits, dashes and underscores',
  'Write the name that the container has in the task definition',
);

export const text = v.pipe(v.string(), v.nonEmpty(say('it is empty', 'Write a value or leave the key out')));

/** As parseDuration() of lib/inputs.ts reads it, but never a bare number: its unit would be a guess. */
export const duration = named(
  /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/,
  'it is not a duration',
  'Write a number with a unit, such as 90s, 10m or 1h30m',
);

export const age = named(/^\d+[hd]$/, 'it is not an age', 'Write hours or days, such as 12h or 7d');

export const count = (minimum: number) =>
  v.pipe(
    v.number(),
    v.integer(say('it is not a whole number', 'Write a whole number')),
    v.minValue(minimum, say(`it is below ${minimum}`, `Write ${minimum} or more`)),
  );

/** A path inside the repository, with forward slashes. */
export const repositoryPath = named(
  /^(?!\/)(?!(?:.*\/)?\.\.(?:\/|$))[^\\]+$/,
  'it is not a path inside the repository',
  "Write it relative to the repository's root with forward slashes, without a leading / and without ..",
);

export const account = named(
  /^\d{12}$/,
  'an AWS account id has exactly twelve digits',
  "Write it as text in quotes, since YAML drops leading zeros of numbers: '012345678901'",
);

export const region = named(
  /^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/,
  'it is not the name of an AWS region',
  'Write for instance eu-central-1',
);

export const role = named(
  /^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/,
  "it is not a role's ARN",
  'Write for instance arn:aws:iam::123456789012:role/slipway-dev',
);

export const repositoryName = named(
  new RegExp(`^(?:${REFERENCE}|(?=.{2,256}$)[a-z0-9]+(?:[._-][a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)*)$`),
  'it is not the name of an ECR repository',
  'Write the name alone, such as sample-web or team/web: the host comes from `registry`, tag and digest from the build',
);

export const url = named(
  new RegExp(`^(?:https?://|${REFERENCE}).*$`),
  'it is not a URL',
  "Write for instance https://www.example.com/health or '${output:infra.web_url}/health'",
);

/** A secret is named here, never written here. */
export const secretReference = named(
  /^\$\{ssm:\/[A-Za-z0-9_.\-/]+\}$/,
  'a secret stands here as a literal, and this file is readable by everybody who can read the repository',
  "Put the value into SSM Parameter Store as a SecureString and refer to it: '${ssm:/path/of/the/parameter}'; treat the literal as leaked",
);

export const scalar = v.union(
  [v.string(), v.number(), v.boolean()],
  say('it is not text, a number or a boolean', 'Write one value; quote it when it holds : # { or ['),
);

export const words = v.record(text, scalar);
export const secrets = v.record(
  named(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    "it is not an environment variable's name",
    'Use letters, digits and underscores, not a digit first',
  ),
  secretReference,
);

export const flag = v.boolean();

/** Adds the description that editors show. */
export function described<S extends v.GenericSchema>(schema: S, description: string) {
  return v.pipe(schema, v.description(description));
}

/** An optional key with its description. */
export function option<S extends v.GenericSchema>(schema: S, description: string) {
  return v.exactOptional(v.pipe(schema, v.description(description)));
}
