/**
 * What IAM would answer, for the parts of its language that terraform/ uses; anything else throws, so that a policy is never
 * judged by half. Source: IAM User Guide, "Policy evaluation logic", "IAM JSON policy elements: Condition operators", "Grammar of
 * the IAM JSON policy language".
 */
type OneOrMany<T> = T | T[];

export interface Statement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Principal?: '*' | Record<string, OneOrMany<string>>;
  Action?: OneOrMany<string>;
  NotAction?: OneOrMany<string>;
  Resource?: OneOrMany<string>;
  NotResource?: OneOrMany<string>;
  Condition?: Record<string, Record<string, OneOrMany<string | number | boolean>>>;
}

export interface PolicyDocument {
  Version: string;
  Statement: OneOrMany<Statement>;
}

export interface IamRequest {
  action: string;
  /** ARN; `*` for an action that knows no resource. */
  resource: string;
  /** Who asks, where the policy is attached to the thing that is asked for: a role's trust, a bucket's policy. */
  principal?: { type: 'AWS' | 'Service' | 'Federated'; id: string };
  /** Condition keys as AWS would fill them; a list is a key of several values. */
  context?: Readonly<Record<string, OneOrMany<string>>>;
}

export type Decision = { allowed: boolean; because: string };

const ELEMENTS = new Set(['Sid', 'Effect', 'Principal', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition']);

/**
 * The decision over all policies of one kind (a role's, or those of one resource), within its boundary if there is one.
 * @throws for a document with an element or operator that is not known here
 */
export function evaluate(
  policies: readonly PolicyDocument[],
  request: IamRequest,
  boundary?: PolicyDocument,
): Decision {
  const granted = judge(policies, request);
  if (!granted.allowed || !boundary) return granted;
  const bounded = judge([boundary], request);
  return bounded.allowed ? granted : { allowed: false, because: `the boundary: ${bounded.because}` };
}

function judge(policies: readonly PolicyDocument[], request: IamRequest): Decision {
  const applying = policies
    .flatMap(({ Statement }) => [Statement].flat())
    .filter((statement) => applies(statement, request));
  const denial = applying.find(({ Effect }) => Effect === 'Deny');
  if (denial) return { allowed: false, because: `denied by ${denial.Sid ?? 'a statement'}` };
  const grant = applying.find(({ Effect }) => Effect === 'Allow');
  if (grant) return { allowed: true, because: `allowed by ${grant.Sid ?? 'a statement'}` };
  return { allowed: false, because: 'nothing allows it' };
}

function applies(statement: Statement, request: IamRequest): boolean {
  for (const element of Object.keys(statement)) {
    if (!ELEMENTS.has(element)) throw new Error(`element ${element} is not known to this evaluator`);
  }
  return (
    principalMatches(statement, request) &&
    actionMatches(statement, request.action) &&
    resourceMatches(statement, request) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) =>
        conditionHolds(operator, key, [values].flat().map(String), request),
      ),
    )
  );
}

function principalMatches({ Principal }: Statement, { principal }: IamRequest): boolean {
  if (Principal === undefined) return true;
  if (Principal === '*') return true;
  if (!principal) return false;
  return Object.entries(Principal).some(
    ([type, ids]) =>
      type === principal.type &&
      [ids].flat().some((id) => id === '*' || id === principal.id || (type === 'AWS' && isRootOf(id, principal.id))),
  );
}

/** The account as a principal stands for everyone in it. */
function isRootOf(principal: string, arn: string): boolean {
  const account = /^(?:arn:aws:iam::)?(\d{12})(?::root)?$/.exec(principal)?.[1];
  return account !== undefined && arn.split(':')[4] === account;
}

function actionMatches({ Action, NotAction }: Statement, action: string): boolean {
  const matches = (patterns: OneOrMany<string>) =>
    [patterns].flat().some((pattern) => like(pattern.toLowerCase(), action.toLowerCase()));
  if (Action !== undefined) return matches(Action);
  if (NotAction !== undefined) return !matches(NotAction);
  throw new Error('a statement has neither Action nor NotAction');
}

function resourceMatches({ Resource, NotResource }: Statement, request: IamRequest): boolean {
  const matches = (patterns: OneOrMany<string>) =>
    [patterns].flat().some((pattern) => arnLike(substituted(pattern, request), request.resource));
  if (Resource !== undefined) return matches(Resource);
  if (NotResource !== undefined) return !matches(NotResource);
  return true; // trust policies have none
}

/** `*` and `?` as IAM means them, with regard to case. */
export function like(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(value);
}

/** An ARN's six parts match each by itself: a wildcard does not reach over a colon of the first five. */
export function arnLike(pattern: string, value: string): boolean {
  if (pattern === '*') return true;
  if (value === '*') return false; // what knows no resource is allowed by `*` only
  const [patterns, values] = [pattern, value].map((arn) => {
    const parts = arn.split(':');
    return [...parts.slice(0, 5), parts.slice(5).join(':')];
  });
  if (!patterns?.every((part) => part !== undefined) || pattern.split(':').length < 6) {
    throw new Error(`${pattern} is no ARN and not *`);
  }
  return patterns.every((part, index) => like(part, values?.[index] ?? ''));
}

/** Policy variables: `${aws:userid}`, and `${*}` for a star that is one. Without a value the pattern matches nothing. */
function substituted(pattern: string, request: IamRequest): string {
  return pattern.replace(/\$\{([^}]+)\}/g, (_, name: string) => {
    if (['*', '?', '$'].includes(name)) throw new Error(`\${${name}} is not known to this evaluator`);
    return valuesOf(request, name)?.[0] ?? '\u0000';
  });
}

function valuesOf({ context = {} }: IamRequest, key: string): string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found && [found[1]].flat();
}

type Test = (wanted: string, seen: string) => boolean;

const OPERATORS: Readonly<Record<string, Test>> = {
  StringEquals: (wanted, seen) => wanted === seen,
  StringEqualsIgnoreCase: (wanted, seen) => wanted.toLowerCase() === seen.toLowerCase(),
  StringLike: like,
  ArnEquals: arnLike,
  ArnLike: arnLike,
  Bool: (wanted, seen) => wanted.toLowerCase() === seen.toLowerCase(),
};
const NEGATED: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
};

function conditionHolds(operator: string, key: string, wanted: string[], request: IamRequest): boolean {
  const [, quantifier, name = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const seen = valuesOf(request, key);
  if (name === 'Null') return wanted.some((value) => (value === 'true') === (seen === undefined));
  const negated = NEGATED[name] !== undefined;
  const test = OPERATORS[NEGATED[name] ?? name];
  if (!test) throw new Error(`condition operator ${operator} is not known to this evaluator`);
  if (seen === undefined) return ifExists !== undefined || negated || quantifier === 'ForAllValues';
  if (!quantifier && seen.length > 1)
    throw new Error(`${key} has several values: ${operator} needs ForAllValues or ForAnyValue`);
  const one = (value: string) => wanted.some((pattern) => test(substituted(pattern, request), value)) !== negated;
  return quantifier === 'ForAllValues' ? seen.every(one) : seen.some(one);
}
