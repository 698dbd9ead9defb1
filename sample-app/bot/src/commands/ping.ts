import { MessageFlags, SlashCommandBuilder } from 'discord.js';
import type { Command } from './command.ts';

/** `/ping`: whether the bot answers, how fast, and which revision of it. */
export const ping: Command = {
  definition: () => new SlashCommandBuilder().setName('ping').setDescription('Check that the bot answers').toJSON(),

  async run(interaction, { config }) {
    const gateway = interaction.client.ws.ping;
    const latency = gateway >= 0 ? `, gateway ${Math.round(gateway)} ms` : '';
    await interaction.reply({
      content: `Pong${latency}. Revision \`${config.revision.slice(0, 7)}\`.`,
      flags: MessageFlags.Ephemeral,
    });
  },
};
