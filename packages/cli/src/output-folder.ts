import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { MettleError, messageOf } from "@mettle/core";
import { makeFolder, type Run, writeRun } from "@mettle/results";
import { cliErrors } from "./errors.ts";

/** The one folder that a command writes into. Names that lead out of it are a defect and throw. */
export class OutputFolder {
  readonly path: string;
  readonly #cwd: string;

  constructor(path: string, cwd: string) {
    this.path = path;
    this.#cwd = cwd;
  }

  /** The absolute path of a file in the folder. */
  file(name: string): string {
    const path = resolve(this.path, name);
    const inside = relative(this.path, path);
    if (inside === "" || inside.startsWith("..") || isAbsolute(inside)) {
      throw new Error(`${JSON.stringify(name)} leads out of ${this.path}`);
    }
    return path;
  }

  /** A file's path as people read it: from the current folder. */
  shown(name: string): string {
    return relative(this.#cwd, this.file(name)) || this.file(name);
  }

  /**
   * Makes the folder, so that whoever is about to measure for minutes knows before that the result has a place.
   *
   * @throws MettleError `OUTPUT_WRITE_FAILED`
   */
  make(): Promise<void> {
    return this.writing(this.path, () => makeFolder(this.path));
  }

  /**
   * Writes all of a file or nothing: where the disk is full, what was there before stays.
   *
   * @throws MettleError `OUTPUT_WRITE_FAILED`
   */
  write(name: string, content: string | Uint8Array): Promise<void> {
    const path = this.file(name);
    return this.writing(path, async () => {
      await makeFolder(dirname(path));
      const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
      try {
        await writeFile(temporary, content);
        await rename(temporary, path);
      } catch (failure) {
        await rm(temporary, { force: true });
        throw failure;
      }
    });
  }

  /**
   * Gives what an action that writes here throws its code.
   *
   * @param what - path, for the message
   * @throws MettleError `OUTPUT_WRITE_FAILED` where the file system refuses; anything else as it is
   */
  async writing<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      const reason = cause instanceof Error && "syscall" in cause ? (cause as NodeJS.ErrnoException).code : undefined;
      if (reason === undefined) throw cause;
      throw cliErrors.create("OUTPUT_WRITE_FAILED", `Cannot write ${what}: ${messageOf(cause)}.`, {
        details: { path: what, reason },
        cause,
      });
    }
  }

  /**
   * Writes a run. Measuring took time that nobody wants to spend again: where the folder refuses it, the system's
   * temporary folder takes it, and the error says where.
   *
   * @throws MettleError `RUN_WRITE_FAILED`
   */
  async writeRun(name: string, run: Run, spareFolder: string = tmpdir()): Promise<void> {
    try {
      await writeRun(this.file(name), run);
    } catch (error) {
      if (!(error instanceof MettleError)) throw error;
      if (error.code === "RUN_INVALID" || error.code === "RUN_INCONSISTENT")
        throw await this.#setAside(name, run, error);
      if (error.code !== "RUN_WRITE_FAILED") throw error;
      const spare = join(spareFolder, `mettle-run-${run.id}.json`);
      throw await this.#rescued(run, spare, error);
    }
  }

  /** A document that our own reader would refuse is a defect of ours; what was measured is kept for whoever mends it. */
  async #setAside(name: string, run: Run, error: MettleError): Promise<MettleError> {
    const aside = `${name.replace(/\.json$/, "")}.refused.json`;
    await this.write(aside, JSON.stringify(run, null, 2));
    const { code, message, details, exitCode, retryable } = error;
    const next = `What was measured is kept in ${this.shown(aside)}, as it stands. Please report it: this is a defect of Mettle.`;
    return new MettleError(code, { next, exitCode, retryable }, message, { details, cause: error });
  }

  async #rescued(run: Run, spare: string, error: MettleError): Promise<MettleError> {
    const next = await writeRun(spare, run).then(
      () => `The run is safe in ${spare}. Free some space or choose another folder with --out, then move it there.`,
      (second: unknown) => `${error.next} The run could not be kept elsewhere either: ${messageOf(second)}`,
    );
    const { code, message, details, exitCode, retryable } = error;
    return new MettleError(code, { next, exitCode, retryable }, message, {
      details: { ...details, spare },
      cause: error,
    });
  }
}
