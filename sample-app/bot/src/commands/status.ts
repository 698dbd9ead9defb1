import { type APIEmbed, SlashCommandBuilder } from 'discord.js';
import { type Standing, standings } from '../ledger.ts';
import type { Command } from './command.ts';

const GREEN = 0x2da44e;
const AMBER = 0xbf8700;
const GREY = 0x6e7781;
/** Discord's limit for an embed's description. */
const DESCRIPTION_MAX = 4_096;

/** `/status`: what runs where, by the deployment ledger. */
export const status: Command = {
  definition: ({ environments }) =>
    new SlashCommandBuilder()
      .setName('status')
      .setDescription('What runs where')
      .addStringOption((option) =>
        option
          .setName('environment')
          .setDescription('Only this environment')
          .addChoices(...environments.map((name) => ({ name, value: name }))),
      )
      .toJSON(),

  async run(interaction, { config, github }) {
    await interaction.deferReply();
    const asked = interaction.options.getString('environment');
    const names = asked ? [asked] : config.environments;
    const embeds = await Promise.all(names.map(async (name) => describe(name, await standings(github, name))));
    await interaction.editReply({ embeds, allowedMentions: { parse: [] } });
  },
};

/** One environment as an embed: a line for each component, newest trouble first seen in the colour. */
export function describe(environment: string, components: readonly Standing[]): APIEmbed {
  if (components.length === 0)
    return { title: environment, description: 'Nothing was deployed here yet.', color: GREY };
  const lines = components.map(line);
  let description = lines.join('\n');
  while (description.length > DESCRIPTION_MAX) {
    lines.pop();
    description = `${lines.join('\n')}\n… and ${components.length - lines.length} more`;
  }
  return { title: environment, description, color: components.some((one) => one.attempt) ? AMBER : GREEN };
}

function line({ component, running, attempt }: Standing): string {
  const name = `**${component}**`;
  const since =
    running && !Number.isNaN(Date.parse(running.at)) ? ` <t:${Math.floor(Date.parse(running.at) / 1_000)}:R>` : '';
  const run = running && /^https?:\/\/[^\s)]+$/.test(running.runUrl) ? ` ([run](${running.runUrl}))` : '';
  const serves = running ? `\`${running.commit.slice(0, 7)}\`${since}${run}` : 'not running';
  if (!attempt) return `${name} ${serves}`;
  const cause = attempt.cause ? `: ${attempt.cause.slice(0, 200)}` : '';
  return `${name} ${serves}\n⚠ \`${attempt.commit.slice(0, 7)}\` ${attempt.state}${cause}`;
}
