import type { GitHubContext } from '../../lib/context.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Story } from './story.ts';

const TIMEOUT_MS = 3000;

/** Asks GitHub for the commit of the run. One bounded attempt: the message is sent without it just as well. */
export function commitLookUp(context: GitHubContext, log: Log, signal: AbortSignal) {
  return async (token: string): Promise<Story['commit'] | undefined> => {
    const { owner, name: repo } = context.repository;
    const request = { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) };
    try {
      // Not at the top: as it loads it reads the event file, and would end with a stack where that is no JSON.
      const { getOctokit } = await import('@actions/github');
      const octokit = getOctokit(token, { baseUrl: context.apiUrl });
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
