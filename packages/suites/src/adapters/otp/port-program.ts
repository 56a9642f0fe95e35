import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { suitesErrors } from "../../errors.ts";

interface Waiting {
  readonly resolve: (value: string) => void;
  readonly reject: (error: Error) => void;
}

type News = (words: readonly string[]) => void;

/**
 * A program that is spoken to in frames over its descriptors 3 (what it reads) and 4 (what it writes): requests with an id
 * and an answer, and news. Its standard streams are for its last words.
 */
export class PortProgram {
  readonly #in: Writable;
  readonly #waiting = new Map<string, Waiting>();
  readonly #listeners = new Map<string, News>();
  readonly #ended: Promise<void>;
  #pending: Buffer = Buffer.alloc(0);
  #lastId = 0;
  #lastWords = "";
  #gone = false;

  private constructor(child: ChildProcess) {
    this.#ended = new Promise((resolve) => {
      child.once("close", (code, killedBy) => {
        this.#gone = true;
        const words = this.#lastWords.trim().split("\n").slice(-3).join(" ");
        for (const { reject } of this.#waiting.values())
          reject(failed(`It ended (${killedBy ?? code}). ${words}`.trim()));
        this.#waiting.clear();
        resolve();
      });
    });
    (child.stdio[4] as Readable).on("data", (chunk: Buffer) => this.#read(chunk));
    for (const stream of [child.stdout, child.stderr]) {
      stream!.setEncoding("utf8").on("data", (text: string) => {
        this.#lastWords = (this.#lastWords + text).slice(-2000);
      });
    }
    this.#in = child.stdio[3] as Writable;
    // A write to a program that has just ended: its end says all there is to say.
    this.#in.on("error", () => undefined);
  }

  /** @throws MettleError `PLATFORM_NOT_INSTALLED` when there is no such program */
  static start(command: string, parameters: readonly string[]): Promise<PortProgram> {
    return new Promise((resolve, reject) => {
      const child = spawn(command, parameters, { stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"] });
      const program = new PortProgram(child);
      child.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") return reject(error);
        reject(suitesErrors.create("PLATFORM_NOT_INSTALLED", `There is no ${command}.`, { cause: error }));
      });
      child.once("spawn", () => resolve(program));
    });
  }

  /** @throws MettleError `PLATFORM_REQUEST_FAILED` when it refuses, or ends before it answers */
  request(words: string): Promise<string> {
    return this.#request(String(++this.#lastId), words);
  }

  /** Makes a request whose id then names news that `listener` gets. @returns the id */
  async listen(words: string, news: string, listener: News): Promise<string> {
    const id = String(++this.#lastId);
    this.#listeners.set(`${news} ${id}`, listener);
    await this.#request(id, words);
    return id;
  }

  /** Ends a listening, and tells the program if it must know. */
  async forget(id: string, words?: string): Promise<void> {
    for (const key of [`down ${id}`, `signal ${id}`]) this.#listeners.delete(key);
    if (words !== undefined) await this.request(words);
  }

  async close(): Promise<void> {
    this.#in.end();
    await this.#ended;
  }

  #request(id: string, words: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#gone) return reject(failed("It has ended."));
      this.#waiting.set(id, { resolve, reject });
      const text = Buffer.from(`${id} ${words}`);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(text.length);
      this.#in.write(Buffer.concat([length, text]));
    });
  }

  #read(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    let at = 0;
    while (this.#pending.length - at >= 4) {
      const length = this.#pending.readUInt32BE(at);
      if (this.#pending.length - at - 4 < length) break;
      this.#handle(this.#pending.toString("utf8", at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.#pending = this.#pending.subarray(at);
  }

  #handle(frame: string): void {
    const [id = "", state = "", ...words] = frame.split(" ");
    if (id === "*") {
      const [subject = "", ...rest] = words;
      this.#listeners.get(`${state} ${subject}`)?.(rest);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (state === "ok") waiting?.resolve(words.join(" "));
    else waiting?.reject(failed(words.join(" ")));
  }
}

const failed = (message: string): Error => suitesErrors.create("PLATFORM_REQUEST_FAILED", message);
