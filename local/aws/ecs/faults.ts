import { AwsFault } from '../service.ts';

/** ECS's exceptions with the messages that its API gives. */
export const clusterNotFound = (): AwsFault => new AwsFault('ClusterNotFoundException', 'Cluster not found.');
export const serviceNotFound = (): AwsFault => new AwsFault('ServiceNotFoundException', 'Service not found.');
export const serviceNotActive = (): AwsFault => new AwsFault('ServiceNotActiveException', 'Service was not ACTIVE.');
export const clientFault = (message: string): AwsFault => new AwsFault('ClientException', message);
export const invalidParameter = (message: string): AwsFault => new AwsFault('InvalidParameterException', message);
export const resourceNotFound = (message: string): AwsFault => new AwsFault('ResourceNotFoundException', message);
export const conflict = (message: string): AwsFault => new AwsFault('ConflictException', message);
export const serviceDeploymentNotFound = (): AwsFault =>
  new AwsFault('ServiceDeploymentNotFoundException', 'Service deployment not found.');

/** What this local ECS does not play; AWS itself would go on. */
export const notPlayedHere = (what: string): AwsFault =>
  new AwsFault('UnsupportedFeatureException', `${what} is not part of the local ECS: see local/FIDELITY.md`);
