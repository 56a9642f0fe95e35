import type { MarkupElement } from "./markup-tree.ts";
import type { StyleSheet } from "./style-sheet.ts";

/** A line or an area in pixels of the picture. */
export interface SceneShape {
  readonly kind: "shape";
  /** Absolute commands M, L and Z only, or a circle as two arcs. */
  readonly path: string;
  readonly fill: string | undefined;
  readonly stroke: string | undefined;
  readonly strokeWidth: number;
  readonly dash: readonly number[];
  readonly opacity: number;
}

interface SceneText {
  readonly kind: "text";
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly size: number;
  readonly fill: string;
  readonly align: "left" | "center" | "right";
  readonly isMonospace: boolean;
}

export interface Scene {
  readonly width: number;
  readonly height: number;
  /** In the order in which they are painted. */
  readonly items: readonly (SceneShape | SceneText)[];
}

/** From a drawing's own units to pixels; no chart of ours turns or slants anything. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly scaleX: number;
  readonly scaleY: number;
}

interface Painter {
  readonly sheet: StyleSheet;
  readonly items: (SceneShape | SceneText)[];
}

/**
 * A drawing of ours as shapes and texts in pixels, with the colours that the page would give them. Lines keep their width in
 * drawings that are stretched.
 *
 * @param scale - pixels for a unit of the drawing
 */
export function sceneOf(svg: MarkupElement, sheet: StyleSheet, scale: number): Scene {
  const [, , width, height] = viewBox(svg);
  const painter: Painter = { sheet, items: [] };
  // In the page a chart stands in a figure: styles may say so.
  const figure: MarkupElement = { name: "figure", attributes: { class: "chart" }, children: [] };
  paintChildren(svg, [svg, figure], { x: 0, y: 0, scaleX: scale, scaleY: scale }, scale, painter);
  return { width: width * scale, height: height * scale, items: painter.items };
}

function viewBox({ attributes }: MarkupElement): readonly [number, number, number, number] {
  const [x = 0, y = 0, width = 1, height = 1] = (attributes["viewBox"] ?? "").split(/[\s,]+/).map(Number);
  return [x, y, width, height];
}

function paintChildren(
  parent: MarkupElement,
  parents: readonly MarkupElement[],
  place: Place,
  scale: number,
  painter: Painter,
): void {
  for (const child of parent.children) if (typeof child !== "string") paint(child, parents, place, scale, painter);
}

function paint(
  element: MarkupElement,
  parents: readonly MarkupElement[],
  place: Place,
  scale: number,
  painter: Painter,
): void {
  const { name } = element;
  if (name === "title" || name === "desc") return;
  const own = [element, ...parents];
  if (name === "g") paintChildren(element, own, place, scale, painter);
  else if (name === "svg") paintChildren(element, own, placeWithin(element, place), scale, painter);
  else if (name === "text") painter.items.push(textItem(element, parents, place, scale, painter.sheet));
  else {
    const path = pathOf(element, place);
    if (path !== undefined) painter.items.push(shapeItem(path, element, parents, scale, painter.sheet));
  }
}

/** A drawing within a drawing is stretched to its own box. */
function placeWithin(element: MarkupElement, place: Place): Place {
  const [left, top, width, height] = viewBox(element);
  const { attributes } = element;
  const [x, y] = [Number(attributes["x"] ?? 0), Number(attributes["y"] ?? 0)];
  const scaleX = (place.scaleX * Number(attributes["width"])) / width;
  const scaleY = (place.scaleY * Number(attributes["height"])) / height;
  return {
    x: place.x + x * place.scaleX - left * scaleX,
    y: place.y + y * place.scaleY - top * scaleY,
    scaleX,
    scaleY,
  };
}

function pathOf({ name, attributes }: MarkupElement, place: Place): string | undefined {
  const number = (attribute: string): number => Number(attributes[attribute] ?? 0);
  const at = (x: number, y: number): string => `${place.x + x * place.scaleX} ${place.y + y * place.scaleY}`;
  if (name === "line") return `M${at(number("x1"), number("y1"))}L${at(number("x2"), number("y2"))}`;
  if (name === "rect") {
    const [x, y, width, height] = ["x", "y", "width", "height"].map(number) as [number, number, number, number];
    return `M${at(x, y)}L${at(x + width, y)}L${at(x + width, y + height)}L${at(x, y + height)}Z`;
  }
  if (name === "circle") {
    const [x, y, radius] = [number("cx"), number("cy"), number("r")];
    const arc = `A${radius * place.scaleX} ${radius * place.scaleY} 0 1 0 `;
    return `M${at(x - radius, y)}${arc}${at(x + radius, y)}${arc}${at(x - radius, y)}Z`;
  }
  return name === "path" ? absolutePath(attributes["d"] ?? "", place) : undefined;
}

