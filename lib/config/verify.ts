import * as v from 'valibot';
import { count, described, duration, option, say, scalar, text, words } from './fields.ts';

// What is expected of an endpoint, and for how long: the config file's `verify` and the inputs of verify-health are checked by the same schemas.

/** That it can be compiled is for check.ts to see: JSON schema has no word for it. */
const expression = text;

export const percentage = v.pipe(
  v.number(),
  v.minValue(0, say('it is below 0', 'Write a percentage from 0 to 100')),
  v.maxValue(100, say('it is above 100', 'Write a percentage from 0 to 100')),
);

const value = v.union([scalar, v.null()]);
const TYPES = ['string', 'number', 'boolean', 'null', 'array', 'object'] as const;

/** Operators on a value. Each takes values of its own type: text is never read as a number. */
export const operators = v.pipe(
  v.strictObject({
    equals: option(value, 'The very same value, of the same type.'),
    not: option(value, 'Any other value.'),
    'one-of': option(
      v.pipe(v.array(value), v.minLength(1, say('the list is empty', 'List at least one value'))),
      'One of these values.',
    ),
    matches: option(expression, 'Text that matches the regular expression.'),
    contains: option(value, 'Text that has this in it, or a list that has this item.'),
    'at-least': option(v.number(), 'A number not below this.'),
    'at-most': option(v.number(), 'A number not above this.'),
    above: option(v.number(), 'A number above this.'),
    below: option(v.number(), 'A number below this.'),
    'min-length': option(count(0), 'Text, or a list, at least so long.'),
    type: option(
      v.picklist(TYPES, say(`it is none of ${TYPES.join(', ')}`, `Write one of ${TYPES.join(', ')}`)),
      'A value of this type.',
    ),
    exists: option(v.boolean(), 'Whether there is a value at all.'),
    stable: option(v.literal(true), 'The same value in all answers that are counted in a row.'),
  }),
  v.minEntries(1, say('it holds no operator', 'Write for instance { at-least: 1 }')),
);

/** A union does not say which of its members came closest, so that a misspelt operator is best met by the list of all. */
const OPERATORS = Object.keys(operators.entries).join(', ');

const operand = v.union(
  [value, operators],
  say('it is neither a value nor a map of operators', `Write a value, or a map of ${OPERATORS}`),
);
const textOperand = v.union(
  [v.string(), operators],
  say('it is neither text nor a map of operators', `Write text, or a map of ${OPERATORS}`),
);
const bodyOperand = v.union(
  [expression, operators],
  say('it is neither a regular expression nor a map of operators', `Write an expression, or a map of ${OPERATORS}`),
);

const statusCode = v.pipe(
  v.number(),
  v.integer(say('it is not a status', 'Write for instance 200')),
  v.minValue(100, say('it is not a status', 'Write a number from 100 to 599')),
  v.maxValue(599, say('it is not a status', 'Write a number from 100 to 599')),
);
const statusText = v.pipe(
  v.string(),
  v.regex(
    /^(?:[1-5](?:xx|XX)|[1-5]\d\d(?:-[1-5]\d\d)?)$/,
    say('it is not a set of statuses', 'Write for instance 2xx, 200-299 or 200'),
  ),
);
const status = v.union(
  [statusCode, statusText],
  say('it is not a status', 'Write a number such as 200, a class such as 2xx, or a range such as 200-299'),
);

const tls = v.strictObject({
  'valid-for': option(days(), 'How long the certificate must still be valid, such as 14d.'),
  issuer: option(textOperand, 'Issuer of the certificate, such as { contains: Amazon }.'),
  names: option(
    v.pipe(v.array(text), v.minLength(1, say('the list is empty', 'Name at least one'))),
    'Host names that the certificate must be for.',
  ),
});

function days() {
  return v.pipe(v.string(), v.regex(/^\d+[hd]$/, say('it is not an age', 'Write hours or days, such as 12h or 14d')));
}

