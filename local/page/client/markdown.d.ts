/** A node of Discord's Markdown as the page shows it. */
export interface MarkdownNode {
  type: string;
  text?: string;
  url?: string;
  kind?: string;
  id?: string;
  at?: number;
  style?: string;
  children?: MarkdownNode[];
}
export function parse(text: string): MarkdownNode[];
export function inline(text: string): MarkdownNode[];
