import { formatQuantity } from "@mettle/core";
import { reportErrors } from "./errors.ts";
import { attributes, markupText } from "./markup.ts";
import { formatShare } from "./text/quantities.ts";
import { visibleText } from "./text/visible.ts";
import { textWidth, truncateEnd } from "./text/width.ts";

/** A call tree as profilers give it. `total` is `self` plus the totals of the children; both in the unit of the graph. */
export interface FlameNode {
  readonly name: string;
  /** Such as `registry.ts:41`. */
  readonly location?: string;
  readonly self: number;
  readonly total: number;
  readonly children: readonly FlameNode[];
}

export interface FlameGraphOptions {
  readonly title: string;
  readonly unit: "ms" | "bytes";
  /** Frames under this share of the whole are not drawn, but counted. @defaultValue 0.0005 */
  readonly minShare?: number;
}

interface Box {
  readonly node: FlameNode;
  readonly depth: number;
  /** Share of the whole at which it begins, and its own share. */
  readonly start: number;
  readonly share: number;
}

const WIDTH = 1200;
const ROW = 18;
const TOP = 44;
const CHARACTER = 6.7;
const DEEPEST = 250;
const HEAVIEST = 15;
/** Sums of sampled times are floating point: so much may the children exceed their parent. */
const TOLERANCE = 1e-6;

/**
 * The tree as one SVG, root on top, callees below, heaviest first: no scripts, names and figures in tooltips, colours for
 * light and dark. Recursion deeper than 250 and frames under `minShare` are left out and counted in the subtitle.
 *
 * @throws MettleError `FLAME_TREE_INVALID` for values that are negative, not finite, or do not add up
 */
export function renderFlameGraph(root: FlameNode, options: FlameGraphOptions): string {
  const { boxes, omitted } = layoutFrames(root, options.minShare ?? 0.0005);
  const rows = boxes.reduce((most, { depth }) => Math.max(most, depth + 1), 1);
  const height = TOP + rows * ROW + 8;
  const title = markupText(options.title);
  const whole = `${formatFlame(root.total, options.unit)} in all`;
  const rest = omitted > 0 ? `, ${omitted} frames too small or too deep to draw` : "";
  return [
    `<svg${attributes({ xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${WIDTH} ${height}`, width: "100%", role: "img" })} aria-labelledby="flame-title flame-description">`,
    `<title id="flame-title">${title}</title>`,
    `<desc id="flame-description">Flame graph, ${whole}${rest}. Each box is a function, as wide as its share; its callees are below it.</desc>`,
    `<style>${styles}</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="8" y="18">${title}</text>`,
    `<text class="facts" x="8" y="34">${whole}${rest}</text>`,
    ...boxes.map((box) => frameMarkup(box, root.total, options.unit)),
    "</svg>",
    "",
  ].join("\n");
}

/** The graph in a page of its own, with the heaviest functions as a table. Self-contained, readable without scripts. */
export function renderFlamePage(root: FlameNode, options: FlameGraphOptions): string {
  const graph = renderFlameGraph(root, options);
  const rows = heaviest(root).map(
    ({ name, location, self }) =>
      `<tr><td>${markupText(name)}</td><td>${markupText(location ?? "")}</td><td class="n">${formatFlame(self, options.unit)}</td><td class="n">${shareText(self, root.total)}</td></tr>`,
  );
  return [
    "<!doctype html>",
    `<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
    `<title>${markupText(options.title)}</title>`,
    `<style>${pageStyles}</style></head><body>`,
    graph,
    "<h2>Heaviest by itself</h2>",
    `<table><thead><tr><th>function</th><th>where</th><th class="n">self</th><th class="n">share</th></tr></thead>`,
    `<tbody>${rows.join("\n")}</tbody></table>`,
    "</body></html>",
    "",
  ].join("\n");
}

/** Iterative: a recursive program has a tree deeper than our own stack. */
function layoutFrames(root: FlameNode, minShare: number): { readonly boxes: Box[]; readonly omitted: number } {
  checkNode(root);
  const boxes: Box[] = [];
  let omitted = 0;
  const waiting: Box[] = [{ node: root, depth: 0, start: 0, share: 1 }];
  for (let box = waiting.pop(); box; box = waiting.pop()) {
    const isDrawn = box.depth < DEEPEST && box.share >= minShare;
    if (isDrawn) boxes.push(box);
    else omitted += 1;
    let start = box.start;
    for (const node of box.node.children.toSorted((a, b) => b.total - a.total)) {
      checkNode(node);
      const share = root.total === 0 ? 0 : node.total / root.total;
      waiting.push({ node, depth: isDrawn ? box.depth + 1 : DEEPEST, start, share });
      start += share;
    }
  }
  return { boxes, omitted };
}