export const expectation = described(
  v.strictObject({
    status: option(
      v.union([status, v.pipe(v.array(status), v.minLength(1, say('the list is empty', 'Name at least one')))]),
      'Status, class (2xx), range (200-299), or a list of them. Default: any 2xx.',
    ),
    json: option(
      v.record(text, operand),
      'Values by path in the JSON body; a value, or operators such as { at-least: 1 }. {revision} and {digest} stand for what was deployed.',
    ),
    headers: option(v.record(text, textOperand), 'Headers that the answer must carry; text, or operators.'),
    body: option(bodyOperand, 'Regular expression that the body must match, or operators.'),
    url: option(v.union([v.string(), operators]), 'Address that answered in the end, after redirects.'),
    latency: option(duration, 'Longest time of one attempt, from the name look-up to the last byte.'),
    tls: option(tls, 'What the certificate must be like.'),
  }),
  'What the answer must say.',
);

export const timeouts = described(
  v.strictObject({
    dns: option(duration, 'Longest name look-up. Default: 5s.'),
    connect: option(duration, 'Longest time to connect. Default: 5s.'),
    tls: option(duration, 'Longest TLS handshake. Default: 5s.'),
    'first-byte': option(duration, "Longest wait for the first byte of the answer. Default: the attempt's."),
  }),
  'Longest times of the parts of an attempt.',
);

export const soak = described(
  v.strictObject({
    duration: described(duration, 'How long.'),
    rate: option(
      v.pipe(
        v.number(),
        v.minValue(0.1, say('it is below 0.1', 'Write probes a second, such as 5')),
        v.maxValue(500, say('it is above 500', 'Write 500 or less: this proves health, and is no load test')),
      ),
      'Probes a second and address, sent on time whether answers come or not. Default: 5.',
    ),
    'success-rate': option(percentage, 'Percentage of the probes that must pass. Default: 99.'),
    p50: option(duration, 'Highest median latency.'),
    p95: option(duration, 'Highest 95th percentile of the latency.'),
    p99: option(duration, 'Highest 99th percentile of the latency.'),
    'min-samples': option(
      count(1),
      'Fewest probes from which anything is concluded. Default: 20, or all that the duration holds if that is fewer.',
    ),
    connections: option(
      v.picklist(['keep', 'new']),
      'Keep connections between probes, as browsers do, or open one for each. Default: keep.',
    ),
  }),
  'Go on probing at a steady rate once it is healthy.',
);

export const baseline = v.strictObject({
  significance: option(
    v.pipe(
      v.number(),
      v.minValue(0.000001, say('it is no probability', 'Write for instance 0.01')),
      v.maxValue(0.5, say('it is above 0.5', 'Write for instance 0.01')),
    ),
    'Chance of a false alarm at which more errors count as a regression (exact test of Fisher, one-sided). Default: 0.01.',
  ),
  'p95-ratio': option(
    v.pipe(v.number(), v.minValue(1, say('it is below 1', 'Write for instance 1.5'))),
    'How many times the p95 before the p95 now may be. Default: 1.5.',
  ),
  'p95-slack': option(duration, 'Difference of the p95 that never counts, whatever the ratio. Default: 20ms.'),
});

export const loadBalancer = described(
  v.strictObject({
    name: described(text, 'ARN of the load balancer, or app/NAME/ID.'),
    'target-group': option(
      text,
      'ARN of the target group, or targetgroup/NAME/ID, to count only what its targets answered.',
    ),
    'max-5xx-rate': option(
      percentage,
      'Highest percentage of 5xx answers. Default: 1; with a baseline its comparison decides too.',
    ),
    wait: option(duration, 'How long to wait for CloudWatch to have the numbers. Default: 3m.'),
  }),
  "Look at the load balancer's 5xx metric too.",
);

