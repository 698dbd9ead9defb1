import { randomUUID } from 'node:crypto';
import { messageOf } from '../../lib/errors.ts';
import type { LocalContext } from '../context.ts';
import type { FaultEffect } from '../faults.ts';
import { type HttpReply, type HttpRequest, type Listening, listen } from '../http/server.ts';
import { factsById, factsByTarget, type ServiceFacts } from './catalogue.ts';
import type { CredentialStore, KnownKey } from './credentials.ts';
import { InvalidInput, isRecord, readJson, writeJson } from './json.ts';
import { matchesPattern } from './pattern.ts';
import { readQuery, writeXml, writeXmlError } from './query.ts';
import { inputFault, serverFault, signatureFault, throttled, unknownOperation } from './refusals.ts';
import { resourceOf } from './resource.ts';
import { AwsFault, type AwsService, accessDenied, type Call, type Identity, iamAction } from './service.ts';
import { type OperationShape, operationOf, redact } from './shape.ts';
import { authenticate, readScope, type Scope } from './signature.ts';

/** A request that was answered, for tests and the page. Sensitive members read '***'. */
export interface RequestRecord {
  at: number;
  service: string;
  operation: string;
  /** ARN of who signed it; '' when nobody that we know did. */
  identity: string;
  userAgent: string;
  input: unknown;
  /** HTTP status; 0 when the connection was cut. */
  status: number;
  /** The exception's name. */
  error?: string;
  durationMs: number;
}

export interface AwsEndpoint {
  /** http://127.0.0.1:PORT, for AWS_ENDPOINT_URL. */
  url: string;
  requests(): readonly RequestRecord[];
  close(): Promise<void>;
}

export interface AwsEndpointDeps extends Pick<LocalContext, 'account' | 'region' | 'clock' | 'bus' | 'faults'> {
  credentials: CredentialStore;
  services: readonly AwsService[];
  /** Regions that a service is served for beside the world's own. */
  moreRegions?(service: string): readonly string[];
  port?: number;
}

/** The least that is known of a request before it is understood. */
interface Addressed {
  facts: ServiceFacts | undefined;
  service: string;
  operation: string;
  form: URLSearchParams | undefined;
  scope: Scope | 'incomplete' | undefined;
}

const KEPT = 5000;
/** Called without a signature, by their nature. Source: STS API reference. */
const UNSIGNED = new Set(['AssumeRoleWithWebIdentity', 'AssumeRoleWithSAML']);

/** Serves all AWS services at one loopback address, as the clients' own protocols have it. */
export async function createAwsEndpoint(deps: AwsEndpointDeps): Promise<AwsEndpoint> {
  const records: RequestRecord[] = [];
  const services = new Map(deps.services.map((s) => [s.id as string, s]));
  const server: Listening = await listen({
    ...(deps.port === undefined ? {} : { port: deps.port }),
    handle: (request) => new Exchange(deps, services, request, record).answer(),
  });

  function record(entry: RequestRecord): void {
    records.push(entry);
    if (records.length > KEPT) records.splice(0, records.length - KEPT);
    const { input: _input, userAgent: _agent, ...data } = entry;
    deps.bus.emit({
      kind: 'aws.request',
      text: `${entry.service}:${entry.operation} ${entry.error ?? entry.status}`,
      data,
    });
  }

  return { url: server.url, requests: () => records, close: () => server.close() };
}

/** One request on its way to its answer. */
class Exchange {
  private readonly requestId = randomUUID();
  private readonly startedAt: number;
  private readonly address: Addressed;
  private readonly deps: AwsEndpointDeps;
  private readonly services: ReadonlyMap<string, AwsService>;
  private readonly request: HttpRequest;
  private readonly record: (entry: RequestRecord) => void;
  private identity: Identity | undefined;
  private input: unknown;

  constructor(
    deps: AwsEndpointDeps,
    services: ReadonlyMap<string, AwsService>,
    request: HttpRequest,
    record: (entry: RequestRecord) => void,
  ) {
    this.deps = deps;
    this.services = services;
    this.request = request;
    this.record = record;
    this.startedAt = deps.clock.now();
    this.address = addressOf(request);
  }

