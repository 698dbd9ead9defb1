import { createHash } from 'node:crypto';
import type {
  CreateDocumentRequest,
  DeleteDocumentRequest,
  DescribeDocumentRequest,
  DocumentDescription,
  GetDocumentRequest,
  UpdateDocumentDefaultVersionRequest,
  UpdateDocumentRequest,
} from '@aws-sdk/client-ssm';
import * as v from 'valibot';
import { parse } from 'yaml';
import type { LocalContext } from '../../context.ts';
import type { DocumentSpec } from '../../world.ts';
import { AwsFault, type Operation } from '../service.ts';

const parameterSchema = v.looseObject({
  type: v.picklist(['String', 'StringList', 'Boolean', 'Integer', 'StringMap', 'MapList']),
  default: v.optional(v.unknown()),
  description: v.optional(v.string()),
  allowedPattern: v.optional(v.string()),
  allowedValues: v.optional(v.array(v.string())),
  minChars: v.optional(v.number()),
  maxChars: v.optional(v.number()),
});

/** The documents that can be run here: one shell script, as schema 2.2 has it. */
const contentSchema = v.looseObject({
  schemaVersion: v.literal('2.2'),
  description: v.optional(v.string()),
  parameters: v.optional(v.record(v.string(), parameterSchema), {}),
  mainSteps: v.pipe(
    v.array(
      v.looseObject({
        action: v.literal('aws:runShellScript'),
        name: v.pipe(v.string(), v.minLength(1)),
        inputs: v.looseObject({
          runCommand: v.union([v.string(), v.array(v.string())]),
          workingDirectory: v.optional(v.string(), ''),
          timeoutSeconds: v.optional(v.union([v.string(), v.number()])),
        }),
      }),
    ),
    v.minLength(1),
    v.maxLength(1),
  ),
});

export type DocumentContent = v.InferOutput<typeof contentSchema>;

export interface Version {
  number: number;
  /** As it was given. */
  text: string;
  format: 'JSON' | 'YAML';
  content: DocumentContent;
  createdAt: number;
}

export interface Document {
  name: string;
  owner: string;
  targetType: string | undefined;
  defaultVersion: number;
  versions: Version[];
}

export interface DocumentStore {
  operations: Record<string, Operation>;
  /** @throws AwsFault InvalidDocument, InvalidDocumentVersion */
  find(name: string, version?: string): { document: Document; version: Version };
}

const MAX_BYTES = 64 * 1024;

/** What AWS-RunShellScript says, as far as it can be seen: its parameters, limits and defaults. Source: SSM document reference. */
const RUN_SHELL_SCRIPT = {
  schemaVersion: '2.2',
  description: 'Run a shell script or specify the commands to run.',
  parameters: {
    commands: { type: 'StringList', description: 'Specify a shell script or a command to run.' },
    workingDirectory: {
      type: 'String',
      default: '',
      description: 'The path to the working directory on your instance.',
    },
    executionTimeout: {
      type: 'String',
      default: '3600',
      description:
        'The time in seconds for a command to complete before it is considered to have failed. Default is 3600 (1 hour). Maximum is 172800 (48 hours).',
      allowedPattern: '([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)',
    },
  },
  mainSteps: [
    {
      action: 'aws:runShellScript',
      name: 'aws:runShellScript',
      inputs: {
        runCommand: '{{ commands }}',
        workingDirectory: '{{ workingDirectory }}',
        timeoutSeconds: '{{ executionTimeout }}',
      },
    },
  ],
};

type StoreContext = Pick<LocalContext, 'account' | 'clock'>;

/** SSM documents of type Command. Source: Systems Manager API reference and user guide, "Schemas and features". */
export function createDocumentStore(context: StoreContext, initial: readonly DocumentSpec[]): DocumentStore {
  const store = new Documents(context, initial);
  return { operations: store.operations(), find: (name, version) => store.find(name, version) };
}

class Documents {
  readonly #context: StoreContext;
  readonly #documents = new Map<string, Document>();

  constructor(context: StoreContext, initial: readonly DocumentSpec[]) {
    this.#context = context;
    this.#add('AWS-RunShellScript', 'Amazon', undefined, JSON.stringify(RUN_SHELL_SCRIPT), 'JSON');
    for (const { name, content } of initial)
      this.#add(name, context.account, undefined, JSON.stringify(content), 'JSON');
  }

  operations(): Record<string, Operation> {
    return {
      CreateDocument: (input: CreateDocumentRequest) => this.#createDocument(input),
      UpdateDocument: (input: UpdateDocumentRequest) => this.#updateDocument(input),
      UpdateDocumentDefaultVersion: (input: UpdateDocumentDefaultVersionRequest) =>
        this.#updateDocumentDefaultVersion(input),
      DescribeDocument: (input: DescribeDocumentRequest) => this.#describeDocument(input),
      GetDocument: (input: GetDocumentRequest) => this.#getDocument(input),
      DeleteDocument: (input: DeleteDocumentRequest) => this.#deleteDocument(input),
    };
  }

