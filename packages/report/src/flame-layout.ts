import { formatQuantity } from "@mettle/core";
import { reportErrors } from "./errors.ts";
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

export type FlameUnit = "ms" | "bytes";

/** A frame in its place. */
export interface FlameBox {
  readonly node: FlameNode;
  readonly depth: number;
  /** Share of the whole at which it begins, and its own share. */
  readonly start: number;
  readonly share: number;
}

export const FLAME_WIDTH = 1200;
export const FLAME_ROW = 18;
const CHARACTER = 6.7;
const DEEPEST = 250;
const HEAVIEST = 15;
/** Sums of sampled times are floating point: so much may the children exceed their parent. */
const TOLERANCE = 1e-6;

/** Iterative: a recursive program has a tree deeper than our own stack. */
export function layoutFrames(
  root: FlameNode,
  minShare: number,
): { readonly boxes: FlameBox[]; readonly omitted: number; readonly rows: number } {
  checkNode(root);
  const boxes: FlameBox[] = [];
  let omitted = 0;
  const waiting: FlameBox[] = [{ node: root, depth: 0, start: 0, share: 1 }];
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
  return { boxes, omitted, rows: boxes.reduce((most, { depth }) => Math.max(most, depth + 1), 1) };
}

function checkNode({ name, self, total, children }: FlameNode): void {
  const sum = children.reduce((all, child) => all + child.total, self);
  const isSound = self >= 0 && Number.isFinite(total) && Math.abs(sum - total) <= TOLERANCE * Math.max(1, total);
  if (isSound) return;
  throw reportErrors.create("FLAME_TREE_INVALID", "A frame's figures do not add up to its total.", {
    details: { name: visibleText(name), self: String(self), total: String(total), sum: String(sum) },
  });
}

/** What a frame is called, where it is, and its figures: three lines at most. Not yet fit for markup. */
export function frameLines({ node }: FlameBox, whole: number, unit: FlameUnit): readonly string[] {
  const figures = `${formatFlame(node.total, unit)}, ${shareText(node.total, whole)}; itself ${formatFlame(node.self, unit)}`;
  return [
    visibleText(node.name) || "(anonymous)",
    ...(node.location === undefined ? [] : [visibleText(node.location)]),
    figures,
  ];
}

/** As much of a name as a box has room for; undefined where that is nothing. */
export function frameLabel(name: string, width: number): string | undefined {
  const cells = Math.floor((width - 6) / CHARACTER);
  if (cells < 3) return undefined;
  return textWidth(name) <= cells ? name : truncateEnd(name, cells);
}

/** In the drawing's own units: beside each other with a little room, and never too small to see. */
export const frameWidth = (share: number): number => Math.max(0.3, share * FLAME_WIDTH - 0.5);

/** The same function has the same colour in every graph. */
export function hue({ name, location }: FlameNode): number {
  let hash = 0;
  for (const character of `${name.slice(0, 200)}${location?.slice(0, 200) ?? ""}`) {
    hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) | 0;
  }
  return Math.abs(hash) % 6;
}

/** Functions by the time or memory of their own, summed over all places they are called from. */
export function heaviestFunctions(
  root: FlameNode,
): { readonly name: string; readonly location?: string; readonly self: number }[] {
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

export const formatFlame = (value: number, unit: FlameUnit): string =>
  unit === "ms" ? formatQuantity(value * 1e6, "ns") : formatQuantity(value, "bytes");

export const shareText = (part: number, whole: number): string => (whole === 0 ? "–" : formatShare(part / whole));
