import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../lib/ecs/json.ts';
import { goesWell, play } from '../test/play-aws.ts';
import { DIGEST, definitionArn } from '../test/scripted-ecs.ts';
import { sameDefinition } from './canonical.ts';

const IMAGE = `registry.test/web@${DIGEST}`;
const web = (more: JsonObject = {}): JsonObject => ({ name: 'web', image: 'old', ...more });

/** Task definitions of every shape, as people write them; each reaches the wire as it stands, but for the image. */
const SHAPES: Readonly<Record<string, JsonObject>> = {
  'bind mounts and volumes of every kind': {
    volumes: [
      { name: 'scratch' },
      { name: 'host', host: { sourcePath: '/var/data' } },
      { name: 'empty', host: {} },
      { name: 'docker', dockerVolumeConfiguration: { scope: 'shared', autoprovision: true, driverOpts: { o: '' } } },
      { name: 'ebs', configuredAtLaunch: true },
    ],
    containerDefinitions: [web({ mountPoints: [{ sourceVolume: 'scratch', containerPath: '/s', readOnly: false }] })],
  },
  'EFS with an access point': {
    volumes: [
      {
        name: 'efs',
        efsVolumeConfiguration: {
          fileSystemId: 'fs-1234',
          rootDirectory: '/',
          transitEncryption: 'ENABLED',
          authorizationConfig: { accessPointId: 'fsap-1', iam: 'ENABLED' },
        },
      },
    ],
    containerDefinitions: [web()],
  },
  'FSx for Windows': {
    runtimePlatform: { operatingSystemFamily: 'WINDOWS_SERVER_2022_CORE', cpuArchitecture: 'X86_64' },
    volumes: [
      {
        name: 'fsx',
        fsxWindowsFileServerVolumeConfiguration: {
          fileSystemId: 'fs-1',
          rootDirectory: 'share',
          authorizationConfig: { credentialsParameter: 'arn:aws:secretsmanager:x', domain: 'example.com' },
        },
      },
    ],
    containerDefinitions: [web({ entryPoint: ['powershell', '-Command'], command: ['C:\\x.ps1 "a b"'] })],
  },
  'FireLens beside the app': {
    containerDefinitions: [
      web({
        logConfiguration: {
          logDriver: 'awsfirelens',
          options: { Name: 'http', Host: 'logs.test', Header: '', retry_limit: '2' },
          secretOptions: [{ name: 'apikey', valueFrom: '/logs/key' }],
        },
        dependsOn: [{ containerName: 'log_router', condition: 'START' }],
      }),
      {
        name: 'log_router',
        image: 'fluent-bit',
        essential: true,
        user: '0',
        firelensConfiguration: {
          type: 'fluentbit',
          options: { 'enable-ecs-log-metadata': 'true', 'config-file-value': '' },
        },
      },
    ],
  },
  'an App Mesh proxy': {
    proxyConfiguration: {
      type: 'APPMESH',
      containerName: 'envoy',
      properties: [
        { name: 'IgnoredUID', value: '1337' },
        { name: 'IgnoredGID', value: '' },
        { name: 'EgressIgnoredPorts', value: '' },
      ],
    },
    containerDefinitions: [web(), { name: 'envoy', image: 'envoy', healthCheck: { command: ['CMD-SHELL', 'exit 0'] } }],
  },
  'GPUs and Inferentia': {
    placementConstraints: [{ type: 'memberOf', expression: 'attribute:ecs.instance-type =~ g4.*' }],
    containerDefinitions: [
      web({
        resourceRequirements: [{ type: 'GPU', value: '1' }],
        linuxParameters: {
          devices: [{ hostPath: '/dev/neuron0', permissions: ['read', 'write'] }],
          capabilities: { add: [] },
        },
      }),
    ],
  },
  'fault injection, restart policy, version consistency': {
    enableFaultInjection: true,
    ephemeralStorage: { sizeInGiB: 100 },
    ipcMode: 'none',
    pidMode: 'task',
    containerDefinitions: [
      web({
        restartPolicy: { enabled: true, ignoredExitCodes: [0, 137], restartAttemptPeriod: 180 },
        versionConsistency: 'disabled',
        credentialSpecs: ['credentialspec:arn:aws:s3:::x'],
        repositoryCredentials: { credentialsParameter: 'arn:aws:secretsmanager:y' },
      }),
    ],
  },
  'empty values, which mean something': {
    taskRoleArn: '',
    containerDefinitions: [
      web({
        command: ['redis-server', '--save', ''],
        entryPoint: [],
        environment: [
          { name: 'EMPTY', value: '' },
          { name: 'SPACES', value: '  ' },
        ],
        dockerLabels: { a: '', '': 'b' },
        dnsServers: [''],
        extraHosts: null,
        healthCheck: { command: ['CMD', ''] },
      }),
    ],
  },
  'fields that nobody has invented yet': {
    quantum: { entangled: [{ with: '' }, [], {}, null, 0, false] },
    containerDefinitions: [
      web({
        newField: null,
        deep: { er: { est: [1.5, 1e21, 12345678901234] } },
        portMappings: [{ containerPort: 80, quic: { on: true } }],
      }),
      { name: 'side', image: 'side', future: 'é ß 中 😀 \u2028', essential: false },
    ],
  },
};

