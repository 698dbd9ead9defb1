import { createServer, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What another service than ECS answers, by `service:Operation`: an object for JSON, text for XML, an Error for a refusal. */
export type Answers = Readonly<Record<string, (input: Record<string, unknown>) => object | string>>;

export interface RecordingFront {
  url: string;
  /** Each call as IAM writes it: ecs:UpdateService. */
  calls: string[];
  close(): Promise<void>;
}

/** X-Amz-Target's prefix to the service's name in IAM. Source: `protocolSettings` of the SDK's clients. */
const TARGETS: Readonly<Record<string, string>> = {
  AmazonEC2ContainerServiceV20141113: 'ecs',
  AmazonEC2ContainerRegistry_V20150921: 'ecr',
  AmazonSSM: 'ssm',
  Logs_20140328: 'logs',
  secretsmanager: 'secretsmanager',
};
/** Version of the query protocol to the service's name in IAM. */
const VERSIONS: Readonly<Record<string, string>> = { '2010-05-08': 'iam', '2015-12-01': 'elasticloadbalancing' };

/** Stands before a scripted ECS as the one endpoint of all of AWS, and writes down what is called. */
export async function recordingFront(ecsUrl: string, answers: Answers): Promise<RecordingFront> {
  const calls: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const target = String(request.headers['x-amz-target'] ?? '');
    const query = target === '' ? new URLSearchParams(body) : undefined;
    if (request.method === 'GET') {
      response.end('{"architecture":"amd64","os":"linux"}');
      return;
    }
    const [prefix = '', operation = query?.get('Action') ?? ''] = target.split('.');
    const service = query ? VERSIONS[query.get('Version') ?? ''] : TARGETS[prefix];
    const call = `${service}:${operation}`;
    calls.push(call);
    if (service === 'ecs') {
      const answer = await forward(ecsUrl, target, body);
      response.statusCode = answer.status;
      response.setHeader('date', answer.date);
      response.end(answer.text);
      return;
    }
    const input = query ? Object.fromEntries(query) : (JSON.parse(body) as Record<string, unknown>);
    try {
      const answer = answers[call]?.(input);
      if (answer === undefined) throw new Error('UnknownOperationException');
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    } catch (error) {
      response.statusCode = 400;
      const code = (error as Error).message;
      response.end(
        query
          ? `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`
          : JSON.stringify({ __type: code, message: 'no' }),
      );
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A connection for each request: one that is kept may belong to a server that is gone, on a port that is taken again. */
async function forward(url: string, target: string, body: string) {
  const headers = { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    send(url, { method: 'POST', headers, agent: false }, resolve).on('error', reject).end(body);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? 500, date: response.headers.date ?? '', text };
}
