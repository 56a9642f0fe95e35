const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
// Unicode 16 Standard Annex 11: the blocks whose characters are all Wide or Fullwidth; single wide symbols are the
// emoji, which the engine knows. Ambiguous characters (Greek, box drawing, ± × µ) count one cell, as terminals do by
// default outside East Asian locales.
const WIDE =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f251}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
// Marks and format characters draw over the character before them; vowels and finals of Hangul join its first letter.
const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}\p{Cc}\u1160-\u11ff\ud7b0-\ud7ff]/u;
const EMOJI_STYLE = "\ufe0f";

/** Made at first use: reading its tables takes tens of milliseconds, and most text is plain ASCII. */
let segmenter: Intl.Segmenter | undefined;

function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

/**
 * Cells that `text` takes on a terminal: 2 for emoji and East Asian wide characters, 0 for combining marks.
 *
 * @param text - without escape sequences (see `visibleText`); those would count as what is printed
 */
export function textWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemesOf(text)) width += graphemeWidth(segment);
  return width;
}

function graphemeWidth(grapheme: string): number {
  if (grapheme.includes(EMOJI_STYLE)) return 2;
  let width = 0;
  for (const character of grapheme) {
    if (ZERO_WIDTH.test(character)) continue;
    // A joined emoji (a family, a flag) is drawn as one, two cells wide, however many parts it has.
    if (WIDE.test(character)) return width + 2;
    width += 1;
  }
  return width;
}

export type Alignment = "left" | "right";

/** Spaces up to `width` cells; text that is already as wide stays as it is. */
export function pad(text: string, width: number, alignment: Alignment = "left"): string {
  const fill = " ".repeat(Math.max(0, width - textWidth(text)));
  return alignment === "left" ? text + fill : fill + text;
}

/** The longest start of `text` that fits `width` cells, with `…` where something was cut. */
export function truncateEnd(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  return width < 1 ? "" : `${takeCells(text, width - 1)}…`;
}

/** The longest end of `text` that fits `width` cells, with `…` where something was cut. */
export function truncateStart(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  return width < 1 ? "" : `…${takeLastCells(text, width - 1)}`;
}

/** Both ends of `text` in `width` cells: a dotted name says most in its first and its last part. */
export function truncateMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width < 5) return truncateEnd(text, width);
  const tail = Math.floor((width - 1) / 2);
  return `${takeCells(text, width - 1 - tail)}…${takeLastCells(text, tail)}`;
}

function takeCells(text: string, width: number): string {
  let taken = "";
  let used = 0;
  for (const { segment } of graphemesOf(text)) {
    used += graphemeWidth(segment);
    if (used > width) break;
    taken += segment;
  }
  return taken;
}

function takeLastCells(text: string, width: number): string {
  const segments = [...graphemesOf(text)];
  let taken = "";
  let used = 0;
  for (const { segment } of segments.toReversed()) {
    used += graphemeWidth(segment);
    if (used > width) break;
    taken = segment + taken;
  }
  return taken;
}

/** Lines of at most `width` cells, broken at spaces; a longer word is broken where it must be. */
export function wrapText(text: string, width: number): string[] {
  const room = Math.max(1, width);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const joined = line === "" ? word : `${line} ${word}`;
    if (textWidth(joined) <= room) {
      line = joined;
      continue;
    }
    if (line !== "") lines.push(line);
    const pieces = breakWord(word, room);
    lines.push(...pieces.slice(0, -1));
    line = pieces.at(-1) ?? "";
  }
  if (line !== "" || lines.length === 0) lines.push(line);
  return lines;
}

/** A word in pieces of at most `width` cells. A character wider than that stands alone. */
function breakWord(word: string, width: number): string[] {
  if (textWidth(word) <= width) return [word];
  const pieces: string[] = [];
  let piece = "";
  let used = 0;
  for (const { segment } of graphemesOf(word)) {
    const cells = graphemeWidth(segment);
    if (used + cells > width && piece !== "") {
      pieces.push(piece);
      piece = "";
      used = 0;
    }
    piece += segment;
    used += cells;
  }
  return [...pieces, piece];
}
