import {
  CancelCommandCommand,
  CreateDocumentCommand,
  DescribeDocumentCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  ListCommandInvocationsCommand,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { type AwsSettings, awsConfig, callAws } from '../../lib/aws/client.ts';
import { exceptionOf } from '../../lib/aws/errors.ts';
import { DOCUMENT, DOCUMENT_NAME } from './document.ts';
import type { Invocation } from './host-result.ts';
import type { Target } from './targets.ts';

export interface Command {
  targets: readonly Target[];
  payload: string;
  timeoutSeconds: number;
  maxConcurrency: string;
  maxErrors: string;
  comment: string;
}

/** The state of a command on one host, as often asked: without its output. */
export interface Progress {
  instance: string;
  status: string;
  ended: boolean;
}

/** SSM as this action uses it. Every method throws Problem. */
export interface Ssm {
  /** Ids of the matching hosts whose agents are online. */
  online(targets: readonly Target[]): Promise<string[]>;
  /** Makes sure that our document exists. */
  ensureDocument(): Promise<void>;
  send(command: Command): Promise<string>;
  progress(commandId: string): Promise<Progress[]>;
  /** Undefined while SSM does not know the invocation yet, which is normal right after sending. */
  invocation(commandId: string, instance: string): Promise<Invocation | undefined>;
  cancel(commandId: string): Promise<void>;
}

// Final values of CommandInvocation.Status (SSM API reference). It is "Failed", never "Failure".
const FINAL: ReadonlySet<string> = new Set(['Success', 'Cancelled', 'TimedOut', 'Failed']);
/** DescribeInstanceInformation: at most 50 instances a page. */
const PAGE = 50;

/** The client that ssmPort() calls. It is made here so that who loads this room late imports no client of AWS whole. */
export const ssmClient = (settings: AwsSettings) => new SSMClient(awsConfig(settings));

export function ssmPort(ssm: SSMClient, signal: AbortSignal): Ssm {
  const options = { abortSignal: signal };
  return {
    async online(targets) {
      const call = {
        operation: 'ssm:DescribeInstanceInformation',
        resource: targets.map((t) => `${t.key}=${t.values.join(',')}`).join(' '),
      };
      const found: string[] = [];
      let next: string | undefined;
      do {
        const command = new DescribeInstanceInformationCommand({
          Filters: [
            { Key: 'PingStatus', Values: ['Online'] },
            ...targets.map((t) => ({ Key: t.key, Values: [...t.values] })),
          ],
          MaxResults: PAGE,
          ...(next && { NextToken: next }),
        });
        const page = await callAws(call, () => ssm.send(command, options));
        found.push(...(page.InstanceInformationList ?? []).flatMap((i) => i.InstanceId ?? []));
        next = page.NextToken;
      } while (next);
      return found;
    },
    async ensureDocument() {
      const resource = `document ${DOCUMENT_NAME}`;
      try {
        await callAws({ operation: 'ssm:DescribeDocument', resource }, () =>
          ssm.send(new DescribeDocumentCommand({ Name: DOCUMENT_NAME }), options),
        );
      } catch (error) {
        if (exceptionOf(error) !== 'InvalidDocument') throw error;
        const create = new CreateDocumentCommand({
          Name: DOCUMENT_NAME,
          Content: DOCUMENT,
          DocumentType: 'Command',
          DocumentFormat: 'JSON',
          TargetType: '/AWS::EC2::Instance',
        });
        await callAws({ operation: 'ssm:CreateDocument', resource }, () => ssm.send(create, options)).catch(
          (e: unknown) => {
            // Another run created it in the meantime; its content is the same, since its name is made from it.
            if (exceptionOf(e) !== 'DocumentAlreadyExists') throw e;
          },
        );
      }
    },
    async send({ targets, payload, timeoutSeconds, maxConcurrency, maxErrors, comment }) {
      const command = new SendCommandCommand({
        DocumentName: DOCUMENT_NAME,
        Targets: targets.map((t) => ({ Key: t.key, Values: [...t.values] })),
        Parameters: { payload: [payload], executionTimeout: [String(timeoutSeconds)] },
        Comment: comment.slice(0, 100),
        // How long a host may take to pick the command up; SSM takes no less than 30 s.
        TimeoutSeconds: 60,
        ...(maxConcurrency && { MaxConcurrency: maxConcurrency }),
        ...(maxErrors && { MaxErrors: maxErrors }),
      });
      const answer = await callAws({ operation: 'ssm:SendCommand', resource: `document ${DOCUMENT_NAME}` }, () =>
        ssm.send(command, options),
      );
      return answer.Command?.CommandId ?? '';
    },
    async progress(commandId) {
      const call = { operation: 'ssm:ListCommandInvocations', resource: `command ${commandId}` };
      const list: Progress[] = [];
      let next: string | undefined;
      do {
        const command = new ListCommandInvocationsCommand({
          CommandId: commandId,
          MaxResults: PAGE,
          ...(next && { NextToken: next }),
        });
        const page = await callAws(call, () => ssm.send(command, options));
        for (const { InstanceId: instance = '', Status: status = '' } of page.CommandInvocations ?? [])
          list.push({ instance, status, ended: FINAL.has(status) });
        next = page.NextToken;
      } while (next);
      return list;
    },
    async invocation(commandId, instance) {
      const call = { operation: 'ssm:GetCommandInvocation', resource: `command ${commandId} on ${instance}` };
      const command = new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instance });
      try {
        const i = await callAws(call, () => ssm.send(command, options));
        return {
          instance,
          statusDetails: i.StatusDetails ?? '',
          exitCode: i.ResponseCode ?? -1,
          stdout: i.StandardOutputContent ?? '',
          stderr: i.StandardErrorContent ?? '',
          ms: Date.parse(i.ExecutionEndDateTime ?? '') - Date.parse(i.ExecutionStartDateTime ?? '') || 0,
        };
      } catch (error) {
        if (exceptionOf(error) === 'InvocationDoesNotExist') return undefined;
        throw error;
      }
    },
    async cancel(commandId) {
      // Not bound to the signal: it is what a cancelled run still has to do.
      await callAws({ operation: 'ssm:CancelCommand', resource: `command ${commandId}` }, () =>
        ssm.send(new CancelCommandCommand({ CommandId: commandId })),
      );
    },
  };
}
