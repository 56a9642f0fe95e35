import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { inflateRawSync } from "node:zlib";
import { messageOf } from "@mettle/core";
import { errnoOf } from "../atomic-file.ts";
import { decodeRun } from "../codec.ts";
import { resultsErrors } from "../errors.ts";
import { makeFolderSync } from "../folder.ts";
import type { Run } from "../run.ts";
import { type Appended, Appender } from "./append.ts";
import {
  type MetricEntry,
  type RunEntry,
  type RunFilter,
  type SeriesPoint,
  type SeriesQuery,
  selectMetrics,
  selectRun,
  selectRuns,
  selectSeries,
} from "./query.ts";
import { migrate } from "./schema.ts";
import { guarded, inTransaction, loadSqlite } from "./sqlite.ts";

export interface HistoryOptions {
  /** How long to wait for another process that is writing, ms. @defaultValue 5000 */
  readonly busyTimeoutMs?: number;
  /** Largest file, in pages of 4 kB; an append beyond it fails as on a full disk. @defaultValue no limit */
  readonly maxPages?: number;
}
export const historyDefaults: { readonly busyTimeoutMs: number } = { busyTimeoutMs: 5000 };

export interface PruneOptions {
  /** Keep the newest so many runs of each name. */
  readonly keepPerName?: number;
  /** Remove runs that started before this moment, ms since 1970. */
  readonly beforeMs?: number;
}

/**
 * Runs over time in one SQLite file. Several processes may read and write at once; a process that dies in the middle of
 * an append leaves no part of it. Methods are synchronous: an append takes about half a millisecond.
 *
 * Every method may throw MettleError `HISTORY_BUSY`, `HISTORY_CORRUPT`, `HISTORY_WRITE_FAILED` or `HISTORY_UNREADABLE`.
 */
export class History implements Disposable {
  readonly path: string;
  readonly #database: DatabaseSync;
  #appender: Appender | undefined;

  /** Use `openHistory`. */
  constructor(path: string, database: DatabaseSync) {
    this.path = path;
    this.#database = database;
  }

  /**
   * Stores a run; storing the same one again changes nothing.
   *
   * @throws MettleError `HISTORY_RUN_CONFLICT` when a different run has its id; `RUN_INVALID`, `RUN_INCONSISTENT`
   */
  append(run: Run): Appended {
    return guarded(this.path, () => {
      this.#appender ??= new Appender(this.#database, this.path);
      return this.#appender.append(run);
    });
  }

