/** One line of `-machine-readable` output. Source: Packer documentation, "Terminal Output", machine-readable. */
export interface MachineLine {
  /** The build it is about; '' for Packer itself. */
  target: string;
  type: string;
  data: string[];
}

/** Reads a line; undefined for one that is no machine-readable output. */
export function readLine(line: string): MachineLine | undefined {
  const [timestamp = '', target = '', type, ...data] = line.split(',');
  if (type === undefined || !/^\d+$/.test(timestamp)) return undefined;
  return { target, type, data: data.map(unescaped) };
}

function unescaped(text: string): string {
  return text.replaceAll('%!(PACKER_COMMA)', ',').replaceAll('\\n', '\n').replaceAll('\\r', '\r');
}

/** What a line says to people; undefined for the others. */
export function saidIn({ type, data }: MachineLine): { level: string; text: string } | undefined {
  return type === 'ui' && data[1] !== undefined ? { level: data[0] ?? '', text: data[1] } : undefined;
}

const AMI = /^(?:([a-z0-9-]+):)?(ami-[0-9a-f]{8,17})$/;

/** Machine images by region, from the ids of the artifacts ("eu-central-1:ami-1,us-east-1:ami-2"); '' where no region is named. */
export function imagesIn(lines: readonly MachineLine[]): Map<string, string> {
  const images = new Map<string, string>();
  for (const { type, data } of lines) {
    if (type !== 'artifact' || data[1] !== 'id') continue;
    for (const id of (data[2] ?? '').split(',')) {
      const [, region = '', ami] = AMI.exec(id.trim()) ?? [];
      if (ami !== undefined) images.set(region, ami);
    }
  }
  return images;
}

export interface TemplateError {
  message: string;
  file?: string;
  line?: number;
  column?: number;
}

/** The errors that Packer tells, with their places where it names one. */
export function errorsIn(lines: readonly MachineLine[]): TemplateError[] {
  const said = lines.flatMap((line) => saidIn(line) ?? []).filter(({ level }) => level === 'error');
  return said.flatMap(({ text }) => {
    // A build that fails is told three times over; the summaries at the end add nothing.
    if (/^\s*(?:==>|-->)/.test(text)) return [];
    const message = text.replace(/\s+/g, ' ').trim();
    if (message === '') return [];
    const [, file, line, column] =
      /(\S+\.(?:hcl|json)):(\d+),(\d+)/.exec(text) ?? /on (\S+) line (\d+)/.exec(text) ?? [];
    return [
      {
        message,
        ...(file !== undefined && { file }),
        ...(line !== undefined && { line: Number(line) }),
        ...(column !== undefined && { column: Number(column) }),
      },
    ];
  });
}
