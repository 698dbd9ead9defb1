import { getExecOutput } from '@actions/exec';

/**
 * The first line of what a program answers to a question about its version: ['docker', 'buildx', 'version'].
 * Undefined where it is not on the PATH of this process, or ends with another exit code than 0.
 *
 * The question is short, changes nothing and its answer is text, so that it needs none of what lib/process.ts is for.
 * @param argv fixed words, the program first: @actions/exec splits a program's name at blanks
 * @param env the program's whole environment
 */
export async function programVersion(
  [program, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const given = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const options = { env: given, silent: true, ignoreReturnCode: true };
  // A program that is missing, or cannot be started, is an error there.
  const answer = await getExecOutput(program, args, options).catch(() => undefined);
  return answer?.exitCode === 0 ? answer.stdout.trim().split('\n')[0] : undefined;
}
