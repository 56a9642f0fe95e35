import { messageOf } from "@mettle/core";
import type * as CanvasTypes from "@napi-rs/canvas";
import { reportErrors } from "../errors.ts";
import { pageStyle } from "../html/page.ts";
import type { PageChart } from "./page-charts.ts";
import { type Scene, sceneOf } from "./scene.ts";
import { StyleSheet, type Theme } from "./style-sheet.ts";

export interface PngOptions {
  /** @defaultValue "light" */
  readonly theme?: Theme;
  /** Pixels for a unit of the drawing: 2 for screens of high density. @defaultValue 2 */
  readonly scale?: number;
  /** A font file (TrueType, OpenType) to write with, where the machine has no fonts of its own. */
  readonly font?: string;
}

export interface RenderedPng {
  readonly png: Uint8Array;
  /** The machine has no font and none was given: there is no text in the picture. */
  readonly isWithoutText: boolean;
}

const PADDING = 14;
const TITLE_ROOM = 24;
const TITLE_SIZE = 13;
const FAMILIES = `"Liberation Sans", "DejaVu Sans", Roboto, Arial, sans-serif`;
const MONOSPACE = `"Liberation Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace`;
const OWN_FAMILY = "mettle-given";

/**
 * A chart of a page as a picture, painted from the same drawing with the same colours.
 *
 * @throws MettleError `REPORT_PNG_UNAVAILABLE` where what paints is not installed, or the font cannot be read
 */
export async function renderPng(chart: PageChart, options: PngOptions = {}): Promise<RenderedPng> {
  const { theme = "light", scale = 2, font } = options;
  const canvasModule = await loadCanvas();
  const { createCanvas, GlobalFonts, Path2D } = canvasModule;
  if (font !== undefined && !GlobalFonts.registerFromPath(font, OWN_FAMILY))
    throw unavailable(`${font} is no font that can be read`);
  const sheet = new StyleSheet(pageStyle(), theme);
  const scene = sceneOf(chart.svg, sheet, scale);
  const canvas = createCanvas(
    Math.ceil(scene.width + 2 * PADDING * scale),
    Math.ceil(scene.height + (2 * PADDING + TITLE_ROOM) * scale),
  );
  const context = canvas.getContext("2d");
  const families = font === undefined ? FAMILIES : OWN_FAMILY;
  context.fillStyle = sheet.resolve("var(--panel)");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = sheet.resolve("var(--text)");
  context.font = `bold ${TITLE_SIZE * scale}px ${families}`;
  context.fillText(chart.title, PADDING * scale, (PADDING + TITLE_SIZE) * scale, canvas.width - 2 * PADDING * scale);
  context.translate(PADDING * scale, (PADDING + TITLE_ROOM) * scale);
  paintScene(
    scene,
    context,
    Path2D,
    font === undefined ? { sans: FAMILIES, mono: MONOSPACE } : { sans: OWN_FAMILY, mono: OWN_FAMILY },
  );
  return { png: canvas.toBuffer("image/png"), isWithoutText: GlobalFonts.families.length === 0 };
}

type CanvasModule = typeof CanvasTypes;

/** Not installed on every platform, and needed for nothing else. */
async function loadCanvas(): Promise<CanvasModule> {
  try {
    return await import("@napi-rs/canvas");
  } catch (cause) {
    throw unavailable(messageOf(cause), cause);
  }
}

const unavailable = (why: string, cause?: unknown): Error =>
  reportErrors.create("REPORT_PNG_UNAVAILABLE", `No picture can be made: ${why}.`, {
    ...(cause !== undefined && { cause }),
  });

function paintScene(
  { items }: Scene,
  context: CanvasTypes.SKRSContext2D,
  Path2D: CanvasModule["Path2D"],
  families: { readonly sans: string; readonly mono: string },
): void {
  context.lineJoin = "round";
  for (const item of items) {
    if (item.kind === "text") {
      context.globalAlpha = 1;
      context.fillStyle = item.fill;
      context.font = `${item.size}px ${item.isMonospace ? families.mono : families.sans}`;
      context.textAlign = item.align;
      context.fillText(item.text, item.x, item.y);
      continue;
    }
    const path = new Path2D(item.path);
    context.globalAlpha = item.opacity;
    if (item.fill !== undefined) {
      context.fillStyle = item.fill;
      // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type -- no array is filled: an area is painted
      context.fill(path);
    }
    if (item.stroke !== undefined && item.strokeWidth > 0) {
      context.strokeStyle = item.stroke;
      context.lineWidth = item.strokeWidth;
      context.setLineDash([...item.dash]);
      context.stroke(path);
    }
  }
}
