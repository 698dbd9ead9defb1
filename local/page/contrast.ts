/**
 * Runs in the browser: texts whose contrast with the ground behind them is under 4.5 (3 for large ones), as WCAG 2.2 computes
 * it; each as "text: ratio". Self-contained, because its source is what is sent to the browser.
 */
export function problemsOf(): string[] {
  // biome-ignore lint/suspicious/noExplicitAny: the DOM is not in this program's library
  const { document, getComputedStyle, NodeFilter } = globalThis as any;
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const paint = (colors: string[]): number[] => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) {
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb: number[]): number => {
    const [r = 0, g = 0, b = 0] = rgb.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const parent = walker.currentNode.parentElement;
    if (
      text === '' ||
      !parent.checkVisibility() ||
      parent.closest('.visually-hidden, .spoiler, script, noscript, option')
    )
      continue;
    const style = getComputedStyle(parent);
    const grounds: string[] = [];
    for (let node = parent; node; node = node.parentElement) grounds.unshift(getComputedStyle(node).backgroundColor);
    const ground = ['white', ...grounds];
    const [a, b] = [luminance(paint(ground)), luminance(paint([...ground, style.color]))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return found;
}
