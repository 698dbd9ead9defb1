import { regionFrom } from '../../lib/aws/client.ts';
import { renewingCredentials } from '../../lib/aws/renewal.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Edge } from '../../lib/runner.ts';
import { awsOutputs } from './outputs.ts';
import type { SsmPorts } from './ports.ts';
import { knownSecrets } from './spec/guard.ts';
import { ssmClient, ssmPort } from './ssm.ts';
import { rememberingIn } from './state.ts';

/** The real ports of a run, for this action and for ship. @throws Problem for a region that cannot be. */
export function portsOf(edge: Edge, regionInput: string, action: string): SsmPorts {
  const { env, log, signal, idToken } = edge;
  const region = regionFrom(regionInput, env);
  const credentials = renewingCredentials({ env, region, idToken, log });
  const settings = { region, action, credentials };
  const client = ssmClient(settings);
  return {
    ssm: ssmPort(client, signal, systemClock),
    outputs: awsOutputs({ ...settings, signal, signer: client.config }),
    clock: systemClock,
    log,
    signal,
    region,
    known: knownSecrets(env),
    remember: rememberingIn(edge),
  };
}