const OUTPUT_ONLY = {
  taskDefinitionArn: definitionArn('web:7'),
  revision: 7,
  status: 'ACTIVE',
  requiresAttributes: [{ name: 'com.amazonaws.ecs.capability.docker-remote-api.1.18' }],
  compatibilities: ['EC2'],
  registeredAt: '2026-01-01T00:00:00Z',
  registeredBy: 'arn:aws:iam::123456789012:user/x',
  deregisteredAt: 1,
  deleteRequestedAt: 2,
};

const expectedOf = (shape: JsonObject) => ({
  family: 'web',
  ...shape,
  containerDefinitions: (shape.containerDefinitions as JsonObject[]).map((container) =>
    container.name === 'web'
      ? {
          ...container,
          image: IMAGE,
          environment: [
            ...((container.environment as JsonObject[] | undefined) ?? []),
            { name: 'SLIPWAY_DIGEST', value: DIGEST },
          ],
        }
      : container,
  ),
});

async function sent(file: string, text: string) {
  const { ecs } = await play(
    { deployment: goesWell },
    {
      inputs: { 'task-definition': file, container: 'web', image: IMAGE, preflight: 'false' },
      files: { [file]: text },
    },
  );
  const raw = ecs.calls.find((c) => c.operation === 'RegisterTaskDefinition')?.raw ?? '{}';
  const { tags: _, ...rest } = JSON.parse(raw);
  return rest;
}

describe.each(Object.entries(SHAPES))('a task definition with %s', (_, shape) => {
  const written = { family: 'web', ...shape };

  test('reaches the wire as it was written, from JSON', async () => {
    expect(await sent('td.json', JSON.stringify(written))).toStrictEqual(expectedOf(shape));
  });

  test('and from what describe-task-definition saved, without what ECS added', async () => {
    const saved = JSON.stringify({ taskDefinition: { ...written, ...OUTPUT_ONLY }, tags: [] });
    expect(await sent('saved.json', saved)).toStrictEqual(expectedOf(shape));
  });

  test('and from the running service, with every field that ECS sends', async () => {
    const { ecs } = await play(
      {
        deployment: goesWell,
        before: {
          DescribeTaskDefinition: () => ({
            taskDefinition: { ...written, taskDefinitionArn: definitionArn('web:1'), revision: 1, status: 'ACTIVE' },
          }),
        },
      },
      { inputs: { container: 'web', image: IMAGE, preflight: 'false' } },
    );
    const raw = ecs.calls.find((c) => c.operation === 'RegisterTaskDefinition')?.raw ?? '{}';
    const { tags: _tags, ...rest } = JSON.parse(raw);
    expect(rest).toStrictEqual(expectedOf(shape));
  });

  test('is the same as itself and another than one without its members', () => {
    expect(sameDefinition(written, structuredClone(written))).toBe(true);
    for (const key of Object.keys(shape).filter((k) => k !== 'containerDefinitions' && shape[k] !== '')) {
      const { [key]: _gone, ...without } = written as JsonObject;
      expect([key, sameDefinition(written, without)]).toEqual([key, false]);
    }
  });
});
