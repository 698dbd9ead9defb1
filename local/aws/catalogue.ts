import type { ServiceId } from './service.ts';

export type Protocol = 'json' | 'awsQuery' | 'ec2Query';

export interface ServiceFacts {
  id: ServiceId;
  protocol: Protocol;
  /** Prefix of X-Amz-Target, for the JSON protocol. */
  target?: string;
  /** xmlns of the answers, for the query protocols. */
  namespace?: string;
  /** The SDK client's module, whose schemas requests are checked against. */
  load(): Promise<Record<string, unknown>>;
}

/** Source: `protocolSettings` of each client in the AWS SDK for JavaScript v3; the signing names are the services' ids. */
export const CATALOGUE: readonly ServiceFacts[] = [
  {
    id: 'ecs',
    protocol: 'json',
    target: 'AmazonEC2ContainerServiceV20141113',
    load: () => import('@aws-sdk/client-ecs'),
  },
  {
    id: 'ecr',
    protocol: 'json',
    target: 'AmazonEC2ContainerRegistry_V20150921',
    load: () => import('@aws-sdk/client-ecr'),
  },
  { id: 'ssm', protocol: 'json', target: 'AmazonSSM', load: () => import('@aws-sdk/client-ssm') },
  {
    id: 'secretsmanager',
    protocol: 'json',
    target: 'secretsmanager',
    load: () => import('@aws-sdk/client-secrets-manager'),
  },
  { id: 'logs', protocol: 'json', target: 'Logs_20140328', load: () => import('@aws-sdk/client-cloudwatch-logs') },
  {
    id: 'sts',
    protocol: 'awsQuery',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    load: () => import('@aws-sdk/client-sts'),
  },
  {
    id: 'elasticloadbalancing',
    protocol: 'awsQuery',
    namespace: 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/',
    load: () => import('@aws-sdk/client-elastic-load-balancing-v2'),
  },
  {
    id: 'ec2',
    protocol: 'ec2Query',
    namespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
    load: () => import('@aws-sdk/client-ec2'),
  },
  {
    id: 'monitoring',
    protocol: 'json',
    target: 'GraniteServiceVersion20100801',
    load: () => import('@aws-sdk/client-cloudwatch'),
  },
  {
    id: 'iam',
    protocol: 'awsQuery',
    namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
    load: () => import('@aws-sdk/client-iam'),
  },
];

export function factsByTarget(target: string): ServiceFacts | undefined {
  const prefix = target.slice(0, target.lastIndexOf('.'));
  return CATALOGUE.find((facts) => facts.target === prefix);
}

export function factsById(id: string): ServiceFacts | undefined {
  return CATALOGUE.find((facts) => facts.id === id);
}
