import type { HttpRequest } from '../http/server.ts';
import { botOf, type DiscordCall, type DiscordRoutes } from './call.ts';
import { type Checks, checks, type Json, type Path } from './checks.ts';
import { FormErrors, fault } from './errors.ts';
import type { Application } from './state.ts';

/** Figures of developers/interactions/application-commands.mdx. */
const COMMANDS_MAX = 100;
const OPTIONS_MAX = 25;
const CHOICES_MAX = 25;
const DESCRIPTION_MAX = 100;
const NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;

export const applicationRoutes: DiscordRoutes = {
  'GET /gateway': { handle: (call) => ({ status: 200, body: { url: socketUrl(call) } }) },
  'GET /gateway/bot': {
    handle(call) {
      botOf(call);
      const limit = { total: 1000, remaining: 999, reset_after: 86_400_000, max_concurrency: 1 };
      return { status: 200, body: { url: socketUrl(call), shards: 1, session_start_limit: limit } };
    },
  },
  'GET /users/@me': { handle: (call) => ({ status: 200, body: botUser(botOf(call)) }) },
  'GET /applications/@me': {
    handle: (call) => ({ status: 200, body: { id: botOf(call).id, name: botOf(call).name, flags: 0 } }),
  },
  'GET /oauth2/applications/@me': {
    handle: (call) => ({ status: 200, body: { id: botOf(call).id, name: botOf(call).name, flags: 0 } }),
  },
  'GET /applications/:application_id/guilds/:guild_id/commands': { handle: listCommands },
  'PUT /applications/:application_id/guilds/:guild_id/commands': { handle: overwriteCommands },
  'GET /applications/:application_id/commands': { handle: listCommands },
  'PUT /applications/:application_id/commands': { handle: overwriteCommands },
};

const socketUrl = (call: DiscordCall): string => call.baseUrl.replace(/^http/, 'ws');

export function botUser(application: Application): Json {
  const { id, name } = application;
  return {
    id,
    username: name,
    global_name: null,
    discriminator: '0000',
    avatar: null,
    bot: true,
    verified: true,
    flags: 0,
  };
}

function ownApplication(call: DiscordCall): Application {
  const application = botOf(call);
  if (application.id !== call.params.application_id) throw fault('missingAccess');
  if (call.params.guild_id !== undefined && call.params.guild_id !== call.state.guild.id) throw fault('unknownGuild');
  return application;
}

function listCommands(call: DiscordCall) {
  return { status: 200, body: ownApplication(call).commands };
}

function overwriteCommands(call: DiscordCall) {
  const application = ownApplication(call);
  const errors = new FormErrors();
  const check = checks(errors);
  const given = check.list(readList(call.request), [], { max: COMMANDS_MAX }) ?? [];
  const commands = given.map((one, index) => readCommand(check.object(one, [index]) ?? {}, [index], check, errors));
  const names = commands.map((one) => `${one.type}:${one.name}`);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) === index) continue;
    const message = 'Application command names must be unique';
    errors.add([index, 'name'], 'APPLICATION_COMMANDS_DUPLICATE_NAME', message);
  }
  errors.check();
  application.commands = commands.map((command) => ({
    ...command,
    id: application.commands.find((old) => old.name === command.name)?.id ?? call.state.snowflake(),
    application_id: application.id,
    version: call.state.snowflake(),
    default_member_permissions: command.default_member_permissions ?? null,
    nsfw: false,
    ...(call.params.guild_id ? { guild_id: call.params.guild_id } : {}),
  }));
  return { status: 200, body: application.commands };
}

function readList(request: HttpRequest): unknown {
  try {
    return JSON.parse(request.body.toString('utf8'));
  } catch {
    throw fault('invalidJson');
  }
}

function readName(value: unknown, path: Path, check: Checks, errors: FormErrors): string | undefined {
  const name = check.text(value, path, { min: 1, max: 32, required: true });
  if (name && (!NAME.test(name) || name !== name.toLowerCase())) {
    errors.add(path, 'APPLICATION_COMMAND_INVALID_NAME', 'Command name is invalid');
  }
  return name;
}

function readCommand(json: Json, path: Path, check: Checks, errors: FormErrors): Json {
  const type = check.integer(json.type, [...path, 'type'], { min: 1, max: 4 }) ?? 1;
  if (type === 1) {
    readName(json.name, [...path, 'name'], check, errors);
    check.text(json.description, [...path, 'description'], { min: 1, max: DESCRIPTION_MAX, required: true });
  }
  readOptions(json.options, [...path, 'options'], check, errors);
  return { ...json, type };
}

function readOptions(value: unknown, path: Path, check: Checks, errors: FormErrors): void {
  let optionalSeen = false;
  for (const [index, one] of (check.list(value, path, { max: OPTIONS_MAX }) ?? []).entries()) {
    const at = [...path, index];
    const option = check.object(one, at) ?? {};
    check.integer(option.type, [...at, 'type'], { min: 1, max: 11 });
    readName(option.name, [...at, 'name'], check, errors);
    check.text(option.description, [...at, 'description'], { min: 1, max: DESCRIPTION_MAX, required: true });
    check.list(option.choices, [...at, 'choices'], { max: CHOICES_MAX });
    if (option.required === true && optionalSeen) {
      const message = 'Required options must be placed before non-required options';
      errors.add(at, 'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID', message);
    }
    optionalSeen ||= option.required !== true;
    readOptions(option.options, [...at, 'options'], check, errors);
  }
}
