import type { Command } from '../aws/ssm/command.ts';
import { isFinal } from '../aws/ssm/command.ts';
import type { HostsSnapshot } from '../page/sources.ts';
import type { ManagedHost } from './hosts.ts';

const COMMANDS_SHOWN = 20;
const OUTPUT_SHOWN = 4000;

/** The hosts and what they were told to do, for the page. */
export function hostsSnapshot(hosts: readonly ManagedHost[], commands: readonly Command[]): HostsSnapshot {
  return {
    hosts: hosts.map(({ id, name, online, tags, containers }) => ({
      id,
      name,
      online,
      tags,
      containers: [...containers],
    })),
    commands: commands.slice(0, COMMANDS_SHOWN).map((command) => ({
      id: command.id,
      document: command.document.name,
      comment: command.comment,
      at: command.requestedAt,
      invocations: command.invocations.map((invocation) => ({
        instanceId: invocation.host.id,
        status: invocation.standing.details,
        exitCode: isFinal(invocation) && invocation.responseCode >= 0 ? invocation.responseCode : null,
        output: `${invocation.stdout}${invocation.stderr}`.slice(-OUTPUT_SHOWN),
      })),
    })),
  };
}
