import { stripVTControlCharacters } from "node:util";
import { textWidth } from "../text/width.ts";

/** As much of a `WriteStream` as the view uses; usually `process.stderr`. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** True while the reader is behind: painting waits, so that memory does not grow. */
  readonly writableNeedDrain?: boolean;
}

/** Paints lines over those painted before, on a terminal that keeps its scrollback: no alternate screen. */
export class FramePainter {
  readonly #stream: ProgressStream;
  #frame: readonly string[] = [];

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  /** Cells of a line that surely does not wrap. */
  get columns(): number {
    return Math.max(20, (this.#stream.columns ?? 80) - 1);
  }

  get rows(): number {
    return Math.max(1, (this.#stream.rows ?? 24) - 1);
  }

  /**
   * Paints a frame; `above` stays over it for good. In one write, so that a terminal never shows half of it.
   *
   * @returns false when nothing changed, and nothing was written
   */
  paint(frame: readonly string[], above: readonly string[] = []): boolean {
    const changed = frame.length !== this.#frame.length || frame.some((line, i) => line !== this.#frame[i]);
    if (!changed && above.length === 0) return false;
    this.#stream.write(`${this.#erase()}${[...above, ...frame].map((line) => `${line}\n`).join("")}`);
    this.#frame = frame;
    return true;
  }

  /** Takes the frame away; `above` stays. */
  clear(above: readonly string[] = []): void {
    this.#stream.write(`${this.#erase()}${above.map((line) => `${line}\n`).join("")}`);
    this.#frame = [];
  }

  /** Back to where the frame began, and clear from there. A narrowed terminal has wrapped its lines: counted as such. */
  #erase(): string {
    if (this.#frame.length === 0) return "";
    const columns = Math.max(1, this.#stream.columns ?? 80);
    const rows = this.#frame.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(textWidth(stripVTControlCharacters(line)) / columns)),
      0,
    );
    return `\u001b[${rows}A\r\u001b[0J`;
  }
}
