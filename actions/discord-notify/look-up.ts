import { getOctokit } from '@actions/github';
import type { GitHubContext } from '../../lib/context.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Story } from './story.ts';

const TIMEOUT_MS = 3000;

/** Asks GitHub for the commit of the run. One bounded attempt: the message is sent without it just as well. */
export function commitLookUp(context: GitHubContext, log: Log, signal: AbortSignal) {
  return async (token: string): Promise<Story['commit'] | undefined> => {
    const { owner, name: repo } = context.repository;
    const octokit = getOctokit(token, { baseUrl: context.apiUrl });
    const request = { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) };
    try {
      const { data } = await octokit.rest.repos.getCommit({ owner, repo, ref: context.sha, request });
      return {
        sha: data.sha,
        message: data.commit.message.split('\n')[0] ?? '',
        author: data.commit.author?.name ?? context.actor,
        url: data.html_url,
      };
    } catch (error) {
      log.debug(`The commit could not be looked up: ${messageOf(error)}`);
      return undefined;
    }
  };
}
