import type { PolicyDocument, Statement } from './evaluate.ts';
import { actionsOf, factsOf, knowsKey } from './reference.ts';

/**
 * Grants that allow nothing, which nobody sees until a deployment is denied: of an action that does not exist, on a resource
 * that the action does not know, or under a condition key that AWS never fills in for it. One sentence each.
 */
export function voidGrants(document: PolicyDocument): string[] {
  return [document.Statement].flat().flatMap((statement) => {
    const named = [statement.Action ?? []].flat();
    return named.flatMap((pattern) => {
      const where = `${statement.Sid}: ${pattern}`;
      let actions: string[];
      try {
        actions = actionsOf(pattern);
      } catch (error) {
        return [`${where}: ${error instanceof Error ? error.message : error}`];
      }
      if (statement.Effect === 'Deny') return [];
      // A pattern is meant for what it fits; an action that is named is meant to be allowed.
      const reasons = actions.map((action) => reasonsAgainst(statement, action));
      const [first = []] = reasons;
      return reasons.every((one) => one.length > 0) ? first.map((reason) => `${where}: ${reason}`) : [];
    });
  });
}

function reasonsAgainst(statement: Statement, action: string): string[] {
  const reasons: string[] = [];
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    if (operator === 'Null' || /Not|IfExists|ForAllValues/.test(operator)) continue; // hold without the key too
    for (const key of Object.keys(keys)) if (!knowsKey(action, key)) reasons.push(`AWS fills in no ${key} for it`);
  }
  const resources = [statement.Resource ?? []].flat();
  if (resources.length === 0 || resources.includes('*')) return reasons;
  const known = factsOf(action).resources;
  if (known.length === 0) reasons.push('it knows no resource: only * allows it');
  else if (!resources.some((resource) => known.some((template) => overlap(resource, template)))) {
    reasons.push(`it knows ${known.join(', ')}, and not ${resources.join(', ')}`);
  }
  return reasons;
}

/** Whether an ARN can match both; judged by what stands before the first wildcard of each part. */
function overlap(pattern: string, template: string): boolean {
  const parts = (arn: string) => {
    const all = arn.split(':');
    return [...all.slice(0, 5), all.slice(5).join(':')].map((part) => part.split(/[*?]|\$\{/)[0] ?? '');
  };
  const ours = parts(pattern);
  return parts(template).every((part, index) => {
    const mine = ours[index] ?? '';
    return mine.startsWith(part) || part.startsWith(mine);
  });
}