  async answer(): Promise<HttpReply> {
    let reply: HttpReply;
    let error: string | undefined;
    try {
      reply = await this.carryOut();
    } catch (thrown) {
      const fault = this.faultOf(thrown);
      error = fault.code;
      reply = this.writeFault(fault);
    }
    this.record({
      at: this.startedAt,
      service: this.address.service,
      operation: this.address.operation,
      identity: this.identity?.arn ?? '',
      userAgent: String(this.request.headers['user-agent'] ?? ''),
      input: this.input,
      status: reply.cut ? 0 : reply.status,
      ...(error === undefined ? {} : { error }),
      durationMs: this.deps.clock.now() - this.startedAt,
    });
    return reply;
  }

  private async carryOut(): Promise<HttpReply> {
    const { facts, service: id, operation: name } = this.address;
    const service = this.services.get(id);
    const key = this.signer();
    this.identity = key?.identity;
    const operation = service && Object.hasOwn(service.operations, name) ? service.operations[name] : undefined;
    const shape = facts && operationOf(await facts.load(), name);
    if (facts === undefined || service === undefined || operation === undefined || shape === undefined) {
      throw unknownOperation(id, name, facts);
    }
    const call: Call = {
      requestId: this.requestId,
      service: service.id,
      operation: name,
      identity: key?.identity ?? { accessKeyId: '', account: this.deps.account, arn: 'anonymous', userId: 'anonymous' },
      region: typeof this.address.scope === 'object' ? this.address.scope.region : this.deps.region,
      receivedAt: this.startedAt,
    };
    // Authorisation comes before validation, as in AWS: a refused caller learns nothing about the request.
    if (key && isDenied(key, iamAction(service.id, name))) throw this.denied(call, this.rawInput(facts));
    const input = this.readInput(service, facts, shape);
    this.input = redact(shape.input, input);
    const effects = this.deps.faults.strike(id, name, input);
    const before = this.suffer(effects, call, facts, input);
    if (before !== undefined) return before;
    const output = await operation(input as never, call);
    for (const effect of effects) if ('delayMs' in effect) await this.deps.clock.sleep(effect.delayMs);
    if (effects.some((e) => 'cut' in e && e.cut === 'after')) return { status: 0, cut: true };
    return this.writeOutput(facts, shape, output, service.lossless?.includes(name) ?? false);
  }

  /** @returns undefined only for operations that are never signed */
  private signer(): KnownKey | undefined {
    const { facts, scope, operation } = this.address;
    const served = this.deps.region;
    if (scope === undefined) {
      if (facts?.id === 'sts' && UNSIGNED.has(operation)) return undefined;
      throw signatureFault('missing', facts, { served });
    }
    if (scope === 'incomplete') throw signatureFault('incomplete', facts, { served });
    // The global STS endpoint is signed for us-east-1.
    const more = this.deps.moreRegions?.(scope.service) ?? [];
    const regions = scope.service === 'sts' ? [served, 'us-east-1', ...more] : [served, ...more];
    const verdict = authenticate(this.request, scope, this.deps.credentials, { now: this.startedAt, regions });
    if (typeof verdict === 'string') throw signatureFault(verdict, facts, { asked: scope.region, served });
    return verdict;
  }

  private readInput(service: AwsService, facts: ServiceFacts, shape: OperationShape): unknown {
    try {
      if (facts.protocol === 'json') {
        const body = parseBody(this.request.body);
        return readJson(shape.input, body, service.lossless?.includes(shape.name) ?? false);
      }
      const { input, unknown } = readQuery(shape.input, this.address.form ?? new URLSearchParams(), facts.protocol);
      if (facts.protocol === 'ec2Query' && unknown[0] !== undefined) {
        throw new AwsFault('UnknownParameter', `The parameter ${unknown[0]} is not recognized`);
      }
      return input;
    } catch (error) {
      if (error instanceof InvalidInput) throw inputFault(service, shape.name, facts, error);
      throw error;
    }
  }

