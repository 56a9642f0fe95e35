import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { encodeRun } from "../codec.ts";
import { resultsErrors } from "../errors.ts";
import { measurementKey } from "../measurement-key.ts";
import type { Comparison, Measurement, Run } from "../run.ts";
import { pointStatistics } from "./schema.ts";
import { inTransaction } from "./sqlite.ts";

/** What was stored, or was there already. */
export interface Appended {
  /** Order of arrival in this history. */
  readonly ordinal: number;
  /** False when this very run was stored before. */
  readonly added: boolean;
}

const columns = [
  "metric_id",
  "at_ms",
  "ordinal",
  "name_label",
  "machine_label",
  "branch_label",
  "profile_label",
  "invalid",
  "count",
  ...pointStatistics.map((name) => `"${name}"`),
  "interval_low",
  "interval_high",
  "control_ratio",
  "ratio",
  "ratio_low",
  "ratio_high",
];

/** Writes runs; its statements are prepared once. */
export class Appender {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #insertRun: StatementSync;
  readonly #insertDocument: StatementSync;
  readonly #insertMetric: StatementSync;
  readonly #insertLabel: StatementSync;
  readonly #insertPoint: StatementSync;
  readonly #stored: StatementSync;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#insertRun = database.prepare(
      `INSERT INTO runs (id, name, kind, profile, at_ms, started_at, duration_ms, commit_id, branch, dirty, fingerprint, validity)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insertDocument = database.prepare("INSERT INTO documents (ordinal, body) VALUES (?, ?)");
    // The update makes RETURNING answer for a row that is there already, and keeps unit and direction current.
    this.#insertMetric = database.prepare(
      `INSERT INTO metrics (key, metric, tags, unit, direction) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET unit = excluded.unit, direction = excluded.direction RETURNING metric_id`,
    );
    this.#insertLabel = database.prepare(
      "INSERT INTO labels (text) VALUES (?) ON CONFLICT (text) DO UPDATE SET text = excluded.text RETURNING label_id",
    );
    this.#insertPoint = database.prepare(
      `INSERT INTO points (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
    this.#stored = database.prepare("SELECT ordinal, body FROM runs JOIN documents USING (ordinal) WHERE id = ?");
  }

  /** @throws MettleError `HISTORY_RUN_CONFLICT`, and what `encodeRun` throws */
  append(run: Run): Appended {
    const document = encodeRun(run, { style: "compact" });
    return inTransaction(this.#database, () => {
      const stored = this.#stored.get(run.id);
      if (stored) return this.#again(run, document, stored);
      const atMs = Date.parse(run.startedAt);
      const { revision } = run;
      const { lastInsertRowid } = this.#insertRun.run(
        run.id,
        run.name,
        run.kind,
        run.profile ?? null,
        atMs,
        run.startedAt,
        run.durationMs,
        revision?.commit ?? null,
        revision?.branch ?? null,
        revision ? Number(revision.dirty) : null,
        run.environment.fingerprint,
        run.validity.state,
      );
      const ordinal = Number(lastInsertRowid);
      this.#insertDocument.run(ordinal, deflateRawSync(document));
      this.#insertPoints(run, ordinal, atMs);
      return { ordinal, added: true };
    });
  }

  #again(run: Run, document: string, stored: Record<string, unknown>): Appended {
    if (inflateRawSync(stored["body"] as Uint8Array).toString() === document) {
      return { ordinal: Number(stored["ordinal"]), added: false };
    }
    throw resultsErrors.create(
      "HISTORY_RUN_CONFLICT",
      `${this.#path} already holds a different run with id ${run.id}.`,
      {
        details: { path: this.#path, id: run.id },
      },
    );
  }

  #insertPoints(run: Run, ordinal: number, atMs: number): void {
    const labels = [
      this.#label(run.name),
      this.#label(run.environment.fingerprint),
      run.revision?.branch === undefined ? null : this.#label(run.revision.branch),
      run.profile === undefined ? null : this.#label(run.profile),
      Number(run.validity.state === "invalid"),
    ];
    for (const [key, { measurement, comparison }] of pointsOf(run)) {
      const one = measurement ?? comparison;
      if (!one) continue;
      const metric = this.#insertMetric.get(key, one.metric, JSON.stringify(one.tags), one.unit, one.direction);
      const summary = measurement?.summary;
      const figures: SQLInputValue[] = [
        summary?.count ?? null,
        ...pointStatistics.map((name) => summary?.[name] ?? null),
        measurement?.interval?.low ?? null,
        measurement?.interval?.high ?? null,
        measurement?.controlRatio ?? null,
        comparison?.ratio ?? null,
        comparison?.interval.low ?? null,
        comparison?.interval.high ?? null,
      ];
      this.#insertPoint.run(Number(metric?.["metric_id"]), atMs, ordinal, ...labels, ...figures);
    }
  }

  #label(text: string): number {
    return Number(this.#insertLabel.get(text)?.["label_id"]);
  }
}

interface PointSource {
  measurement?: Measurement;
  comparison?: Comparison;
}

/** What a run says of each metric: its measurement, its comparison (the first, where it made several), or both. */
function pointsOf(run: Run): ReadonlyMap<string, PointSource> {
  const points = new Map<string, PointSource>();
  for (const measurement of run.measurements) points.set(measurementKey(measurement), { measurement });
  for (const comparison of run.comparisons ?? []) {
    const key = measurementKey(comparison);
    const point = points.get(key) ?? {};
    point.comparison ??= comparison;
    points.set(key, point);
  }
  return points;
}
