import type { DatabaseSync } from "node:sqlite";
import { resultsErrors } from "../errors.ts";
import { inTransaction } from "./sqlite.ts";

/** "Mttl": tells our files from other SQLite files. */
const APPLICATION_ID = 0x4d74746c;

/** Columns of `points` that hold a statistic of the summary, under its own name. */
export const pointStatistics = [
  "mean",
  "stddev",
  "min",
  "p50",
  "p75",
  "p90",
  "p95",
  "p99",
  "p999",
  "max",
  "sum",
  "perSecond",
  "rate",
  "last",
] as const;

/*
 * runs       one row a run; `ordinal` is the order of arrival
 * documents  the whole run, compressed: apart, so that listing runs never reads it
 * metrics    each metric and tag set once
 * labels     branch, machine, name and profile each once, so that a point carries small integers
 * points     one row a run and metric, stored in the order a series is read (metric, then time): one range scan,
 *            nothing looked up elsewhere
 */
const version1 = `
CREATE TABLE labels (label_id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE runs (
  ordinal INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  profile TEXT,
  at_ms INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  duration_ms REAL NOT NULL,
  commit_id TEXT,
  branch TEXT,
  dirty INTEGER,
  fingerprint TEXT NOT NULL,
  validity TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_time ON runs (at_ms, ordinal);
CREATE INDEX runs_by_commit ON runs (commit_id) WHERE commit_id IS NOT NULL;
CREATE TABLE documents (
  ordinal INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE metrics (
  metric_id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  metric TEXT NOT NULL,
  tags TEXT NOT NULL,
  unit TEXT NOT NULL,
  direction TEXT NOT NULL
) STRICT;
CREATE TABLE points (
  metric_id INTEGER NOT NULL REFERENCES metrics,
  at_ms INTEGER NOT NULL,
  ordinal INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  name_label INTEGER NOT NULL,
  machine_label INTEGER NOT NULL,
  branch_label INTEGER,
  profile_label INTEGER,
  invalid INTEGER NOT NULL,
  count INTEGER,
  ${pointStatistics.map((name) => `"${name}" REAL`).join(",\n  ")},
  interval_low REAL,
  interval_high REAL,
  control_ratio REAL,
  ratio REAL,
  ratio_low REAL,
  ratio_high REAL,
  PRIMARY KEY (metric_id, at_ms, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX points_by_run ON points (ordinal);
`;

/** A step of the schema: SQL, or code where data must be converted. Step i leads from version i to i + 1. */
export type Migration = string | ((database: DatabaseSync) => void);
const migrations: readonly Migration[] = [version1];

/**
 * Brings a file to the newest schema; several processes may do so at once.
 *
 * @param steps - tests pass their own to see a migration happen
 * @throws MettleError `HISTORY_CORRUPT` for another program's file, `HISTORY_VERSION_UNSUPPORTED` for a newer schema
 */
export function migrate(database: DatabaseSync, path: string, steps: readonly Migration[] = migrations): void {
  if (currentVersion(database, path, steps) === steps.length) return;
  inTransaction(database, () => {
    // Read again under the lock: another process may have been quicker.
    const from = currentVersion(database, path, steps);
    for (const step of steps.slice(from)) {
      if (typeof step === "string") database.exec(step);
      else step(database);
    }
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${steps.length}`);
  });
}

function currentVersion(database: DatabaseSync, path: string, steps: readonly Migration[]): number {
  const owner = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  if (owner === APPLICATION_ID) {
    if (version > steps.length) {
      throw resultsErrors.create(
        "HISTORY_VERSION_UNSUPPORTED",
        `${path} has schema version ${version}; this version of Mettle knows ${steps.length}.`,
        { details: { path, version, supported: steps.length } },
      );
    }
    return version;
  }
  const objects = database.prepare("SELECT count(*) AS objects FROM sqlite_schema").get();
  if (owner !== 0 || version !== 0 || objects?.["objects"] !== 0) {
    throw resultsErrors.create("HISTORY_CORRUPT", `${path} is a database of another program, not a Mettle history.`, {
      details: { path, applicationId: owner },
      next: "Give the path of a Mettle history, or of a file that does not exist yet.",
    });
  }
  return 0;
}

function pragma(database: DatabaseSync, name: "application_id" | "user_version"): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