  /**
   * One figure of one metric over the runs, oldest first; runs that did not measure it are left out.
   *
   * @throws MettleError `STATISTIC_INVALID` for a statistic that no summary holds
   */
  series(query: SeriesQuery): readonly SeriesPoint[] {
    return guarded(this.path, () => selectSeries(this.#database, query));
  }

  /** Runs without their measurements, newest first. */
  runs(filter: RunFilter & { readonly limit?: number } = {}): readonly RunEntry[] {
    return guarded(this.path, () => selectRuns(this.#database, filter, filter.limit ?? -1));
  }

  /** What a point of a series belongs to. */
  entry(ordinal: number): RunEntry | undefined {
    return guarded(this.path, () => selectRun(this.#database, "ordinal", ordinal));
  }

  /** The whole run, checked as a file would be. @throws MettleError as `decodeRun` */
  get(id: string): Run | undefined {
    const entry = guarded(this.path, () => selectRun(this.#database, "id", id));
    return entry && this.#document(entry);
  }

  /** The newest whole run that the filter lets through: of a branch, a commit, a name. */
  latest(filter: RunFilter = {}): Run | undefined {
    const entry = this.runs({ ...filter, limit: 1 })[0];
    return entry && this.#document(entry);
  }

  /** Every metric and tag set that any run measured, by key. */
  metrics(): readonly MetricEntry[] {
    return guarded(this.path, () => selectMetrics(this.#database));
  }

  /**
   * Removes runs that either option names, and returns their space to the file system.
   *
   * @returns how many were removed
   */
  prune(options: PruneOptions): number {
    return guarded(this.path, () => {
      const removed = inTransaction(this.#database, () => {
        const old = this.#database.prepare("DELETE FROM runs WHERE at_ms < ?").run(options.beforeMs ?? -8.64e15);
        const surplus = this.#database
          .prepare(
            `DELETE FROM runs WHERE ordinal IN (SELECT ordinal FROM
               (SELECT ordinal, row_number() OVER (PARTITION BY name ORDER BY at_ms DESC, ordinal DESC) AS age FROM runs)
             WHERE age > ?)`,
          )
          .run(options.keepPerName ?? Number.MAX_SAFE_INTEGER);
        this.#database.exec("DELETE FROM metrics WHERE metric_id NOT IN (SELECT metric_id FROM points)");
        return Number(old.changes) + Number(surplus.changes);
      });
      this.#database.exec("PRAGMA incremental_vacuum");
      return removed;
    });
  }

  /** Reads the whole file and names every fault; empty when it is sound. Takes seconds for gigabytes. */
  check(): readonly string[] {
    return guarded(this.path, () =>
      this.#database
        .prepare("PRAGMA integrity_check")
        .all()
        .map((row) => String(row["integrity_check"]))
        .filter((line) => line !== "ok"),
    );
  }

  /** May be called twice. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #document(entry: RunEntry): Run {
    const row = guarded(this.path, () =>
      this.#database.prepare("SELECT body FROM documents WHERE ordinal = ?").get(entry.ordinal),
    );
    const source = `run ${entry.id} in ${this.path}`;
    return decodeRun(inflate(row?.["body"], source, this.path), { source });
  }
}

function inflate(body: unknown, source: string, path: string): string {
  if (!(body instanceof Uint8Array)) {
    throw resultsErrors.create("HISTORY_CORRUPT", `${source} has no document.`, { details: { path } });
  }
  try {
    return inflateRawSync(body).toString();
  } catch (cause) {
    throw resultsErrors.create("HISTORY_CORRUPT", `${source} is damaged: ${messageOf(cause)}.`, {
      details: { path },
      cause,
    });
  }
}

/**
 * Opens a history, making the file and its folder when there is none.
 *
 * @param path - a file, or `:memory:`
 * @throws MettleError `HISTORY_CORRUPT` for a damaged file or another program's, `HISTORY_VERSION_UNSUPPORTED`,
 * `HISTORY_UNREADABLE`, `HISTORY_BUSY`
 */
export function openHistory(path: string, options: HistoryOptions = {}): History {
  const { busyTimeoutMs, maxPages } = { ...historyDefaults, ...options };
  makeFolderFor(path);
  return guarded(path, () => {
    const { DatabaseSync: Database } = loadSqlite();
    const database = new Database(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
    try {
      // Only before the first table can this be chosen; pruning can then shrink the file.
      const { page_count: pages } = { ...database.prepare("PRAGMA page_count").get() };
      if (pages === 0) database.exec("PRAGMA auto_vacuum = INCREMENTAL");
      migrate(database, path);
      // Readers do not stop the writer. Kept in the file, so this is a change only once.
      database.exec("PRAGMA journal_mode = WAL");
      // A crash of the machine may lose the last appends, never damage the file.
      database.exec("PRAGMA synchronous = NORMAL");
      // 32 MB: the whole series of a metric over 100 000 runs stays in memory between queries.
      database.exec("PRAGMA cache_size = -32768");
      if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${Math.floor(maxPages)}`);
    } catch (thrown) {
      database.close();
      throw thrown;
    }
    return new History(path, database);
  });
}

function makeFolderFor(path: string): void {
  try {
    makeFolderSync(dirname(path));
  } catch (cause) {
    throw resultsErrors.create("HISTORY_UNREADABLE", `Cannot make a folder for ${path}: ${messageOf(cause)}.`, {
      details: { path, reason: errnoOf(cause) },
      cause,
    });
  }
}
