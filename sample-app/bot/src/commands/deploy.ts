import { InteractionContextType, MessageFlags, SlashCommandBuilder } from 'discord.js';
import type { Command } from './command.ts';

/** `/deploy`: starts the pipeline, for members with an allowed role only. */
export const deploy: Command = {
  definition: ({ environments }) =>
    new SlashCommandBuilder()
      .setName('deploy')
      .setDescription('Start the pipeline')
      .setContexts(InteractionContextType.Guild)
      .addStringOption((option) =>
        option
          .setName('environment')
          .setDescription('Where to')
          .setRequired(true)
          .addChoices(...environments.map((name) => ({ name, value: name }))),
      )
      .addStringOption((option) =>
        option
          .setName('components')
          .setDescription('Ship these even if unchanged: names with commas, or "all"')
          .setMaxLength(200),
      )
      .toJSON(),

  async run(interaction, { config, github }) {
    const refusal = refuse(rolesOf(interaction.member), config.deployRoles);
    if (refusal) {
      await interaction.reply({ content: refusal, flags: MessageFlags.Ephemeral });
      return;
    }
    const environment = interaction.options.getString('environment', true);
    const components = interaction.options.getString('components') ?? '';
    if (!config.environments.includes(environment) || !/^[\w, -]*$/.test(components)) {
      const content = 'That is no environment or component name.';
      await interaction.reply({ content, flags: MessageFlags.Ephemeral });
      return;
    }
    await interaction.deferReply();
    const url = await github.dispatch({ operation: 'deploy', environment, components });
    await interaction.editReply({
      content: `<@${interaction.user.id}> started a deployment to **${environment}**: ${url}`,
      allowedMentions: { parse: [] },
    });
  },
};

/** Why these roles may not deploy; undefined when they may. Without a configured role nobody may. */
export function refuse(roles: readonly string[], allowed: readonly string[]): string | undefined {
  if (allowed.length === 0) return 'Deploying from here is switched off: DEPLOY_ROLE_IDS names no role.';
  if (roles.some((role) => allowed.includes(role))) return undefined;
  return `You need one of these roles to deploy: ${allowed.map((id) => `<@&${id}>`).join(', ')}`;
}

/** Role ids of a member: a list in what the gateway sends, a manager once discord.js knows the server. */
export function rolesOf(member: unknown): string[] {
  const roles = (member as { roles?: unknown } | null)?.roles;
  if (Array.isArray(roles)) return roles.filter((role) => typeof role === 'string');
  const cache = (roles as { cache?: unknown } | undefined)?.cache;
  return cache instanceof Map ? [...cache.keys()] : [];
}