export const instances = described(
  v.strictObject({
    count: option(
      count(1),
      'How many distinct instances have to report it. Default with `by: address`: all that the name resolves to.',
    ),
    by: described(
      v.pipe(
        v.string(),
        v.regex(
          /^(?:address|header:\S+|json:.+)$/,
          say('it does not say how instances are told apart', 'Write address, header:NAME or json:PATH'),
        ),
      ),
      'How instances are told apart: address, header:NAME or json:PATH.',
    ),
  }),
  'Every one of several instances has to report the new version.',
);

export const PROTOCOLS = ['http', 'https', 'tcp', 'tls'] as const;
const REFERENCE = String.raw`\$\{(?:ssm|output):[^}]+\}`;

export const probeUrl = v.pipe(
  v.string(),
  v.regex(
    new RegExp(`^(?:(?:${PROTOCOLS.join('|')})://|${REFERENCE}).*$`),
    say(
      'it is not a URL',
      "Write for instance https://www.example.com/health, tcp://db.internal:5432 or '${output:infra.web_url}/health'",
    ),
  ),
);

/** How one address is asked, and what it must answer. */
const requestEntries = {
  method: option(
    v.pipe(v.string(), v.regex(/^[A-Za-z]+$/, say('it is not a method', 'Write for instance GET'))),
    'HTTP method. Default: GET, or POST with a body.',
  ),
  headers: option(words, 'Headers of the request. A secret only as a reference.'),
  body: option(v.string(), 'Body of the request.'),
  expect: v.exactOptional(expectation),
};

export const endpoint = v.strictObject({
  url: described(probeUrl, 'Address; http, https, tcp or tls.'),
  name: option(text, 'Name in log and summary. Default: the address.'),
  ...requestEntries,
});

export const verifyEntries = {
  url: option(
    v.union([probeUrl, v.pipe(v.array(probeUrl), v.minLength(1, say('the list is empty', 'Name at least one URL')))]),
    'URL, or a list of URLs, that must answer as expected; http, https, tcp or tls.',
  ),
  endpoints: option(
    v.pipe(v.array(endpoint), v.minLength(1, say('the list is empty', 'Name at least one'))),
    'More addresses, each with what differs from the keys here.',
  ),
  ...requestEntries,
  timeout: option(duration, 'Time to become healthy. Default: 5m.'),
  interval: option(duration, 'Pause between two attempts; after failures a random one that grows. Default: 2s.'),
  'max-interval': option(duration, 'Longest pause between two attempts. Default: 5s.'),
  'attempt-timeout': option(duration, 'Longest time for one attempt. Default: 10s.'),
  timeouts: v.exactOptional(timeouts),
  successes: option(count(1), 'Good answers in a row that prove it. Default: 3.'),
  'fail-fast': option(v.boolean(), 'End at once at what waiting cannot mend. Default: true.'),
  instances: v.exactOptional(instances),
  redirects: option(v.picklist(['none', 'same-origin', 'follow']), 'Which redirects are followed. Default: none.'),
  resolve: option(
    v.record(text, text),
    'Addresses to use in place of the name look-up: HOST or HOST:PORT to ADDRESS or ADDRESS:PORT, several with commas.',
  ),
  'ip-version': option(
    v.picklist(['any', '4', '6', 'both']),
    'IP version to probe over; both means each has to pass. Default: any.',
  ),
  'ca-file': option(text, 'File with more certificate authorities to trust (PEM).'),
  soak: v.exactOptional(soak),
  baseline: option(v.union([v.boolean(), baseline]), 'Compare the soak with what served before; `true`, or how.'),
  'load-balancer': v.exactOptional(loadBalancer),
};

export type Expectation = v.InferOutput<typeof expectation>;
export type Operators = v.InferOutput<typeof operators>;
export type EndpointConfig = v.InferOutput<typeof endpoint>;
export type SoakConfig = v.InferOutput<typeof soak>;
export type BaselineConfig = v.InferOutput<typeof baseline>;
export type LoadBalancerConfig = v.InferOutput<typeof loadBalancer>;
export type InstancesConfig = v.InferOutput<typeof instances>;
export type TimeoutsConfig = v.InferOutput<typeof timeouts>;
