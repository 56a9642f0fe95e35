import { deepFreeze } from "../runtime/thread-share.ts";
import type { UserContext } from "../runtime/user-context.ts";

const SeekMode = { Start: 0, Current: 1, End: 2 } as const;

/** A file that was opened at the top level: read from memory that all users of a thread share. */
class K6File {
  readonly path: string;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.#bytes = bytes;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Bytes read, or null at the end. */
  read(into: Uint8Array): Promise<number | null> {
    if (!(into instanceof Uint8Array) || into.length === 0)
      return Promise.reject(new TypeError("read() needs a Uint8Array that is not empty"));
    const part = this.#bytes.subarray(this.#at, this.#at + into.length);
    into.set(part);
    this.#at += part.length;
    return Promise.resolve(part.length === 0 ? null : part.length);
  }

  seek(offset: number, whence: number): Promise<number> {
    const from = { [SeekMode.Start]: 0, [SeekMode.Current]: this.#at, [SeekMode.End]: this.#bytes.length }[whence];
    const at = (from ?? Number.NaN) + offset;
    if (!(at >= 0 && at <= this.#bytes.length))
      return Promise.reject(new Error(`cannot seek to ${at} of ${this.#bytes.length} bytes`));
    this.#at = at;
    return Promise.resolve(at);
  }

  stat(): Promise<{ name: string; size: number }> {
    return Promise.resolve({ name: this.path.split("/").at(-1) ?? this.path, size: this.#bytes.length });
  }
}

/** The module `k6/experimental/fs`. */
export function fsModule(context: UserContext): Record<string, unknown> {
  const open = (path: unknown): Promise<K6File> => {
    if (context.phase !== "init") throw new Error("files are opened at the top level of the script");
    const full = context.share.path(String(path));
    return Promise.resolve(new K6File(full, context.share.bytes(full)));
  };
  return { open, SeekMode };
}

interface CsvOptions {
  readonly delimiter?: string;
  readonly skipFirstLine?: boolean;
  readonly fromLine?: number;
  readonly toLine?: number;
  readonly asObjects?: boolean;
}

/** Rows of a CSV text by RFC 4180: quotes hold delimiters, line breaks and doubled quotes. */
function* csvRows(text: string, delimiter = ","): Generator<string[]> {
  let row: string[] = [];
  let field = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (quoted) {
      if (character !== '"') field += character;
      else if (text[i + 1] === '"') field += text[++i] as string;
      else quoted = false;
    } else if (character === '"' && field === "") quoted = true;
    else if (character === delimiter) {
      row.push(field);
      field = "";
    } else if (character === "\n" || character === "\r") {
      if (character === "\r" && text[i + 1] === "\n") i++;
      if (row.length > 0 || field !== "") yield [...row, field];
      row = [];
      field = "";
    } else field += character;
  }
  if (row.length > 0 || field !== "") yield [...row, field];
}

function* csvRecords(file: K6File, options: CsvOptions): Generator<string[] | Record<string, string>> {
  const {
    delimiter = ",",
    skipFirstLine = false,
    fromLine = 0,
    toLine = Number.POSITIVE_INFINITY,
    asObjects = false,
  } = options;
  let header: string[] | undefined;
  let line = -1;
  for (const row of csvRows(new TextDecoder().decode(file.bytes), delimiter)) {
    line += 1;
    if (line === 0 && (asObjects || skipFirstLine)) {
      header = row;
      continue;
    }
    if (line < fromLine || line > toLine) continue;
    yield asObjects && header ? Object.fromEntries(header.map((name, i) => [name, row[i] ?? ""])) : row;
  }
}

/** The module `k6/experimental/csv`. */
export function csvModule(context: UserContext): Record<string, unknown> {
  const fileOf = (file: unknown): K6File => {
    if (file instanceof K6File) return file;
    throw new TypeError("csv needs a file opened by k6/experimental/fs");
  };
  const parse = (file: unknown, options: CsvOptions = {}): Promise<readonly unknown[]> => {
    if (context.phase !== "init") throw new Error("csv.parse is used at the top level of the script");
    const name = `csv\0${fileOf(file).path}\0${JSON.stringify(options)}`;
    const known = context.share.arrays.get(name) ?? deepFreeze([...csvRecords(fileOf(file), options)]);
    context.share.arrays.set(name, known);
    return Promise.resolve(known);
  };
  class Parser {
    readonly #records: Generator<string[] | Record<string, string>>;

    constructor(file: unknown, options: CsvOptions = {}) {
      this.#records = csvRecords(fileOf(file), options);
    }

    next(): Promise<{ done: boolean; value: unknown }> {
      const { done, value } = this.#records.next();
      return Promise.resolve({ done: done === true, value: done ? undefined : value });
    }
  }
  return { parse, Parser };
}
