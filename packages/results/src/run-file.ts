import { constants, isUtf8 } from "node:buffer";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { messageOf } from "@mettle/core";
import { errnoOf, type FileSystem, nodeFileSystem, writeFileAtomically } from "./atomic-file.ts";
import { decodeRun, type EncodeOptions, encodeRun } from "./codec.ts";
import { resultsErrors } from "./errors.ts";
import type { Run } from "./run.ts";

export interface ReadRunOptions {
  /** Largest document accepted, bytes after decompression; never more than one string can hold. */
  readonly maxBytes?: number;
  readonly files?: FileSystem;
}
export interface WriteRunOptions extends EncodeOptions {
  readonly files?: FileSystem;
}

/** 500 MB: a day of per-second series and raw blocks is a tenth of it; one string holds 537 million characters. */
export const readRunDefaults: Required<ReadRunOptions> = { maxBytes: 500_000_000, files: nodeFileSystem };

/**
 * Reads a run from a file; gzip is recognised by its content, whatever the name.
 *
 * @throws MettleError `RUN_UNREADABLE`, `RUN_TOO_LARGE`, `RUN_TRUNCATED`, `RUN_NOT_JSON`, `RUN_VERSION_UNSUPPORTED`,
 * `RUN_INVALID`, `RUN_INCONSISTENT`
 */
export async function readRun(path: string, options: ReadRunOptions = {}): Promise<Run> {
  const { files, maxBytes: wanted } = { ...readRunDefaults, ...options };
  const maxBytes = Math.min(wanted, constants.MAX_STRING_LENGTH);
  const stats = await readable(path, files.stat(path));
  const { size } = stats;
  // A pipe may be read, and a device may have no end.
  const isFile = stats.isFile() || stats.isDirectory();
  if (size > maxBytes) throw tooLarge(path, size, maxBytes);
  const content = await readable(path, isFile ? files.readFile(path) : readStream(path, files, maxBytes));
  if (content.length > maxBytes) throw tooLarge(path, undefined, maxBytes);
  const bytes = content[0] === 0x1f && content[1] === 0x8b ? await decompress(path, content, maxBytes) : content;
  if (!isUtf8(bytes) && isUtf8(bytes.subarray(0, lastWholeCharacter(bytes)))) {
    throw resultsErrors.create(
      "RUN_TRUNCATED",
      `${path} ends early: it stops at byte ${bytes.length} inside a character.`,
      {
        details: { source: path, byte: bytes.length },
      },
    );
  }
  if (!isUtf8(bytes)) {
    throw resultsErrors.create("RUN_NOT_JSON", `${path} is not JSON: it is not UTF-8 text.`, {
      details: { source: path },
    });
  }
  return decodeRun(bytes.toString("utf8"), { source: path });
}

/** At most one byte more than allowed. */
async function readStream(path: string, files: FileSystem, maxBytes: number): Promise<Buffer> {
  const handle = await files.open(path, "r");
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    while (length <= maxBytes) {
      const chunk = Buffer.alloc(Math.min(1 << 20, maxBytes + 1 - length));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) break;
      chunks.push(chunk.subarray(0, bytesRead));
      length += bytesRead;
    }
    return Buffer.concat(chunks, length);
  } finally {
    await handle.close();
  }
}

async function readable<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw resultsErrors.create("RUN_UNREADABLE", `Cannot read ${path}: ${messageOf(cause)}.`, {
      details: { path, reason: errnoOf(cause) },
      cause,
    });
  }
}

const tooLarge = (path: string, size: number | undefined, maxBytes: number): Error =>
  resultsErrors.create(
    "RUN_TOO_LARGE",
    `${path} is too large: ${size === undefined ? "its content" : `${size} bytes`} exceeds the limit of ${maxBytes} bytes.`,
    { details: { path, size, maxBytes } },
  );

/** Where the last UTF-8 character begins, when it may be one that was cut off. */
function lastWholeCharacter(bytes: Uint8Array): number {
  let end = bytes.length;
  for (let back = 0; back < 4 && end > 0; back++) {
    end--;
    if (((bytes[end] ?? 0) & 0xc0) !== 0x80) return end;
  }
  return bytes.length;
}

async function decompress(path: string, content: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await promisify(gunzip)(content, { maxOutputLength: maxBytes });
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(path, undefined, maxBytes);
    if (code === "Z_BUF_ERROR") {
      throw resultsErrors.create(
        "RUN_TRUNCATED",
        `${path} ends early: its gzip stream stops at byte ${content.length}.`,
        {
          details: { source: path, byte: content.length },
          cause,
        },
      );
    }
    throw resultsErrors.create(
      "RUN_NOT_JSON",
      `${path} is not JSON: its gzip stream is damaged (${messageOf(cause)}).`,
      {
        details: { source: path },
        cause,
      },
    );
  }
}

/**
 * Writes a run to a file, all or nothing; a name ending in `.gz` is compressed. Makes missing folders.
 *
 * @throws MettleError `RUN_INVALID`, `RUN_INCONSISTENT`; `RUN_WRITE_FAILED` when the disk is full or refuses: what was
 * there before is untouched
 */
export async function writeRun(path: string, run: Run, options: WriteRunOptions = {}): Promise<void> {
  const text = encodeRun(run, options);
  const data = path.endsWith(".gz") ? await promisify(gzip)(text) : Buffer.from(text);
  try {
    await writeFileAtomically(path, data, options.files ?? nodeFileSystem);
  } catch (cause) {
    throw resultsErrors.create("RUN_WRITE_FAILED", `Cannot write ${path}: ${messageOf(cause)}.`, {
      details: { path, reason: errnoOf(cause) },
      cause,
    });
  }
}
