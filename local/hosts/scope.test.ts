import { expect, test } from '@jest/globals';
import { type HostScope, mountSource, plainName, scopeContainer, scopedName, scopeFilters, unscope } from './scope.ts';

const scope: HostScope = {
  prefix: 'p-i-1-',
  labels: { 'slipway.host': 'i-1', 'slipway.local': 'x' },
  address: '127.66.1.10',
  root: '/root-of-host',
  shared: ['/run', '/dev/shm'],
};

test.each([
  ['web', 'p-i-1-web'],
  ['p-i-1-web', 'p-i-1-web'],
  ['0123456789ab', '0123456789ab'],
])('the name %s is %s on the engine', (name, expected) => expect(scopedName(scope, name)).toBe(expected));

test.each([
  ['/p-i-1-web', '/web'],
  ['p-i-1-web', 'web'],
  ['/other', '/other'],
])('%s is %s on the host', (name, expected) => expect(plainName(scope, name)).toBe(expected));

test.each([
  ['/dev/shm/app/x', '/root-of-host/dev/shm/app/x'],
  ['/dev/shm', '/root-of-host/dev/shm'],
  ['/dev/shmx', '/dev/shmx'],
  ['/etc/hosts', '/etc/hosts'],
  ['data', 'p-i-1-data'],
])('the source %s is %s on this machine', (source, expected) => expect(mountSource(scope, source)).toBe(expected));

test('a container gets labels, the host’s address and disk, and keeps what it said itself', () => {
  expect(
    scopeContainer(scope, {
      Image: 'app',
      Labels: { mine: '1', 'slipway.host': 'forged' },
      HostConfig: {
        NetworkMode: 'default',
        Binds: ['/run/x:/x:ro', 'data:/data'],
        Mounts: [
          { Type: 'tmpfs', Target: '/t' },
          { Type: 'bind', Source: '/dev/shm/a', Target: '/a' },
        ],
        PortBindings: {
          '80/tcp': [
            { HostIp: '', HostPort: '8080' },
            { HostIp: '10.0.0.1', HostPort: '1' },
          ],
        },
      },
    }),
  ).toEqual({
    Image: 'app',
    Labels: { mine: '1', 'slipway.host': 'i-1', 'slipway.local': 'x' },
    HostConfig: {
      NetworkMode: 'default',
      Binds: ['/root-of-host/run/x:/x:ro', 'p-i-1-data:/data'],
      Mounts: [
        { Type: 'tmpfs', Target: '/t' },
        { Type: 'bind', Source: '/root-of-host/dev/shm/a', Target: '/a' },
      ],
      PortBindings: {
        '80/tcp': [
          { HostIp: '127.66.1.10', HostPort: '8080' },
          { HostIp: '10.0.0.1', HostPort: '1' },
        ],
      },
    },
  });
});

test.each([
  ['default', {}, 'host'],
  ['bridge', {}, 'host'],
  ['default', { '80/tcp': [{}] }, 'default'],
  ['none', {}, 'none'],
  ['app', {}, 'p-i-1-app'],
  ['container:web', {}, 'container:p-i-1-web'],
])('network %s with ports %j is %s', (NetworkMode, PortBindings, expected) => {
  const { HostConfig } = scopeContainer(scope, { HostConfig: { NetworkMode, PortBindings } });
  expect((HostConfig as { NetworkMode: string }).NetworkMode).toBe(expected);
});

test('lists are of this host alone, and speak of names as it knows them', () => {
  // Also of this instance alone: another one may have a host of the same id.
  const own = ['slipway.host=i-1', 'slipway.local=x'];
  const filters = JSON.parse(scopeFilters(scope, '{"name":["^web$","^/db","part"],"label":["a=b"]}'));
  expect(filters).toEqual({ name: ['^/?p-i-1-web$', '^/?p-i-1-db', 'part'], label: ['a=b', ...own] });
  expect(JSON.parse(scopeFilters(scope, '{"label":{"a":true}}')).label).toEqual(['a', ...own]);
  expect(unscope(scope, { Id: '1', Names: ['/p-i-1-web'] })).toEqual({ Id: '1', Names: ['/web'] });
});
