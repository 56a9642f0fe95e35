/** Text or bytes as they arrive: a file stream, or an array of pieces. */
export type TextSource = AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** False for a last line without its newline: the file may have been cut off there. */
  readonly ended: boolean;
}

/** Longest line held in memory, characters. A k6 line is under a thousand. */
export const LONGEST_LINE = 16_000_000;

/**
 * Lines of a stream, one at a time, in memory bounded by the longest line. Blank ones are left out; `\r\n` counts as
 * a newline.
 *
 * @param tooLong - makes the error for a line beyond `LONGEST_LINE`
 */
export async function* linesOf(source: TextSource, tooLong: (line: number) => Error): AsyncGenerator<Line, void, void> {
  let number = 0;
  let rest = "";
  for await (const text of textOf(source)) {
    const pieces = text.split("\n");
    pieces[0] = rest + (pieces[0] ?? "");
    rest = pieces.pop() ?? "";
    for (const piece of pieces) {
      number++;
      if (piece.trim() !== "") yield { number, text: piece.endsWith("\r") ? piece.slice(0, -1) : piece, ended: true };
    }
    if (rest.length > LONGEST_LINE) throw tooLong(number + 1);
  }
  if (rest.trim() !== "") yield { number: number + 1, text: rest, ended: false };
}

/** Decodes UTF-8 across the borders of pieces; a byte order mark is dropped. */
export async function* textOf(source: TextSource): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  for await (const piece of source) yield typeof piece === "string" ? piece : decoder.decode(piece, { stream: true });
  const rest = decoder.decode();
  if (rest !== "") yield rest;
}
