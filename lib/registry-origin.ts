const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

/** Whether a host, with or without a port, is this machine. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

/** Where a container registry's API is. Registries on loopback speak HTTP, as the docker engine assumes too; all others HTTPS. */
export const registryOrigin = (host: string): string => `${isLoopback(host) ? 'http' : 'https'}://${host}`;
