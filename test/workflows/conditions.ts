import { data, Evaluator, Lexer, Parser } from '@actions/expressions';

const { BooleanData, Dictionary, Kind, StringData } = data;

export type JobResult = 'success' | 'failure' | 'cancelled' | 'skipped';

/** What a condition of a job can see. */
export interface JobState {
  /** Results of the jobs it names in `needs`, with their outputs. */
  needs: Record<string, { result: JobResult; outputs: Record<string, string> }>;
  /** Results of everything before it, however far. */
  ancestors: readonly JobResult[];
  /** Whether somebody has cancelled the run. */
  cancelled: boolean;
  inputs?: Record<string, string>;
}

type Condition = (state: JobState) => boolean;

const STATUS_FUNCTIONS = ['success', 'failure', 'always', 'cancelled'];

/**
 * Compiles the `if` of a job with GitHub's own evaluator. A condition that calls no status function is preceded by
 * `success() &&`; `success()` holds when every job before it succeeded, so that a skipped one skips what needs it.
 * Source: GitHub documentation, "Evaluate expressions in workflows and actions", status check functions.
 */
export function compileCondition(source: string | undefined): Condition {
  const text = bare(source ?? 'success()');
  const tokens = new Lexer(text).lex().tokens;
  const names = tokens.map((token) => token.lexeme.toLowerCase());
  const whole = STATUS_FUNCTIONS.some((name) => names.includes(name)) ? text : `success() && (${text})`;
  // Twice negated: true or false, by GitHub's own idea of what is true.
  const full = `!!(${whole})`;
  const functions = STATUS_FUNCTIONS.map((name) => ({ name, minArgs: 0, maxArgs: 0 }));
  const parsed = new Parser(new Lexer(full).lex().tokens, ['needs', 'inputs', 'github'], functions).parse();
  return (state) => {
    const answers: Record<string, boolean> = {
      success: !state.cancelled && state.ancestors.every((result) => result === 'success'),
      failure: !state.cancelled && state.ancestors.includes('failure'),
      always: true,
      cancelled: state.cancelled,
    };
    const calls = new Map(
      functions.map((f) => [f.name, { ...f, call: () => new BooleanData(answers[f.name] === true) }]),
    );
    const context = new Dictionary(
      { key: 'needs', value: needsOf(state) },
      { key: 'inputs', value: strings(state.inputs ?? {}) },
    );
    const value = new Evaluator(parsed, context, calls).evaluate();
    return value.kind === Kind.Boolean && value.value;
  };
}

function bare(source: string): string {
  return /^\s*\$\{\{([\s\S]*)\}\}\s*$/.exec(source)?.[1] ?? source;
}

function needsOf(state: JobState): data.Dictionary {
  return new Dictionary(
    ...Object.entries(state.needs).map(([key, { result, outputs }]) => ({
      key,
      value: new Dictionary(
        { key: 'result', value: new StringData(result) },
        { key: 'outputs', value: strings(outputs) },
      ),
    })),
  );
}

function strings(values: Record<string, string>): data.Dictionary {
  return new Dictionary(...Object.entries(values).map(([key, value]) => ({ key, value: new StringData(value) })));
}
