/**
 * The `aws` command on a local host: the few calls that scripts on hosts make, signed and sent to the same endpoint as the real
 * command's would be. What it does not know it refuses by name. It depends on nothing but Node.
 */
import { createHash, createHmac } from 'node:crypto';

const TARGETS: Readonly<Record<string, string>> = {
  ssm: 'AmazonSSM',
  ecr: 'AmazonEC2ContainerRegistry_V20150921',
  secretsmanager: 'secretsmanager',
};

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  ssm: ['get-parameter', 'get-parameters', 'get-parameters-by-path', 'put-parameter'],
  ecr: ['get-login-password', 'get-authorization-token'],
  secretsmanager: ['get-secret-value'],
};

interface Asked {
  service: string;
  command: string;
  input: Record<string, unknown>;
  query: string | undefined;
  text: boolean;
}

function fail(message: string, code: number): never {
  console.error(message);
  process.exit(code);
}

function readArguments([service = '', command = '', ...rest]: string[]): Asked {
  if (!COMMANDS[service]?.includes(command))
    fail(`aws: '${service} ${command}' is not on this local host; it has ${JSON.stringify(COMMANDS)}`, 252);
  const asked: Asked = { service, command, input: {}, query: undefined, text: false };
  for (let i = 0; i < rest.length; ) {
    const option = rest[i++] ?? '';
    if (!option.startsWith('--')) fail(`aws: Unknown options: ${option}`, 252);
    const values: string[] = [];
    while (i < rest.length && !(rest[i] ?? '').startsWith('--')) values.push(rest[i++] ?? '');
    if (option === '--query') asked.query = values[0];
    else if (option === '--output') asked.text = values[0] === 'text';
    else if (option !== '--region') asked.input[pascal(option.slice(2))] = optionValue(option, values);
  }
  return asked;
}

function optionValue(option: string, values: string[]): unknown {
  if (values.length === 0) return true;
  return option === '--names' ? values : values[0];
}

function pascal(text: string): string {
  return text.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

async function call(service: string, operation: string, input: object): Promise<Record<string, unknown>> {
  const {
    AWS_ENDPOINT_URL: endpoint = '',
    AWS_REGION: region = '',
    AWS_ACCESS_KEY_ID: id = '',
    AWS_SECRET_ACCESS_KEY: secret = '',
    AWS_SESSION_TOKEN: token,
  } = process.env;
  if (endpoint === '' || id === '')
    fail('Unable to locate credentials. You can configure credentials by running "aws configure".', 253);
  const body = JSON.stringify(input);
  const at = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host: new URL(endpoint).host,
    'x-amz-date': at,
    ...(token ? { 'x-amz-security-token': token } : {}),
    'x-amz-target': `${TARGETS[service]}.${operation}`,
  };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
  const canonical = ['POST', '/', '', lines, names.join(';'), sha256(body)].join('\n');
  const scope = [at.slice(0, 8), region, service, 'aws4_request'];
  const key = scope.reduce<string | Buffer>((k, part) => hmac(k, part), `AWS4${secret}`);
  const signature = hmac(key, ['AWS4-HMAC-SHA256', at, scope.join('/'), sha256(canonical)].join('\n')).toString('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${id}/${scope.join('/')}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  const response = await fetch(`${endpoint}/`, { method: 'POST', headers, body });
  const answer = (await response.json()) as Record<string, unknown>;
  if (response.ok) return answer;
  const message = answer.message ?? answer.Message ?? '';
  fail(
    `\nAn error occurred (${String(answer.__type)}) when calling the ${operation} operation: ${String(message)}`,
    254,
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** Lists come whole, page after page, as the real command gives them. */
async function whole({ service, command, input }: Asked): Promise<Record<string, unknown>> {
  const answer = await call(service, pascal(command), input);
  if (command !== 'get-parameters-by-path') return answer;
  const found = [...(answer.Parameters as unknown[])];
  for (let token = answer.NextToken; token; ) {
    const page = await call(service, pascal(command), { ...input, NextToken: token });
    found.push(...(page.Parameters as unknown[]));
    token = page.NextToken;
  }
  return { Parameters: found };
}

/** A path of names, "Parameter.Value": all of JMESPath that scripts here need. */
function select(value: unknown, path: string): unknown {
  if (!/^[\w.]+$/.test(path))
    fail(`aws: the local host's command knows only plain paths in --query, not '${path}'`, 252);
  return path.split('.').reduce<unknown>((v, name) => (v as Record<string, unknown> | undefined)?.[name], value);
}

const asked = readArguments(process.argv.slice(2));
if (asked.command === 'get-login-password') {
  const answer = (await call('ecr', 'GetAuthorizationToken', {})) as {
    authorizationData: { authorizationToken: string }[];
  };
  console.log(
    Buffer.from(answer.authorizationData[0]?.authorizationToken ?? '', 'base64')
      .toString()
      .replace(/^AWS:/, ''),
  );
} else {
  const answer = await whole(asked);
  const chosen = asked.query === undefined ? answer : select(answer, asked.query);
  console.log(
    asked.text && typeof chosen !== 'object' ? String(chosen ?? 'None') : JSON.stringify(chosen, undefined, 4),
  );
}
