import {
  type ChatInputCommandInteraction,
  Client,
  DiscordAPIError,
  Events,
  GatewayIntentBits,
  MessageFlags,
} from 'discord.js';
import type { Command, Context } from './commands/command.ts';
import { deploy } from './commands/deploy.ts';
import { ping } from './commands/ping.ts';
import { status } from './commands/status.ts';
import { GitHubError } from './github.ts';
import type { Log } from './log.ts';

const COMMANDS: Record<string, Command> = { ping, status, deploy };

/** Discord's codes for an interaction that has expired, and for one that another instance has answered. */
const GONE = new Set<string | number>([10_062, 40_060]);

export interface Bot {
  client: Client;
  /** Connects, and registers the commands once ready. Rejects when Discord refuses the token or cannot be reached. */
  start(): Promise<void>;
  /** Finishes the commands in hand, waiting at most `waitMs`, and disconnects. */
  stop(waitMs: number): Promise<void>;
}

export function createBot(context: Context, log: Log): Bot {
  const { config } = context;
  // Without the guilds discord.js cannot resolve a member's roles, and /deploy would refuse everybody.
  const client = new Client({
    intents: [GatewayIntentBits.Guilds],
    rest: { api: config.discord.apiUrl, version: '10' },
  });
  const inHand = new Set<Promise<void>>();
  let stopping = false;

  client.once(Events.ClientReady, async () => {
    log.info('connected', { user: client.user?.tag });
    const commands = Object.values(COMMANDS).map((command) => command.definition(config));
    const { guildId } = config.discord;
    try {
      await (guildId
        ? client.application?.commands.set(commands, guildId)
        : client.application?.commands.set(commands));
      log.info('commands registered', { commands: Object.keys(COMMANDS), guildId });
    } catch (error) {
      // Those of the last start are still there, so the bot is of use.
      log.error('commands could not be registered', { error: String(error) });
    }
  });
  client.on(Events.Error, (error) => log.error('client error', { error: String(error) }));
  client.on(Events.InteractionCreate, (interaction) => {
    if (!interaction.isChatInputCommand()) return;
    const work = handle(interaction).finally(() => inHand.delete(work));
    inHand.add(work);
  });

  async function handle(interaction: ChatInputCommandInteraction): Promise<void> {
    const name = interaction.commandName;
    const facts = { command: name, interaction: interaction.id, user: interaction.user.id };
    const started = performance.now();
    try {
      const command = COMMANDS[name];
      if (stopping) throw new GitHubError('The bot is being replaced: ask again in a moment.');
      if (!command) throw new GitHubError('This bot knows no such command any more.');
      await command.run(interaction, context);
      log.info('command', { ...facts, milliseconds: Math.round(performance.now() - started) });
    } catch (error) {
      if (error instanceof DiscordAPIError && GONE.has(error.code)) {
        log.info('command was answered elsewhere or too late', { ...facts, code: error.code });
        return;
      }
      log.error('command failed', { ...facts, error: String(error), cause: String((error as Error).cause ?? '') });
      await apologise(interaction, error).catch((failure) =>
        log.error('no answer', { ...facts, error: String(failure) }),
      );
    }
  }

  return {
    client,
    async start() {
      await client.login(config.discord.token);
    },
    async stop(waitMs) {
      stopping = true;
      const patience = AbortSignal.timeout(waitMs);
      await Promise.race([
        Promise.allSettled(inHand),
        new Promise((resolve) => patience.addEventListener('abort', resolve)),
      ]);
      await client.destroy();
    },
  };
}

async function apologise(interaction: ChatInputCommandInteraction, error: unknown): Promise<void> {
  const content = error instanceof GitHubError ? error.message : 'That did not work; the log says why.';
  if (interaction.deferred || interaction.replied) await interaction.editReply({ content });
  else await interaction.reply({ content, flags: MessageFlags.Ephemeral });
}
