import { createWriteStream, type WriteStream } from "node:fs";
import { messageOf } from "@mettle/core";
import { loadErrors } from "../engine/errors.ts";

/** What may wait for the disk before lines are refused: a disk that slow would else take all memory. */
const MOST_WAITING = 64 * 1024 * 1024;

/** A text file written while a run goes on. What the file system refuses is kept for `close` to tell. */
export class FileLines {
  readonly #path: string;
  readonly #stream: WriteStream;
  #failure: Error | undefined;
  #refused = 0;
  /** A stream that failed has closed long before anybody asks. */
  readonly #closed: Promise<void>;

  constructor(path: string) {
    this.#path = path;
    this.#stream = createWriteStream(path);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    this.#stream.once("close", resolve);
    this.#stream.on("error", (error) => {
      this.#failure ??= error;
    });
  }

  /** @param lines - without their ends */
  write(lines: readonly string[]): void {
    if (lines.length === 0 || this.#failure) return;
    if (this.#stream.writableLength > MOST_WAITING) {
      this.#refused += lines.length;
      return;
    }
    this.#stream.write(`${lines.join("\n")}\n`);
  }

  /** @throws MettleError `LOAD_OUTPUT_FAILED` */
  async close(): Promise<void> {
    this.#stream.end();
    await this.#closed;
    const reason = this.#failure
      ? messageOf(this.#failure)
      : this.#refused > 0
        ? `${this.#refused} samples came faster than it could be written`
        : undefined;
    if (reason === undefined) return;
    throw loadErrors.create("LOAD_OUTPUT_FAILED", `${this.#path} is not complete: ${reason}.`, {
      details: { path: this.#path, reason, refused: this.#refused },
      cause: this.#failure,
    });
  }
}
