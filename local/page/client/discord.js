import { h } from './dom.js';
import { bytes, fullTime, timeOfDay } from './format.js';
import { parse } from './markdown.js';

/** The channel as a person sees it in Discord. */
export function renderDiscord({ discord = null }) {
  if (!discord) return h('p.empty', {}, 'No Discord in this world.');
  const names = directory(discord);
  const places = discord.channels.filter(
    ({ id, kind }) => kind !== 'thread' || discord.messages.some(({ channelId }) => channelId === id),
  );
  return places.map((channel) => {
    const messages = discord.messages.filter(({ channelId }) => channelId === channel.id);
    return h(
      'article.discord',
      { 'data-key': channel.id, 'aria-label': `Channel ${channel.name}` },
      h(
        'header.channel',
        {},
        h('span', { 'aria-hidden': 'true' }, channel.kind === 'thread' ? '↳' : '#'),
        h('h3', {}, channel.name),
        h('span.guild', {}, discord.guild.name),
      ),
      h(
        'div.messages',
        { tabindex: 0, role: 'group', 'aria-label': 'Messages', 'data-follow': '' },
        messages.length === 0
          ? h('p.hush', {}, 'No message yet.')
          : messages.map((message) => messageNode(message, names)),
      ),
      bots(discord.bots),
    );
  });
}

function directory({ users, roles, channels, bots }) {
  const map = (list) => new Map(list.map(({ id, name }) => [id, name]));
  return { user: map([...users, ...bots]), role: map(roles), channel: map(channels) };
}

function messageNode(message, names) {
  const { author, createdAt, editedAt, interaction } = message;
  return h(
    'div.message',
    { 'data-key': message.id },
    interaction &&
      h('p.used', {}, h('strong', {}, interaction.user), ' used ', h('span.mention', {}, `/${interaction.command}`)),
    h(
      'span.avatar',
      { 'aria-hidden': 'true', class: `avatar hue-${hueOf(author.name)}` },
      author.name.slice(0, 1).toUpperCase(),
    ),
    h(
      'div.said',
      {},
      h(
        'p.who',
        {},
        h('strong', {}, author.name),
        author.bot && h('span.app', {}, 'APP'),
        h('time', { datetime: createdAt, title: fullTime(createdAt) }, timeOfDay(createdAt)),
      ),
      said(message, names),
      editedAt &&
        h('p.edited', { title: fullTime(editedAt) }, `(edited${message.edits > 1 ? `, ${message.edits} times` : ''})`),
      message.ephemeral && h('p.edited', {}, 'Only the one who asked can see this'),
      pinged(message.pinged, names),
      grown(message, names),
    ),
  );
}

/** What a message shows: text, embeds, components, files. */
function said({ content, embeds, components, attachments }, names) {
  // A file that a component shows is not shown once more below.
  const placed = JSON.stringify(components);
  const loose = attachments.filter(({ filename }) => !placed.includes(`"attachment://${filename}"`));
  return [
    content !== '' && h('div.content', {}, blocks(content, names)),
    embeds.map((embed, index) => embedNode(embed, index, names)),
    components.length > 0 &&
      h(
        'div.components',
        {},
        components.map((one) => component(one, names, attachments)),
      ),
    loose.map(fileNode),
  ];
}

function fileNode({ filename, url, size }) {
  return h(
    'p.file',
    { 'data-key': url },
    h('a', { href: url, target: '_blank', rel: 'noreferrer' }, filename),
    h('span', {}, bytes(size)),
  );
}

/** Messages whose earlier versions the reader looks at; the others' are not drawn. */
const opened = new Set();

/** How an edited message grew. Discord shows only the last version; whoever writes pipelines wants to see them all. */
function grown({ id, earlier }, names) {
  if (earlier.length === 0) return null;
  const toggle = ({ target }) => {
    if (target.open === opened.has(id)) return;
    if (target.open) opened.add(id);
    else opened.delete(id);
    document.dispatchEvent(new CustomEvent('redraw', { detail: ['discord'] }));
  };
  return h(
    'details.earlier',
    { 'data-key': `earlier ${id}`, ontoggle: toggle },
    h('summary', {}, `How it grew: ${earlier.length} earlier ${earlier.length === 1 ? 'version' : 'versions'}`),
    opened.has(id) &&
      h(
        'ol',
        {},
        earlier.map((version, at) => h('li', { 'data-key': at }, said(version, names))),
      ),
  );
}

const hueOf = (name) => [...name].reduce((sum, char) => sum + char.codePointAt(0), 0) % 5;

/** What Discord does not show but a pipeline's author wants to know: whom this woke up. Edits wake nobody. */
function pinged(list, names) {
  const who = list
    .filter(({ by }) => by === 'post')
    .flatMap(({ pings }) => [
      ...(pings.everyone ? ['everyone'] : []),
      ...pings.users.map((id) => names.user.get(id) ?? id),
      ...pings.roles.map((id) => names.role.get(id) ?? id),
    ]);
  if (who.length === 0) return null;
  return h('p.pinged', {}, `Pinged ${[...new Set(who)].map((name) => `@${name}`).join(', ')}`);
}