  find(nameOrArn: string, asked?: string): { document: Document; version: Version } {
    const name = nameOrArn.replace(/^arn:[^/]*:document\//, '');
    const document = this.#documents.get(name);
    if (document === undefined) throw new AwsFault('InvalidDocument', `Document with name ${name} does not exist.`);
    const wanted = asked === undefined || asked === '$DEFAULT' ? document.defaultVersion : asked;
    const version =
      wanted === '$LATEST'
        ? document.versions.at(-1)
        : document.versions.find((one) => String(one.number) === String(wanted));
    if (version === undefined) {
      throw new AwsFault(
        'InvalidDocumentVersion',
        `The document version ${asked} of ${name} is not valid or does not exist.`,
      );
    }
    return { document, version };
  }

  #createDocument(input: CreateDocumentRequest) {
    const { account } = this.#context;
    const name = String(input.Name);
    if (!/^[a-zA-Z0-9_\-.]{3,128}$/.test(name)) {
      throw new AwsFault(
        'ValidationException',
        `1 validation error detected: Value '${name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9_\\-.]{3,128}$`,
      );
    }
    if (/^(aws|amazon|amzn)/i.test(name))
      throw new AwsFault('ValidationException', `Document name ${name} uses a reserved prefix.`);
    if (this.#documents.has(name))
      throw new AwsFault('DocumentAlreadyExists', `Document with same name ${name} already exists`);
    if ((input.DocumentType ?? 'Command') !== 'Command') {
      throw new AwsFault(
        'ValidationException',
        `The local Systems Manager has only documents of type Command, not ${input.DocumentType}.`,
      );
    }
    const document = this.#add(name, account, input.TargetType, String(input.Content), formatOf(input.DocumentFormat));
    const described = describe(document, document.versions[0] as Version);
    return { DocumentDescription: { ...described, Status: 'Creating' as const } };
  }

  #updateDocument(input: UpdateDocumentRequest) {
    const { account } = this.#context;
    const { document, version } = this.find(String(input.Name), input.DocumentVersion ?? '$LATEST');
    const text = String(input.Content);
    if (document.owner !== account)
      throw new AwsFault(
        'AccessDeniedException',
        `You can't update ${document.name}: it is owned by ${document.owner}.`,
      );
    if (document.versions.some((one) => one.text === text)) {
      throw new AwsFault(
        'DuplicateDocumentContent',
        'The content of the association document matches another document. Change the content of the document and try again.',
      );
    }
    const number = (document.versions.at(-1)?.number ?? 0) + 1;
    const format = input.DocumentFormat === undefined ? version.format : formatOf(input.DocumentFormat);
    const next: Version = {
      number,
      text,
      format,
      content: contentOf(text, format),
      createdAt: this.#context.clock.now(),
    };
    document.versions.push(next);
    return { DocumentDescription: { ...describe(document, next), Status: 'Updating' as const } };
  }

  #updateDocumentDefaultVersion(input: UpdateDocumentDefaultVersionRequest) {
    const { document, version } = this.find(String(input.Name), input.DocumentVersion);
    document.defaultVersion = version.number;
    return { Description: { Name: document.name, DefaultVersion: String(version.number) } };
  }

  #describeDocument(input: DescribeDocumentRequest) {
    const { document, version } = this.find(String(input.Name), input.DocumentVersion);
    return { Document: describe(document, version) };
  }

  #getDocument(input: GetDocumentRequest) {
    const { document, version } = this.find(String(input.Name), input.DocumentVersion);
    const format = input.DocumentFormat ?? 'JSON';
    return {
      Name: document.name,
      CreatedDate: new Date(version.createdAt),
      DocumentVersion: String(version.number),
      Status: 'Active' as const,
      Content: format === version.format ? version.text : JSON.stringify(version.content),
      DocumentType: 'Command' as const,
      DocumentFormat: format,
    };
  }

  #deleteDocument(input: DeleteDocumentRequest) {
    this.#documents.delete(this.find(String(input.Name)).document.name);
    return {};
  }

  #add(name: string, owner: string, targetType: string | undefined, text: string, format: 'JSON' | 'YAML'): Document {
    const createdAt = this.#context.clock.now();
    const first: Version = { number: 1, text, format, content: contentOf(text, format), createdAt };
    const document: Document = { name, owner, targetType, defaultVersion: 1, versions: [first] };
    this.#documents.set(name, document);
    return document;
  }
}

function formatOf(format: string | undefined): 'JSON' | 'YAML' {
  if (format === undefined || format === 'JSON') return 'JSON';
  if (format === 'YAML') return 'YAML';
  throw new AwsFault('ValidationException', `The local Systems Manager has no documents in the format ${format}.`);
}

function contentOf(text: string, format: 'JSON' | 'YAML'): DocumentContent {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new AwsFault('MaxDocumentSizeExceeded', 'The size limit of a document is 64 KB.');
  }
  let value: unknown;
  try {
    value = format === 'JSON' ? JSON.parse(text) : parse(text);
  } catch (error) {
    throw new AwsFault('InvalidDocumentContent', `${format} not well-formed. ${(error as Error).message}`);
  }
  const result = v.safeParse(contentSchema, value);
  if (result.success) return result.output;
  const words = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'content'}: ${issue.message}`);
  throw new AwsFault(
    'InvalidDocumentContent',
    `The content is no document that can be run here (schema 2.2, one aws:runShellScript): ${words.join('; ')}`,
  );
}

function describe(document: Document, version: Version): DocumentDescription {
  const hash = createHash('sha256').update(version.text).digest('hex');
  return {
    Name: document.name,
    Owner: document.owner,
    Hash: hash,
    HashType: 'Sha256',
    CreatedDate: new Date(version.createdAt),
    Status: 'Active',
    DocumentVersion: String(version.number),
    LatestVersion: String(document.versions.at(-1)?.number),
    DefaultVersion: String(document.defaultVersion),
    Description: version.content.description,
    Parameters: Object.entries(version.content.parameters).map(([Name, p]) => ({
      Name,
      Type: p.type === 'StringList' ? ('StringList' as const) : ('String' as const),
      Description: p.description,
      ...(p.default === undefined
        ? {}
        : { DefaultValue: typeof p.default === 'string' ? p.default : JSON.stringify(p.default) }),
    })),
    PlatformTypes: ['Linux'],
    DocumentType: 'Command',
    SchemaVersion: version.content.schemaVersion,
    DocumentFormat: version.format,
    TargetType: document.targetType,
    Tags: [],
  };
}