  private denied(call: Call, input: unknown, resource?: string): AwsFault {
    const named = resource ?? resourceOf(call, input as Record<string, unknown>, this.deps);
    return accessDenied(call, iamAction(call.service, call.operation), named);
  }

  /** The input before it is checked, as far as it can be read: to say what was refused. */
  private rawInput(facts: ServiceFacts): Record<string, unknown> {
    try {
      const value =
        facts.protocol === 'json' ? parseBody(this.request.body) : Object.fromEntries(this.address.form ?? []);
      return isRecord(value) ? value : {};
    } catch {
      return {};
    }
  }

  /** Lets the injected faults strike that come before the operation. @returns an answer when there is nothing more to do */
  private suffer(
    effects: readonly FaultEffect[],
    call: Call,
    facts: ServiceFacts,
    input: unknown,
  ): HttpReply | undefined {
    for (const effect of effects) {
      if ('throttle' in effect) throw throttled(facts);
      else if ('status' in effect) throw serverFault(effect.status, facts, effect.code, effect.message);
      else if ('denied' in effect) throw this.denied(call, input, effect.resource);
      else if ('error' in effect)
        throw new AwsFault(effect.error, effect.message, { status: effect.httpStatus ?? 400 });
      else if ('cut' in effect && effect.cut === 'before') return { status: 0, cut: true };
    }
    return undefined;
  }

  private writeOutput(facts: ServiceFacts, shape: OperationShape, output: object, keepUnknown: boolean): HttpReply {
    if (facts.protocol === 'json') {
      return this.reply(200, JSON.stringify(writeJson(shape.output, output, keepUnknown, shape.name)), facts);
    }
    const frame = {
      operation: shape.name,
      requestId: this.requestId,
      namespace: facts.namespace ?? '',
      dialect: facts.protocol,
    };
    return this.reply(200, writeXml(shape.output, output, frame), facts);
  }

  private faultOf(thrown: unknown): AwsFault {
    if (thrown instanceof AwsFault) return thrown;
    // A mistake of ours must be seen, in the answer and on the console, and never look like AWS's own words.
    console.error(`local AWS: ${this.address.service}:${this.address.operation} failed`, thrown);
    return serverFault(500, this.address.facts, undefined, `the local AWS failed: ${messageOf(thrown)}`);
  }

  private writeFault(fault: AwsFault): HttpReply {
    const { facts } = this.address;
    if (facts === undefined || facts.protocol === 'json') {
      const messageKey = fault.code === 'AccessDeniedException' ? 'Message' : 'message';
      const body = JSON.stringify({ __type: fault.code, [messageKey]: fault.message, ...fault.members });
      return this.reply(fault.status, body, facts);
    }
    const frame = { requestId: this.requestId, namespace: facts.namespace ?? '', dialect: facts.protocol };
    return this.reply(fault.status, writeXmlError(fault.code, fault.message, fault.status, frame), facts);
  }

  private reply(status: number, body: string, facts: ServiceFacts | undefined): HttpReply {
    const type =
      facts === undefined || facts.protocol === 'json' ? 'application/x-amz-json-1.1' : 'text/xml;charset=UTF-8';
    return { status, headers: { 'content-type': type, 'x-amzn-requestid': this.requestId }, body };
  }
}

function addressOf(request: HttpRequest): Addressed {
  const scope = readScope(request);
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') {
    const facts = factsByTarget(target);
    const dot = target.lastIndexOf('.');
    return {
      facts,
      service: facts?.id ?? target.slice(0, dot),
      operation: target.slice(dot + 1),
      form: undefined,
      scope,
    };
  }
  const form = new URLSearchParams(request.method === 'GET' ? request.url.search : request.body.toString('utf8'));
  const operation = form.get('Action') ?? `${request.method} ${request.path}`;
  const signedFor = typeof scope === 'object' ? scope.service : UNSIGNED.has(operation) ? 'sts' : 'unknown-service';
  return { facts: factsById(signedFor), service: signedFor, operation, form, scope };
}

function parseBody(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new AwsFault('SerializationException', 'The request body is not valid JSON.');
  }
}

function isDenied(key: KnownKey, action: string): boolean {
  return key.deny.some((pattern) => matchesPattern(pattern, action));
}
