import { GithubFault } from './errors.ts';

/** Source: changelog of 2025-12 and the workflow syntax reference: 25 inputs for workflow_dispatch. */
const INPUTS_MAX = 25;

interface InputSpec {
  required?: boolean;
  default?: unknown;
  type?: string;
  options?: unknown[];
}

/**
 * The inputs of a dispatch as the run will see them: given values checked against the workflow's own list, defaults filled in.
 * @throws GithubFault 422 as GitHub words it: no trigger, an unexpected input, a required one missing, a value that is no option.
 */
export function workflowDispatchInputs(workflow: Record<string, unknown>, given: unknown): Record<string, string> {
  const specs = declared(workflow);
  const values = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {};
  if (Object.keys(values).length > INPUTS_MAX) {
    throw new GithubFault(422, `you may only define up to ${INPUTS_MAX} \`inputs\` for a \`workflow_dispatch\` event`);
  }
  const unexpected = Object.keys(values).filter((name) => !(name in specs));
  if (unexpected.length > 0) throw new GithubFault(422, `Unexpected inputs provided: ${JSON.stringify(unexpected)}`);
  const result: Record<string, string> = {};
  for (const [name, spec] of Object.entries(specs)) {
    const value = values[name] ?? spec?.default;
    if (value === undefined || value === null || value === '') {
      if (spec?.required) throw new GithubFault(422, `Required input '${name}' not provided`);
      result[name] = spec?.type === 'boolean' ? 'false' : '';
      continue;
    }
    const asText = String(value);
    if (spec?.options && !spec.options.map(String).includes(asText)) {
      throw new GithubFault(422, `Provided value '${asText}' for input '${name}' not in the list of allowed values`);
    }
    result[name] = asText;
  }
  return result;
}

function declared(workflow: Record<string, unknown>): Record<string, InputSpec | null> {
  // YAML 1.1 readers take a bare `on` for true; the yaml package follows 1.2, but files may quote either.
  const on = workflow.on ?? workflow.true;
  const missing = new GithubFault(422, "Workflow does not have 'workflow_dispatch' trigger");
  if (on === 'workflow_dispatch' || (Array.isArray(on) && on.includes('workflow_dispatch'))) return {};
  if (typeof on !== 'object' || on === null || Array.isArray(on) || !('workflow_dispatch' in on)) throw missing;
  const trigger = (on as Record<string, unknown>).workflow_dispatch as {
    inputs?: Record<string, InputSpec | null>;
  } | null;
  return trigger?.inputs ?? {};
}