/** The commands that charts are made of (M, L, H, V, Z, and their relative kinds) as absolute ones in pixels. */
export function absolutePath(data: string, place: Place): string {
  let [x, y, startX, startY] = [0, 0, 0, 0];
  let path = "";
  for (const [, command = "", rest = ""] of data.matchAll(/([MmLlHhVvZz])([^MmLlHhVvZz]*)/g)) {
    const numbers = (rest.match(/-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?/g) ?? []).map(Number);
    const isRelative = command === command.toLowerCase();
    const kind = command.toUpperCase();
    if (kind === "Z") {
      [x, y] = [startX, startY];
      path += "Z";
      continue;
    }
    const step = kind === "H" || kind === "V" ? 1 : 2;
    for (let i = 0; i + step <= numbers.length; i += step) {
      const [first = 0, second = 0] = numbers.slice(i, i + step);
      if (kind === "H") x = isRelative ? x + first : first;
      else if (kind === "V") y = isRelative ? y + first : first;
      else [x, y] = isRelative ? [x + first, y + second] : [first, second];
      const isMove = kind === "M" && i === 0;
      if (isMove) [startX, startY] = [x, y];
      path += `${isMove ? "M" : "L"}${place.x + x * place.scaleX} ${place.y + y * place.scaleY}`;
    }
  }
  return path;
}

function shapeItem(
  path: string,
  element: MarkupElement,
  parents: readonly MarkupElement[],
  scale: number,
  sheet: StyleSheet,
): SceneShape {
  const style = inherited(element, parents, sheet);
  const paint = (value: string | undefined): string | undefined =>
    value === undefined || value === "none" ? undefined : value === "currentColor" ? (style["color"] ?? "#000") : value;
  return {
    kind: "shape",
    path,
    fill: paint(style["fill"] ?? "#000"),
    stroke: paint(style["stroke"]),
    strokeWidth: Number.parseFloat(style["stroke-width"] ?? "1") * scale,
    dash: (style["stroke-dasharray"] ?? "")
      .split(/[\s,]+/)
      .filter(Boolean)
      .map((part) => Number(part) * scale),
    opacity: Number(style["opacity"] ?? 1),
  };
}

function textItem(
  element: MarkupElement,
  parents: readonly MarkupElement[],
  place: Place,
  scale: number,
  sheet: StyleSheet,
): SceneText {
  const style = inherited(element, parents, sheet);
  const { attributes, children } = element;
  const shift = Number(attributes["dx"] ?? 0);
  const anchor = attributes["text-anchor"];
  const size = /(?:^|\s)(\d+(?:\.\d+)?)px/.exec(style["font"] ?? "")?.[1] ?? style["font-size"];
  return {
    kind: "text",
    text: children.filter((child) => typeof child === "string").join(""),
    x: place.x + (Number(attributes["x"] ?? 0) + shift) * place.scaleX,
    y: place.y + Number(attributes["y"] ?? 0) * place.scaleY,
    size: Number.parseFloat(size ?? "10.5") * scale,
    fill: style["fill"] ?? "#000",
    align: anchor === "middle" ? "center" : anchor === "end" ? "right" : "left",
    isMonospace: (style["font"] ?? "").includes("monospace"),
  };
}

const passedOn = ["fill", "stroke", "stroke-width", "color", "font", "font-size"];

/** Its own style over what its parents hand on. */
function inherited(
  element: MarkupElement,
  parents: readonly MarkupElement[],
  sheet: StyleSheet,
): Readonly<Record<string, string>> {
  const own = sheet.style(element, parents);
  const [parent, ...rest] = parents;
  if (!parent) return own;
  const above = inherited(parent, rest, sheet);
  return {
    ...Object.fromEntries(passedOn.flatMap((name) => (above[name] === undefined ? [] : [[name, above[name]]]))),
    ...own,
  };
}
