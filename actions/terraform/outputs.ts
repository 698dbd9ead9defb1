export interface TerraformOutputs {
  /** Non-sensitive outputs with their values. */
  plain: Record<string, unknown>;
  /** Names of sensitive outputs. */
  sensitive: string[];
  /** Every text in a sensitive output, to be masked. */
  secrets: string[];
}

/** A mask for very short texts would black out half of the log and say more than it hides. */
const SHORTEST_SECRET = 4;

/** Reads `terraform output -json`. */
export function readOutputs(json: unknown): TerraformOutputs {
  const outputs: TerraformOutputs = { plain: {}, sensitive: [], secrets: [] };
  for (const [name, raw] of Object.entries((json ?? {}) as Record<string, { sensitive?: boolean; value?: unknown }>)) {
    if (raw.sensitive === false) {
      outputs.plain[name] = raw.value;
    } else {
      outputs.sensitive.push(name);
      collectTexts(raw.value, outputs.secrets);
    }
  }
  return outputs;
}

function collectTexts(value: unknown, texts: string[]): void {
  if (typeof value === 'string') {
    if (value.length >= SHORTEST_SECRET) texts.push(value);
  } else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) collectTexts(inner, texts);
  }
}

/** Outputs as the ledger and result files keep them: texts as they are, everything else as JSON. */
export function outputTexts(plain: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(plain).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
