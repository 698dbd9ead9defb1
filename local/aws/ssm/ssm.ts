import type { LocalContext } from '../../context.ts';
import type { Hosts } from '../../hosts/hosts.ts';
import type { DocumentSpec } from '../../world.ts';
import type { AwsService } from '../service.ts';
import type { Command } from './command.ts';
import { createCommands } from './commands.ts';
import { createDocumentStore } from './documents.ts';
import { instanceOperations } from './instances.ts';
import type { ParameterStore } from './parameters.ts';

export interface SsmDeps {
  context: LocalContext;
  hosts: Pick<Hosts, 'all' | 'find'>;
  parameters: ParameterStore;
  documents: readonly DocumentSpec[];
}

export interface Ssm {
  service: AwsService;
  /** Newest first. */
  commands(): readonly Command[];
  /** Ends the commands that still run. */
  stop(): void;
}

/** Systems Manager: documents, Run Command on the local hosts, Parameter Store. */
export function createSsm({ context, hosts, parameters, documents }: SsmDeps): Ssm {
  const store = createDocumentStore(context, documents);
  const commands = createCommands({ context, hosts, documents: store });
  return {
    service: {
      id: 'ssm',
      operations: {
        ...parameters.operations,
        ...store.operations,
        ...commands.operations,
        ...instanceOperations(hosts, context),
      },
    },
    commands: commands.all,
    stop: commands.stop,
  };
}
