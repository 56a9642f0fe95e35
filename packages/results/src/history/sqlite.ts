import type * as sqlite from "node:sqlite";
import { messageOf } from "@mettle/core";
import { resultsErrors } from "../errors.ts";

/**
 * Loads the built-in SQLite at first use. Early releases of Node 24 announce that it is experimental; that one warning
 * says nothing to a user of the command and is kept from standard error. All others pass.
 */
export function loadSqlite(): typeof sqlite {
  // Put back below, and called with its own receiver.
  // oxlint-disable-next-line typescript/unbound-method
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    const kind = typeof rest[0] === "string" ? rest[0] : (rest[0] as { type?: string } | undefined)?.type;
    if (kind === "ExperimentalWarning" && /SQLite/i.test(messageOf(warning))) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Primary result codes of SQLite (sqlite.org/rescode.html), the low byte of what node:sqlite gives as `errcode`. */
const busy = new Set([5, 6]);
const damaged = new Set([11, 26]);
const unwritable = new Set([10, 13]);
const unreachable = new Set([3, 8, 14, 23]);

/** Gives an error of SQLite one of our codes; anything else comes back as it is. */
function historyError(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof Error) || !("errcode" in thrown) || typeof thrown.errcode !== "number") return thrown;
  const code = thrown.errcode & 0xff;
  const options = { details: { path, sqlite: thrown.errcode }, cause: thrown };
  if (busy.has(code))
    return resultsErrors.create("HISTORY_BUSY", `The history ${path} is in use by another process.`, options);
  if (damaged.has(code)) {
    return resultsErrors.create("HISTORY_CORRUPT", `${path} is damaged or no SQLite file: ${thrown.message}.`, options);
  }
  if (unwritable.has(code)) {
    return resultsErrors.create(
      "HISTORY_WRITE_FAILED",
      `Cannot write the history ${path}: ${thrown.message}.`,
      options,
    );
  }
  if (unreachable.has(code)) {
    return resultsErrors.create("HISTORY_UNREADABLE", `Cannot open the history ${path}: ${thrown.message}.`, options);
  }
  return thrown;
}

/** Runs `work`, giving errors of SQLite our codes. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw historyError(thrown, path);
  }
}

/** All or nothing, and one writer at a time: the lock is taken at once, so a reader never has to be upgraded. */
export function inTransaction<T>(database: sqlite.DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (thrown) {
    // SQLite itself rolls back after some errors (a full disk).
    if (database.isTransaction) database.exec("ROLLBACK");
    throw thrown;
  }
}
