import type { ProgressStream } from "../src/live/frame-painter.ts";
import { textWidth } from "../src/text/width.ts";

/** A terminal as far as the live view needs one: lines that wrap, carriage return, cursor up, erase below. */
export class FakeTerminal implements ProgressStream {
  readonly isTTY = true;
  readonly writes: string[] = [];
  writableNeedDrain = false;
  rows = 24;
  #lines: string[] = [""];
  #row = 0;

  columns: number;
  constructor(columns = 80) {
    this.columns = columns;
  }

  write(text: string): boolean {
    this.writes.push(text);
    // oxlint-disable-next-line no-control-regex -- a terminal reads control characters
    for (const [token] of text.matchAll(/\u001b\[(\d*)([A-Za-z])|\n|\r|[^\u001b\n\r]+/g)) this.#apply(token);
    return true;
  }

  /** What is on screen and in the scrollback, without trailing empty lines. */
  get screen(): string {
    return this.#lines.join("\n").trimEnd();
  }

  #apply(token: string): void {
    // oxlint-disable-next-line no-control-regex -- a terminal reads control characters
    const control = /^\u001b\[(\d*)([A-Za-z])$/.exec(token);
    if (token === "\n") {
      this.#row += 1;
      this.#lines[this.#row] ??= "";
    } else if (token === "\r") return;
    else if (control?.[2] === "A") this.#row = Math.max(0, this.#row - Number(control[1] || "1"));
    else if (control?.[2] === "J") this.#lines.splice(this.#row, Number.POSITIVE_INFINITY, "");
    else if (control?.[2] === "m") return;
    else if (control) throw new Error(`unexpected sequence ${JSON.stringify(token)}`);
    else {
      if (textWidth(token) > this.columns) throw new Error(`a line of ${textWidth(token)} cells would wrap: ${token}`);
      this.#lines[this.#row] = token;
    }
  }
}
