/** Why an endpoint is not healthy. `status` and `assert` are the answer's fault, those before them the way's, those after them time's. */
export type FailureReason =
  | 'dns'
  | 'refused'
  | 'tls'
  | 'timeout'
  | 'status'
  | 'assert'
  | 'version-mismatch'
  | 'flapping'
  | 'regression';

export interface Failure {
  reason: FailureReason;
  /** One sentence: what was expected, what was seen. */
  cause: string;
  /** True where waiting cannot mend it. */
  final: boolean;
  /** What to do next, where the reason alone does not say. */
  next?: string;
}

/** A failure on its way up through code that waits for the network. */
export class ProbeFailure extends Error {
  readonly failure: Failure;
  constructor(reason: FailureReason, cause: string, final = false) {
    super(cause);
    this.name = 'ProbeFailure';
    this.failure = { reason, cause, final };
  }
}

/** `reason: cause`, as log, cause and summary say it. */
export function failureText({ reason, cause }: Pick<Failure, 'reason' | 'cause'>): string {
  return `${reason}: ${cause}`;
}
