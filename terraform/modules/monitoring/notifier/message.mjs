/**
 * The message of an alarm, as Discord takes it. Pure: SNS record in, body of the webhook out.
 */

// Discord API reference, "Embed limits" and "Execute webhook".
const TITLE = 256;
const DESCRIPTION = 4096;
const FIELD = 1024;

const COLOURS = { critical: 0xd83a3a, warning: 0xe0a030, ok: 0x2e9e5b, unknown: 0x808080 };

/**
 * @param {{ Sns: { Message: string, Subject?: string } }} record
 * @returns {object} body for the webhook
 */
export function messageOf(record) {
  const alarm = parse(record.Sns.Message);
  return {
    // Nothing that an alarm is called may call people: @everyone in a name stays text.
    allowed_mentions: { parse: [] },
    embeds: [alarm ? embedOf(alarm) : plain(record.Sns)],
  };
}

function embedOf(alarm) {
  const { severity, text } = describe(alarm.AlarmDescription ?? '');
  const state = alarm.NewStateValue;
  const mood = state === 'OK' ? 'ok' : state === 'ALARM' ? severity : 'unknown';
  const region = regionOf(alarm.AlarmArn);
  const fields = [
    { name: 'Severity', value: severity, inline: true },
    { name: 'State', value: `${alarm.OldStateValue ?? '?'} → ${state}`, inline: true },
    ...(region ? [{ name: 'Region', value: region, inline: true }] : []),
    ...(alarm.NewStateReason ? [{ name: 'Why', value: cut(alarm.NewStateReason, FIELD) }] : []),
  ];
  return {
    title: cut(`${state === 'OK' ? 'Over' : state === 'ALARM' ? 'Alarm' : 'No data'}: ${alarm.AlarmName}`, TITLE),
    description: cut(text, DESCRIPTION),
    color: COLOURS[mood],
    fields,
    ...(region ? { url: linkTo(alarm.AlarmName, region) } : {}),
    ...(isDate(alarm.StateChangeTime) ? { timestamp: new Date(alarm.StateChangeTime).toISOString() } : {}),
  };
}

/** What is no alarm (a budget, say) is shown as it came. */
function plain(sns) {
  return {
    title: cut(sns.Subject || 'Notification', TITLE),
    description: cut(sns.Message || '', DESCRIPTION),
    color: COLOURS.warning,
  };
}

/** `[critical] What it means` is how the module writes descriptions. */
function describe(description) {
  const [, severity, text] = /^\[(critical|warning)\]\s*([\s\S]*)$/.exec(description) ?? [];
  return severity ? { severity, text } : { severity: 'warning', text: description };
}

const regionOf = (arn) => /^arn:[^:]*:cloudwatch:([a-z0-9-]+):/.exec(arn ?? '')?.[1];
const linkTo = (name, region) =>
  `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#alarmsV2:alarm/${encodeURIComponent(name)}`;
const isDate = (text) => typeof text === 'string' && !Number.isNaN(Date.parse(text));
const cut = (text, length) => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);

function parse(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === 'object' && typeof value.AlarmName === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
