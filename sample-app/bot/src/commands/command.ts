import type { ChatInputCommandInteraction, RESTPostAPIChatInputApplicationCommandsJSONBody } from 'discord.js';
import type { Config } from '../config.ts';
import type { GitHub } from '../github.ts';

export interface Context {
  config: Config;
  github: GitHub;
}

export interface Command {
  definition(config: Config): RESTPostAPIChatInputApplicationCommandsJSONBody;
  run(interaction: ChatInputCommandInteraction, context: Context): Promise<void>;
}
