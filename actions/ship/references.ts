import { type ReferencePorts, resolveAll } from '../../lib/config/references.ts';
import type { AppComponent } from '../../lib/config/schema.ts';
import { Problem } from '../../lib/errors.ts';

/**
 * The component with the references in `deploy`, `before` and `verify` looked up. Secrets stay references: the host or the task reads
 * them by itself. {revision} and {digest} stay too: verification fills them in when the image is known.
 */
export async function resolved(
  component: AppComponent,
  name: string,
  ports: Pick<ReferencePorts, 'output' | 'ssm'>,
): Promise<AppComponent> {
  const { deploy, verify, before } = component;
  const identities = { ...ports, revision: '{revision}', digest: '{digest}' };
  const secrets = 'secrets' in deploy ? deploy.secrets : undefined;
  const plain = { ...deploy, ...(secrets && { secrets: undefined }) };
  const [found, steps, seen] = await Promise.all([
    resolveAll(plain, ports, ['components', name, 'deploy']),
    resolveAll(before, ports, ['components', name, 'before']),
    resolveAll(verify, identities, ['components', name, 'verify']),
  ]);
  const settled = { ...component, ...(steps && { before: steps }), deploy: { ...found, ...(secrets && { secrets }) } };
  return { ...settled, ...(seen && { verify: seen }) } as AppComponent;
}

/** @throws Problem for what a component asks for and this version does not do: leaving it out silently would ship half of it. */
export function checkShippable(component: AppComponent, name: string, file: string): void {
  const refuse = (key: string, cause: string, fix: string) => {
    throw new Problem({ what: `${file}: components.${name}.${key}`, cause, fix, kind: 'config' });
  };
  if (component.before?.length && component.deploy.to === 'ssm')
    refuse(
      'before',
      'commands before a deployment run as ECS tasks, and this component runs on hosts',
      'Run them in a step before this one, and take them out here',
    );
}
