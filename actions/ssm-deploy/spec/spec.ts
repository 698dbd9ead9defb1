import { pinnedDigest } from '../../../lib/ecs/names.ts';
import { canonicalJson } from '../../../lib/fingerprint/canonical.ts';
import { releaseFingerprint as fingerprintOf } from '../../../lib/fingerprint/release.ts';

/** A secret that the host reads with its own role: where it lies, and how the container gets it. Never a value. */
export interface SecretReference {
  name: string;
  /** ssm:/path, secretsmanager:ID or secretsmanager:ID#json-key. */
  from: string;
  as: 'file' | 'environment';
}

export interface HealthCheck {
  command?: string[];
  /** Seconds, as all times of a spec. */
  interval?: number;
  timeout?: number;
  retries?: number;
  'start-period'?: number;
}

/**
 * The desired state of one component on a host group: what the action sends, what a host records, and the value of the group's
 * parameter, all the same JSON. An absent key means docker's or the image's own.
 */
export interface Spec {
  v: 1;
  component: string;
  /** The first 16 digits of the release fingerprint. */
  release: string;
  /** HOST/NAME@sha256:… */
  image: string;
  revision?: string;
  order: 'start-first' | 'stop-first';
  http?: { port: number; 'container-port': number; hosts?: string[]; 'health-path'?: string };
  publish?: string[];
  env?: Record<string, string>;
  secrets?: SecretReference[];
  volumes?: string[];
  tmpfs?: string[];
  networks?: string[];
  memory?: string;
  cpus?: string;
  pids?: number;
  restart: 'always' | 'on-failure' | 'no';
  labels?: Record<string, string>;
  user?: string;
  entrypoint?: string[];
  command?: string[];
  'read-only'?: boolean;
  init: boolean;
  'cap-add'?: string[];
  'cap-drop'?: string[];
  'extra-hosts'?: string[];
  ulimits?: string[];
  'shm-size'?: string;
  hostname?: string;
  'stop-signal'?: string;
  'stop-timeout': number;
  'log-driver'?: string;
  'log-options'?: Record<string, string>;
  'health-check'?: HealthCheck;
  'healthy-within': number;
  'stable-for': number;
  'drain-within': number;
}

/** Digits of the fingerprint that a spec and a host's labels carry. */
export const RELEASE_LENGTH = 16;

/**
 * Release fingerprint of a spec: 64 hexadecimal digits over everything that makes the container what it is. How it is rolled out
 * (order, times) does not count: another time-out is no other release.
 */
export function releaseFingerprint(spec: Omit<Spec, 'release'> & { release?: string }): string {
  const { v: _v, release: _release, order: _order, image, ...rest } = spec;
  const { 'healthy-within': _within, 'stable-for': _stable, 'drain-within': _drain, ...definition } = rest;
  return fingerprintOf({ images: { [spec.component]: image }, definition });
}

/** The one form of a spec: equal specs are equal texts. */
export function specText(spec: Spec): string {
  return canonicalJson(spec);
}

/** A spec from a parameter's value; undefined for what is none. */
export function readSpec(text: string): Spec | undefined {
  try {
    const value = JSON.parse(text) as Partial<Spec> | null;
    const whole = value?.v === 1 && typeof value.release === 'string' && pinnedDigest(value.image ?? '') !== undefined;
    return whole ? (value as Spec) : undefined;
  } catch {
    return undefined;
  }
}
