import { isObject, type JsonObject, textOf } from '../../../lib/ecs/json.ts';
import type { Account, ImagePlatform } from './account.ts';
import type { Finding } from './findings.ts';
import type { Question } from './questions.ts';

/** What a question is about, in the words of a report. */
export function subjectOf(question: Question): string {
  switch (question.kind) {
    case 'image':
      return `image of container ${question.container}`;
    case 'role':
      return question.member;
    case 'parameters':
      return `parameters ${question.uses.map((u) => u.name).join(', ')}`;
    case 'secret':
      return `secret ${question.variable} of container ${question.container}`;
    case 'log-group':
      return `log group ${question.group}`;
  }
}

/** Asks one question. @throws Problem when it cannot be answered. */
export async function ask(question: Question, definition: JsonObject, account: Account): Promise<Finding[]> {
  const what = subjectOf(question);
  switch (question.kind) {
    case 'image': {
      const wanted = wantedPlatform(definition);
      const platforms = await account.platforms(question, wanted ? 'fits' : 'there');
      return platforms ? wrongPlatform(question, platforms, wanted) : [missingImage(question)];
    }
    case 'role':
      if (await account.roleExists(question.name)) return [];
      return [
        {
          what,
          seen: question.arn,
          cause: 'there is no such role in this account',
          fix: 'Create it, or correct the ARN in the task definition',
        },
      ];
    case 'parameters': {
      const missing = new Set(
        await account.missingParameters(
          question.uses.map((u) => u.name),
          question.region,
        ),
      );
      return question.uses
        .filter((u) => missing.has(u.name))
        .map(({ name, container, variable }) => ({
          what: `secret ${variable} of container ${container}`,
          seen: name,
          cause: `there is no such parameter in ${question.region}, so the task could not start`,
          fix: 'Create the parameter, or correct `valueFrom`',
        }));
    }
    case 'secret': {
      const trouble = await account.secretTrouble(question.id, question.region);
      if (trouble === '') return [];
      const cause = `${trouble}, so the task could not start`;
      return [{ what, seen: question.id, cause, fix: 'Create or restore the secret, or correct `valueFrom`' }];
    }
    case 'log-group':
      if (await account.logGroupExists(question.group, question.region)) return [];
      return [
        {
          what: `log group of container ${question.container}`,
          seen: question.group,
          cause: `there is no such log group in ${question.region}, so the task could not start`,
          fix: 'Create it (with a retention), or set "awslogs-create-group": "true" and allow logs:CreateLogGroup',
        },
      ];
  }
}

function missingImage(question: Question & { kind: 'image' }): Finding {
  return {
    what: subjectOf(question),
    seen: question.image,
    cause: `repository ${question.repository} in ${question.region} holds no such image`,
    fix: 'Push it first, and check repository, tag or digest, account and region; a lifecycle rule may have removed it',
  };
}

/** ECS's words for what OCI calls amd64 and arm64. Source: ECS API reference, RuntimePlatform. */
const ARCHITECTURES: Readonly<Record<string, string>> = { X86_64: 'amd64', ARM64: 'arm64' };

function wrongPlatform(
  question: Question & { kind: 'image' },
  platforms: readonly ImagePlatform[],
  wanted: Platform | undefined,
): Finding[] {
  if (!wanted || platforms.length === 0) return [];
  const fits = platforms.some((p) => p.architecture === wanted.architecture && (p.os === '' || p.os === wanted.os));
  if (fits) return [];
  return [
    {
      what: subjectOf(question),
      seen: platforms.map((p) => `${p.os}/${p.architecture}`).join(', '),
      cause: `the task runs on ${wanted.os}/${wanted.architecture} (${wanted.why}), where it could not be executed`,
      fix: `Build it for ${wanted.os}/${wanted.architecture}, or change runtimePlatform of the task definition`,
    },
  ];
}

interface Platform extends ImagePlatform {
  /** What says so. */
  why: string;
}

/** What the tasks run on; undefined where only the instances know: on EC2 without a runtimePlatform. */
function wantedPlatform(definition: JsonObject): Platform | undefined {
  const given = isObject(definition.runtimePlatform) ? definition.runtimePlatform : {};
  const architecture = ARCHITECTURES[textOf(given.cpuArchitecture)];
  const os = /^WINDOWS/.test(textOf(given.operatingSystemFamily)) ? 'windows' : 'linux';
  if (architecture) return { os, architecture, why: 'runtimePlatform' };
  const compatible = Array.isArray(definition.requiresCompatibilities) ? definition.requiresCompatibilities : [];
  if (!compatible.includes('FARGATE') || compatible.length > 1) return undefined;
  return { os, architecture: 'amd64', why: "Fargate's default" };
}
