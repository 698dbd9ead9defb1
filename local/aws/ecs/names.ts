import { randomBytes, randomInt, randomUUID } from 'node:crypto';

export interface Place {
  account: string;
  region: string;
}

/** ARNs and ids in the forms that ECS gives them. */
export function arnsOf({ account, region }: Place) {
  const base = `arn:aws:ecs:${region}:${account}`;
  return {
    cluster: (cluster: string) => `${base}:cluster/${cluster}`,
    service: (cluster: string, service: string) => `${base}:service/${cluster}/${service}`,
    taskDefinition: (family: string, revision: number) => `${base}:task-definition/${family}:${revision}`,
    task: (cluster: string, id: string) => `${base}:task/${cluster}/${id}`,
    container: (cluster: string, task: string) => `${base}:container/${cluster}/${task}/${randomUUID()}`,
    serviceDeployment: (cluster: string, service: string) =>
      `${base}:service-deployment/${cluster}/${service}/${token(21)}`,
    serviceRevision: (cluster: string, service: string) =>
      `${base}:service-revision/${cluster}/${service}/${digits(19)}`,
  };
}

export type Arns = ReturnType<typeof arnsOf>;

export function newTaskId(): string {
  return randomBytes(16).toString('hex');
}

export function newDeploymentId(): string {
  return `ecs-svc/${digits(19)}`;
}

/** The last part of a name that may be an ARN: "arn:aws:ecs:…:cluster/sample" and "sample" are the same cluster. */
export function shortName(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);
}

function token(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length);
}

function digits(length: number): string {
  return Array.from({ length }, (_, i) => randomInt(i === 0 ? 1 : 0, 10)).join('');
}
