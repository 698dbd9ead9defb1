/** What to do about what Packer and the Amazon builder say most often. The first that matches counts. */
const CAUSES: readonly [words: RegExp, next: string][] = [
  [
    /UnauthorizedOperation|AccessDenied|not authorized to perform/,
    'Give the role of this run the right that the message names (aws sts decode-authorization-message reads an encoded one)',
  ],
  [
    /rate limit/i,
    "Give the input 'token' a token of GitHub, and keep the plugins with the input 'plugins' and actions/cache",
  ],
  [
    /no release version found for the .* plugin/i,
    'Correct the version in required_plugins, or look above for a refusal of GitHub',
  ],
  [
    /Missing plugins|unknown builder|Unknown source|is unknown by Packer/i,
    'Name the plugin in a required_plugins block, from where packer init installs it',
  ],
  [/No default VPC|VPCIdNotSpecified/i, 'Name a subnet of the build (subnet_id), with a way to the internet'],
  [
    /Timeout waiting for (?:SSH|WinRM)/i,
    'The instance came up and was not reached: look at the route and the security group of its subnet, ssh_interface, or use an instance profile and session_manager',
  ],
  [/SessionManagerPlugin|session-manager-plugin/i, 'Install the Session Manager plugin on the runner before this step'],
  [
    /Your query returned no results|No AMI was found matching filters/i,
    'Correct source_ami_filter: owners, name, architecture and region',
  ],
  [
    /InsufficientInstanceCapacity|InstanceLimitExceeded|VcpuLimitExceeded|Unsupported.*instance type/i,
    'Take another instance type or zone, or ask for a higher quota',
  ],
  [
    /InvalidAMIName\.Duplicate|is used by an existing AMI/i,
    'Put the time of the build into ami_name, so that each image has its own name',
  ],
  [
    /ResourceNotReady|Failed with ResourceNotReady|exceeded wait attempts/i,
    'AWS took longer than Packer waits: raise aws_polling in the template',
  ],
  [
    /NoCredentialProviders|no valid credential sources|failed to refresh cached credentials/i,
    'Run setup-aws before this step',
  ],
  [
    /Unset variable|A used variable must be set/i,
    "Give the variable a value by the input 'vars' or the component's vars",
  ],
  [
    /Script exited with non-zero exit status|exited with non-zero/i,
    'A provisioner failed: its own words are above the error in the log of this step',
  ],
];

const FALLBACK = 'See the log of this step';

export function nextFor(messages: readonly string[]): string {
  return CAUSES.find(([words]) => messages.some((message) => words.test(message)))?.[1] ?? FALLBACK;
}

export function isDenied(messages: readonly string[]): boolean {
  return messages.some((message) => CAUSES[0]?.[0].test(message));
}
