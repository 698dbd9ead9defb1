import { createHash } from 'node:crypto';
import type { GetRoleRequest, GetRoleResponse } from '@aws-sdk/client-iam';
import type { LocalContext } from '../context.ts';
import type { RoleSpec } from '../world.ts';
import { AwsFault, type AwsService } from './service.ts';

type IamDeps = Pick<LocalContext, 'account' | 'clock'> & { roles: readonly RoleSpec[] };

/** As much of IAM as says which roles there are: those of the world. Source: IAM API reference, GetRole. */
export function createIam({ account, clock, roles }: IamDeps): AwsService {
  const createdAt = new Date(clock.now());
  return {
    id: 'iam',
    operations: {
      GetRole: ({ RoleName = '' }: GetRoleRequest): GetRoleResponse => {
        const role = roles.find(({ name }) => name === RoleName);
        if (!role) throw noSuchRole(RoleName);
        return {
          Role: {
            Path: '/',
            RoleName: role.name,
            RoleId: `AROA${createHash('sha256').update(role.name).digest('hex').slice(0, 17).toUpperCase()}`,
            Arn: `arn:aws:iam::${account}:role/${role.name}`,
            CreateDate: createdAt,
            MaxSessionDuration: role.maxSessionSeconds,
          },
        };
      },
    },
  };
}

function noSuchRole(name: string): AwsFault {
  return new AwsFault('NoSuchEntity', `The role with name ${name} cannot be found.`, { status: 404 });
}