function checkNode({ name, self, total, children }: FlameNode): void {
  const sum = children.reduce((all, child) => all + child.total, self);
  const isSound = self >= 0 && Number.isFinite(total) && Math.abs(sum - total) <= TOLERANCE * Math.max(1, total);
  if (isSound) return;
  throw reportErrors.create("FLAME_TREE_INVALID", "A frame's figures do not add up to its total.", {
    details: { name: visibleText(name), self: String(self), total: String(total), sum: String(sum) },
  });
}

function frameMarkup({ node, depth, start, share }: Box, whole: number, unit: FlameGraphOptions["unit"]): string {
  const x = start * WIDTH;
  const width = Math.max(0.3, share * WIDTH - 0.5);
  const y = TOP + depth * ROW;
  const name = visibleText(node.name) || "(anonymous)";
  const where = node.location === undefined ? "" : `\n${visibleText(node.location)}`;
  const figures = `\n${formatFlame(node.total, unit)}, ${shareText(node.total, whole)}; itself ${formatFlame(node.self, unit)}`;
  const cells = Math.floor((width - 6) / CHARACTER);
  const label =
    cells < 3
      ? ""
      : `<text x="${(x + 3).toFixed(1)}" y="${y + 12.5}">${markupText(textWidth(name) <= cells ? name : truncateEnd(name, cells))}</text>`;
  const box = attributes({
    x: x.toFixed(1),
    y,
    width: width.toFixed(1),
    height: ROW - 1,
    class: `c${hue(node)}`,
    rx: 2,
  });
  return `<g><title>${[name, where, figures].map((part) => part.split("\n").map(markupText).join("&#10;")).join("")}</title><rect${box}/>${label}</g>`;
}

/** The same function has the same colour in every graph. */
function hue({ name, location }: FlameNode): number {
  let hash = 0;
  for (const character of `${name.slice(0, 200)}${location?.slice(0, 200) ?? ""}`) {
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0;
  }
  return Math.abs(hash) % 6;
}

/** Functions by the time or memory of their own, summed over all places they are called from. */
function heaviest(root: FlameNode): { readonly name: string; readonly location?: string; readonly self: number }[] {
  const sums = new Map<string, { name: string; location?: string; self: number }>();
  const waiting = [root];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    const key = JSON.stringify([node.name, node.location]);
    const sum = sums.get(key);
    if (sum) sum.self += node.self;
    else
      sums.set(key, {
        name: node.name,
        ...(node.location !== undefined && { location: node.location }),
        self: node.self,
      });
    for (const child of node.children) waiting.push(child);
  }
  return [...sums.values()]
    .filter(({ self }) => self > 0)
    .toSorted((a, b) => b.self - a.self)
    .slice(0, HEAVIEST);
}

const formatFlame = (value: number, unit: FlameGraphOptions["unit"]): string =>
  unit === "ms" ? formatQuantity(value * 1e6, "ns") : formatQuantity(value, "bytes");

const shareText = (part: number, whole: number): string => (whole === 0 ? "–" : formatShare(part / whole));

const styles = `
text{font:11px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1c1917;pointer-events:none}
.title{font-weight:600;font-size:14px}.facts{fill:#57534e}.ground{fill:#fff}
.c0{fill:#fdba74}.c1{fill:#fcd34d}.c2{fill:#fca5a5}.c3{fill:#fde68a}.c4{fill:#fed7aa}.c5{fill:#f9b4a0}
g:hover rect{stroke:#1c1917;stroke-width:1}
@media (prefers-color-scheme:dark){text{fill:#fafaf9}.facts{fill:#a8a29e}.ground{fill:#1c1917}
.c0{fill:#9a3412}.c1{fill:#854d0e}.c2{fill:#991b1b}.c3{fill:#713f12}.c4{fill:#7c2d12}.c5{fill:#88331f}
g:hover rect{stroke:#fafaf9}}`;

const pageStyles = `
:root{color-scheme:light dark}body{margin:1rem;font:14px system-ui,sans-serif}
table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #8884}
.n{text-align:right;font-variant-numeric:tabular-nums}td:first-child{font-family:ui-monospace,monospace;overflow-wrap:anywhere}`;
