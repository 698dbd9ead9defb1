import { type ReferencePorts, resolveAll } from '../../lib/config/references.ts';
import type { AppComponent } from '../../lib/config/schema.ts';
import { Problem } from '../../lib/errors.ts';

/**
 * The component with the references in `deploy` and `verify` looked up. Secrets stay references: the host or the task reads
 * them by itself. {revision} and {digest} stay too: verification fills them in when the image is known.
 */
export async function resolved(
  component: AppComponent,
  name: string,
  ports: Pick<ReferencePorts, 'output' | 'ssm'>,
): Promise<AppComponent> {
  const { deploy, verify } = component;
  const identities = { ...ports, revision: '{revision}', digest: '{digest}' };
  const secrets = 'secrets' in deploy ? deploy.secrets : undefined;
  const plain = { ...deploy, ...(secrets && { secrets: undefined }) };
  const [found, seen] = await Promise.all([
    resolveAll(plain, ports, ['components', name, 'deploy']),
    resolveAll(verify, identities, ['components', name, 'verify']),
  ]);
  const settled = { ...component, deploy: { ...found, ...(secrets && { secrets }) } };
  return { ...settled, ...(seen && { verify: seen }) } as AppComponent;
}

/** @throws Problem for what a component asks for and this version does not do: leaving it out silently would ship half of it. */
export function checkShippable(component: AppComponent, name: string, file: string): void {
  const refuse = (key: string, cause: string, fix: string) => {
    throw new Problem({ what: `${file}: components.${name}.${key}`, cause, fix, kind: 'config' });
  };
  if (component.kind === 'task')
    refuse(
      'kind',
      'a scheduled task has no service that could be deployed',
      'Register its task definition with Terraform, by digest',
    );
  if (component.before?.length)
    refuse(
      'before',
      'commands before a deployment are not run by this version',
      'Run them in a step before this one, and take them out here',
    );
}
