import { attributes, markupText } from "./markup.ts";
import {
  FLAME_ROW,
  FLAME_WIDTH,
  type FlameBox,
  type FlameNode,
  type FlameUnit,
  formatFlame,
  frameLabel,
  frameLines,
  frameWidth,
  hue,
  layoutFrames,
} from "./flame-layout.ts";

export interface FlameGraphOptions {
  readonly title: string;
  readonly unit: FlameUnit;
  /** Frames under this share of the whole are not drawn, but counted. @defaultValue 0.0005 */
  readonly minShare?: number;
}

const TOP = 44;

/**
 * The tree as one SVG, root on top, callees below, heaviest first: no scripts, names and figures in tooltips, colours for
 * light and dark. Recursion deeper than 250 and frames under `minShare` are left out and counted in the subtitle.
 *
 * @throws MettleError `FLAME_TREE_INVALID` for values that are negative, not finite, or do not add up
 */
export function renderFlameGraph(root: FlameNode, options: FlameGraphOptions): string {
  const { boxes, omitted, rows } = layoutFrames(root, options.minShare ?? 0.0005);
  const height = TOP + rows * FLAME_ROW + 8;
  const title = markupText(options.title);
  const whole = `${formatFlame(root.total, options.unit)} in all`;
  const rest = omitted > 0 ? `, ${omitted} frames too small or too deep to draw` : "";
  return [
    `<svg${attributes({ xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${FLAME_WIDTH} ${height}`, width: "100%", role: "img" })} aria-labelledby="flame-title flame-description">`,
    `<title id="flame-title">${title}</title>`,
    `<desc id="flame-description">Flame graph, ${whole}${rest}. Each box is a function, as wide as its share; its callees are below it.</desc>`,
    `<style>${styles}</style>`,
    `<rect class="ground" width="${FLAME_WIDTH}" height="${height}"/>`,
    `<text class="title" x="8" y="18">${title}</text>`,
    `<text class="facts" x="8" y="34">${whole}${rest}</text>`,
    ...boxes.map((box) => frameMarkup(box, root.total, options.unit)),
    "</svg>",
    "",
  ].join("\n");
}

function frameMarkup(box: FlameBox, whole: number, unit: FlameUnit): string {
  const x = box.start * FLAME_WIDTH;
  const width = frameWidth(box.share);
  const y = TOP + box.depth * FLAME_ROW;
  const lines = frameLines(box, whole, unit);
  const text = frameLabel(lines[0] ?? "", width);
  const label = text === undefined ? "" : `<text x="${(x + 3).toFixed(1)}" y="${y + 12.5}">${markupText(text)}</text>`;
  const rect = attributes({
    x: x.toFixed(1),
    y,
    width: width.toFixed(1),
    height: FLAME_ROW - 1,
    class: `c${hue(box.node)}`,
    rx: 2,
  });
  return `<g><title>${lines.map(markupText).join("&#10;")}</title><rect${rect}/>${label}</g>`;
}

const styles = `
text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1c1917;pointer-events:none}
.title{font-weight:600;font-size:14px}.facts{fill:#57534e}.ground{fill:#fff}
.c0{fill:#fdba74}.c1{fill:#fcd34d}.c2{fill:#fca5a5}.c3{fill:#fde68a}.c4{fill:#fed7aa}.c5{fill:#f9b4a0}
g:hover rect{stroke:#1c1917;stroke-width:1}
@media (prefers-color-scheme:dark){text{fill:#fafaf9}.facts{fill:#a8a29e}.ground{fill:#1c1917}
.c0{fill:#9a3412}.c1{fill:#854d0e}.c2{fill:#991b1b}.c3{fill:#713f12}.c4{fill:#7c2d12}.c5{fill:#88331f}
g:hover rect{stroke:#fafaf9}}`;
