import { SESSION_VARIABLE } from '../../lib/aws/renewal.ts';
import type { Edge } from '../../lib/runner.ts';
import type { SetupPorts } from './run.ts';

/** Hands credentials and region to the steps after this one, under the names that every AWS tool reads. */
export function exporter(
  edge: Pick<Edge, 'env' | 'exportVariable'>,
): Pick<SetupPorts, 'exportCredentials' | 'exportRegion' | 'exportSession'> {
  const set = (name: string, value: string) => {
    edge.exportVariable(name, value);
    // This process goes on with them too.
    edge.env[name] = value;
  };
  return {
    exportCredentials: ({ accessKeyId, secretAccessKey, sessionToken }) => {
      set('AWS_ACCESS_KEY_ID', accessKeyId);
      set('AWS_SECRET_ACCESS_KEY', secretAccessKey);
      set('AWS_SESSION_TOKEN', sessionToken);
    },
    exportSession: (session) => set(SESSION_VARIABLE, JSON.stringify(session)),
    exportRegion: (region) => {
      set('AWS_REGION', region);
      set('AWS_DEFAULT_REGION', region);
    },
  };
}
