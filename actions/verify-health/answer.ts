/** Milliseconds of the parts of an attempt; of a redirect's steps those of the last. */
export interface Timings {
  dns?: number;
  connect?: number;
  tls?: number;
  /** From the request's last byte to the answer's head. */
  firstByte?: number;
}

export interface CertificateFacts {
  /** Milliseconds since the epoch. */
  validTo: number;
  /** Distinguished name, such as C=US, O=Amazon, CN=Amazon RSA 2048 M02. */
  issuer: string;
  /** DNS names and addresses that it is for. */
  names: readonly string[];
}

/** An answer, as far as it was read. */
export interface Answer {
  /** 0 where nothing of the kind exists (TCP). */
  status: number;
  /** By lower-case name. */
  headers: Readonly<Record<string, string>>;
  body: string;
  /** The body is longer than what was read of it. */
  truncated?: boolean;
  /** Milliseconds from the start of the attempt to the last byte. */
  ms: number;
  /** Address that answered in the end. */
  url: string;
  certificate?: CertificateFacts | undefined;
}
