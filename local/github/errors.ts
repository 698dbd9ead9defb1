import type { HttpReply } from '../http/server.ts';

const DOCUMENTATION = 'https://docs.github.com/rest';

export interface FieldError {
  resource: string;
  field?: string;
  code: 'missing' | 'missing_field' | 'invalid' | 'already_exists' | 'unprocessable' | 'custom';
  message?: string;
  [more: string]: unknown;
}

/** An answer of GitHub that is no success; thrown by handlers, written by the server. */
export class GithubFault extends Error {
  readonly status: number;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Record<string, string>;

  constructor(status: number, message: string, errors?: readonly FieldError[], headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }

  reply(): HttpReply {
    const body: Record<string, unknown> = { message: this.message };
    if (this.errors) body.errors = this.errors;
    body.documentation_url = DOCUMENTATION;
    body.status = String(this.status);
    return { status: this.status, headers: this.headers, body };
  }
}

export const notFound = (): GithubFault => new GithubFault(404, 'Not Found');
export const validationFailed = (...errors: FieldError[]): GithubFault =>
  new GithubFault(422, 'Validation Failed', errors);

/** What GitHub says when a body does not fit the schema of the call at all. */
export const invalidRequest = (detail: string): GithubFault => new GithubFault(422, `Invalid request.\n\n${detail}`);
