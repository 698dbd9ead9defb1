import * as v from 'valibot';
import { messageOf } from '../../lib/errors.ts';
import type { Discord } from '../discord/server.ts';
import type { SlashCommand } from '../discord/slash.ts';
import type { FaultSpec, Faults } from '../faults.ts';
import { HOST_ACTS, type HostAct, type Hosts } from '../hosts/hosts.ts';
import { fromThisMachine } from '../http/guard.ts';
import { Routes } from '../http/routes.ts';
import type { HttpReply, HttpRequest } from '../http/server.ts';
import type { ProbeView, RunView } from './sources.ts';

export interface ControlPorts {
  run(run: RunView): void;
  probe(probe: ProbeView): void;
  faults: Faults | undefined;
  discord: Pick<Discord, 'command'> | undefined;
  hosts: Pick<Hosts, 'does' | 'replace'> | undefined;
}

const time = v.pipe(v.number(), v.finite());
const stage = v.strictObject({
  name: v.string(),
  state: v.picklist(['waiting', 'running', 'succeeded', 'unchanged', 'skipped', 'failed', 'rolled-back', 'cancelled']),
  note: v.optional(v.string()),
  startedAt: v.optional(time),
  endedAt: v.optional(time),
});
const run = v.strictObject({
  id: v.string(),
  title: v.string(),
  commit: v.optional(v.string()),
  branch: v.optional(v.string()),
  actor: v.optional(v.string()),
  startedAt: time,
  endedAt: v.optional(time),
  outcome: v.optional(v.string()),
  cause: v.optional(v.string()),
  stages: v.array(stage),
});
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const probe = v.strictObject({
  target: v.string(),
  sent: count,
  failed: count,
  p50: v.optional(time),
  p95: v.optional(time),
  perSecond: v.optional(time),
});

type Act = (body: unknown, params: Record<string, string>) => unknown;

/**
 * What tells or changes something: POST /_control/run, /_control/probe, /_control/faults, /_control/interactions, /_control/hosts/ID/ACT;
 * GET and DELETE /_control/faults. Only tools and pages of this machine may.
 */
export function createControl(ports: ControlPorts): (request: HttpRequest) => Promise<HttpReply> {
  const need = <T>(part: T | undefined, name: string): T => {
    if (part === undefined) throw new Error(`this page was started without ${name}`);
    return part;
  };
  const routes = new Routes<Act>()
    .add('POST /_control/run', (body) => ports.run(v.parse(run, body) as RunView))
    .add('POST /_control/probe', (body) => ports.probe(v.parse(probe, body) as ProbeView))
    .add('GET /_control/faults', () => need(ports.faults, 'faults').list())
    .add('POST /_control/faults', (body) => ({ id: need(ports.faults, 'faults').add(body as FaultSpec) }))
    .add('DELETE /_control/faults', () => need(ports.faults, 'faults').clear())
    .add('DELETE /_control/faults/:id', (_body, { id = '' }) => need(ports.faults, 'faults').remove(id))
    .add('POST /_control/hosts/:id/:act', async (_body, { id = '', act = '' }) => {
      const hosts = need(ports.hosts, 'hosts');
      if (act === 'replace') return { id: (await hosts.replace(id)).id };
      if (!(HOST_ACTS as readonly string[]).includes(act))
        throw new Error(`a host does not know '${act}', but replace, ${HOST_ACTS.join(', ')}`);
      await hosts.does(id, act as HostAct);
      return undefined;
    })
    .add('POST /_control/interactions', async (body) => {
      const { state, ephemeral, messages } = await need(ports.discord, 'Discord').command(body as SlashCommand);
      return { state, ephemeral, messages: messages.map(({ content, embeds }) => ({ content, embeds })) };
    });
  return async (request) => {
    if (!fromThisMachine(request))
      return { status: 403, body: { message: 'Only tools and pages of this machine may' } };
    const match = routes.find(request.method, request.path);
    if (!match) return { status: 404, body: { message: `no control ${request.method} ${request.path}` } };
    try {
      const body: unknown = request.body.length > 0 ? JSON.parse(request.body.toString('utf8')) : undefined;
      const answer = await match.target(body, match.params);
      return answer === undefined ? { status: 204 } : { status: 200, body: answer };
    } catch (error) {
      return { status: 400, body: { message: messageOf(error) } };
    }
  };
}
