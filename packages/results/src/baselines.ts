import { join } from "node:path";
import { messageOf } from "@mettle/core";
import { errnoOf, type FileSystem, nodeFileSystem } from "./atomic-file.ts";
import { resultsErrors } from "./errors.ts";
import type { Run } from "./run.ts";
import { readRun, writeRun } from "./run-file.ts";

const EXTENSION = ".json";
/** File systems take 255 bytes a name; some are left for the extension and the temporary file's random part. */
const LONGEST_NAME = 200;
const readable = /^[A-Za-z0-9_\-+@ .]$/;
/** Names that Windows keeps for devices, with or without an extension. */
const device = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Runs kept by name, each a file `<folder>/<name>.json` that can be committed and read. A name may be any text: what a
 * file system could take amiss (slashes, a leading dot, device names) is percent-encoded, so no name leaves the folder.
 */
export class Baselines {
  readonly folder: string;
  readonly #files: FileSystem;

  constructor(folder: string, files: FileSystem = nodeFileSystem) {
    this.folder = folder;
    this.#files = files;
  }

  /** The file that holds a name. @throws MettleError `BASELINE_NAME_INVALID` */
  pathOf(name: string): string {
    return join(this.folder, `${fileNameOf(name)}${EXTENSION}`);
  }

  /**
   * Replaces what the name held, all or nothing.
   *
   * @throws MettleError `BASELINE_NAME_INVALID`, also where another name differs from it only in case, as some file
   * systems would take them for one; `RUN_WRITE_FAILED`
   */
  async save(name: string, run: Run): Promise<string> {
    const path = this.pathOf(name);
    const twin = (await this.list()).find((known) => known !== name && known.toLowerCase() === name.toLowerCase());
    if (twin !== undefined) throw invalidName(name, `"${twin}" differs from it only in case`);
    await writeRun(path, run, { files: this.#files });
    return path;
  }

  /** @throws MettleError `BASELINE_NOT_FOUND`, `BASELINE_NAME_INVALID`, and what `readRun` throws */
  async load(name: string): Promise<Run> {
    await this.#requireKnown(name);
    return readRun(this.pathOf(name), { files: this.#files });
  }

  /** @throws MettleError `BASELINE_NOT_FOUND`, `BASELINE_NAME_INVALID`, `RUN_WRITE_FAILED` */
  async delete(name: string): Promise<void> {
    await this.#requireKnown(name);
    const path = this.pathOf(name);
    try {
      await this.#files.unlink(path);
    } catch (cause) {
      throw resultsErrors.create("RUN_WRITE_FAILED", `Cannot delete ${path}: ${messageOf(cause)}.`, {
        details: { path, reason: errnoOf(cause) },
        cause,
      });
    }
  }

  /** The names saved, in order. @throws MettleError `RUN_UNREADABLE` */
  async list(): Promise<readonly string[]> {
    try {
      const entries = await this.#files.readdir(this.folder);
      return entries
        .filter((entry) => entry.endsWith(EXTENSION) && !entry.startsWith("."))
        .map((entry) => nameOf(entry.slice(0, -EXTENSION.length)))
        .filter((name) => name !== undefined)
        .sort();
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") return [];
      throw resultsErrors.create("RUN_UNREADABLE", `Cannot list ${this.folder}: ${messageOf(cause)}.`, {
        details: { path: this.folder, reason: errnoOf(cause) },
        cause,
      });
    }
  }

  async #requireKnown(name: string): Promise<void> {
    fileNameOf(name);
    const known = await this.list();
    if (known.includes(name)) return;
    const saved = known.length === 0 ? "none is saved" : `saved are ${known.join(", ")}`;
    throw resultsErrors.create("BASELINE_NOT_FOUND", `There is no baseline "${name}" in ${this.folder}: ${saved}.`, {
      details: { name, folder: this.folder, known },
      next: `Save one first: mettle baseline save ${name}.`,
    });
  }
}

const invalidName = (name: string, problem: string): Error =>
  resultsErrors.create("BASELINE_NAME_INVALID", `A baseline cannot be named ${JSON.stringify(name)}: ${problem}.`, {
    details: { name },
  });

const encodeByte = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
const encodeText = (text: string): string => Array.from(Buffer.from(text), encodeByte).join("");

function fileNameOf(name: string): string {
  if (name.trim() === "") throw invalidName(name, "it is blank");
  if (name.includes("\0")) throw invalidName(name, "it contains a NUL character");
  if (!name.isWellFormed()) throw invalidName(name, "it is not valid Unicode");
  const characters = Array.from(name, (each) => (readable.test(each) ? each : encodeText(each)));
  // Hidden files, devices of Windows, and the blanks and dots that it drops from the end.
  if (name.startsWith(".") || name.startsWith(" ") || device.test(name)) characters[0] = encodeText(name[0] ?? "");
  if (/[ .]$/.test(name)) characters[characters.length - 1] = encodeText(name.at(-1) ?? "");
  const encoded = characters.join("");
  if (encoded.length > LONGEST_NAME) throw invalidName(name, `it is longer than ${LONGEST_NAME} bytes once encoded`);
  return encoded;
}

/** The name that a file holds; undefined for a file that no name is stored under, put there by someone else. */
function nameOf(encoded: string): string | undefined {
  if (encoded.length > LONGEST_NAME || !/^(?:[^%]|%[0-9A-F]{2})+$/.test(encoded)) return undefined;
  const bytes = Buffer.from(
    encoded.replace(/%([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16))),
    "latin1",
  );
  const name = bytes.toString("utf8");
  return name.includes("\0") || name.trim() === "" || fileNameOf(name) !== encoded ? undefined : name;
}