function embedNode(embed, index, names) {
  const color = embed.color === undefined ? undefined : `#${embed.color.toString(16).padStart(6, '0')}`;
  return h(
    'div.embed',
    { 'data-key': `embed ${index}`, vars: color ? { '--edge': color } : {} },
    embed.author && h('p.embed-author', {}, maybeLink(embed.author.url, embed.author.name)),
    embed.title && h('p.embed-title', {}, maybeLink(embed.url, inlineText(embed.title, names))),
    embed.description && h('div.embed-description', {}, blocks(embed.description, names)),
    embed.fields?.length > 0 &&
      h(
        'dl.fields',
        {},
        embed.fields.map((field, at) =>
          h(
            `div${field.inline ? '.inline' : ''}`,
            { 'data-key': at },
            h('dt', {}, inlineText(field.name, names)),
            h('dd', {}, blocks(field.value, names)),
          ),
        ),
      ),
    (embed.footer || embed.timestamp) &&
      h(
        'p.embed-footer',
        {},
        [embed.footer?.text, embed.timestamp && timeOfDay(embed.timestamp)].filter(Boolean).join(' • '),
      ),
  );
}

function maybeLink(url, content) {
  return url ? h('a', { href: url, target: '_blank', rel: 'noreferrer' }, content) : content;
}

const inlineText = (text, names) =>
  parse(text).flatMap((block) => nodes(block.children ?? [{ type: 'text', text: block.text }], names));
const blocks = (text, names) => nodes(parse(text), names);

const TAGS = {
  paragraph: 'p',
  h1: 'p.h1',
  h2: 'p.h2',
  h3: 'p.h3',
  small: 'p.small',
  quote: 'blockquote',
  list: 'ul',
  numbers: 'ol',
  item: 'li',
  bold: 'strong',
  italic: 'em',
  underline: 'u',
  strike: 's',
  spoiler: 'span.spoiler',
};

function nodes(list, names) {
  return list.map((node) => {
    if (node.type === 'text') return lines(node.text);
    if (node.type === 'code') return h('code', {}, node.text);
    if (node.type === 'pre') return h('pre', { tabindex: 0 }, h('code', {}, node.text));
    if (node.type === 'link') return maybeLink(node.url, nodes(node.children, names));
    if (node.type === 'mention') return h('span.mention', {}, mention(node, names));
    if (node.type === 'time') return h('time.stamp', {}, node.style === 'R' ? relative(node.at) : fullTime(node.at));
    return h(TAGS[node.type] ?? 'span', {}, nodes(node.children, names));
  });
}

const lines = (text) => text.split('\n').flatMap((line, index) => (index === 0 ? [line] : [h('br', {}), line]));

function mention({ kind, id }, names) {
  if (kind === 'everyone') return `@${id}`;
  return `${kind === 'channel' ? '#' : '@'}${names[kind].get(id) ?? `unknown-${kind}`}`;
}

function relative(at) {
  const seconds = Math.round((at - Date.now()) / 1000);
  const [unit, size] =
    Math.abs(seconds) < 60
      ? ['second', 1]
      : Math.abs(seconds) < 3600
        ? ['minute', 60]
        : Math.abs(seconds) < 86_400
          ? ['hour', 3600]
          : ['day', 86_400];
  return new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' }).format(Math.round(seconds / size), unit);
}

/** Components V2 and link buttons, as far as webhooks send them. */
function component(one, names, files) {
  const inside = () => (one.components ?? []).map((child) => component(child, names, files));
  switch (one.type) {
    case 1:
      return h('div.row', {}, inside());
    case 2:
      return one.url
        ? h(
            'a.button',
            { href: /^https?:/.test(one.url) ? one.url : undefined, target: '_blank', rel: 'noreferrer' },
            one.label ?? '↗',
          )
        : h('span.button', {}, one.label ?? '');
    case 9:
      return h('div.section', {}, h('div', {}, inside()), one.accessory && component(one.accessory, names, files));
    case 10:
      return h('div.content', {}, blocks(one.content, names));
    case 13: {
      const file = files.find(({ filename }) => one.file?.url === `attachment://${filename}`);
      return file ? fileNode(file) : h('p.file', {}, one.file?.url ?? '');
    }
    case 14:
      return h('hr', {});
    case 17:
      return h(
        'div.embed.container',
        {
          vars:
            typeof one.accent_color === 'number'
              ? { '--edge': `#${one.accent_color.toString(16).padStart(6, '0')}` }
              : {},
        },
        inside(),
      );
    default:
      return null;
  }
}

function bots(list) {
  if (list.length === 0) return null;
  return h(
    'footer.bots',
    {},
    list.map(({ id, name, online, commands }) =>
      h(
        'p.bot',
        { 'data-key': id },
        h(`span.presence${online ? '.on' : ''}`, { 'aria-hidden': 'true' }),
        `${name} is ${online ? 'online' : 'offline'}`,
        commands.length > 0 && h('span.commands-known', {}, commands.map((command) => `/${command}`).join(' ')),
      ),
    ),
  );
}
