import type { LoadOutput } from "../engine/load-output.ts";
import type { LoadSnapshot } from "../engine/load-snapshot.ts";
import type { SampleBatch } from "../engine/protocol.ts";
import { builtIn } from "../metrics/built-in.ts";
import { FileLines } from "./file-lines.ts";
import { type Sample, SampleReader } from "./sample-reader.ts";

/** Writes every sample as text lines, while the run goes on. */
abstract class SampleFile implements LoadOutput {
  readonly #reader = new SampleReader();
  protected readonly file: FileLines;

  constructor(path: string) {
    this.file = new FileLines(path);
  }

  protected abstract linesOf(sample: Sample): readonly string[];

  samples(worker: number, batch: SampleBatch): void {
    const lines: string[] = [];
    for (const sample of this.#reader.read(worker, batch)) {
      // What is no value is counted in the run document; k6's formats cannot hold it.
      if (Number.isFinite(sample.value)) lines.push(...this.linesOf(sample));
    }
    this.file.write(lines);
  }

  /** The number of users is known to the main thread alone. */
  snapshot({ users, board }: LoadSnapshot): void {
    const atMs = Date.now();
    const most = board.find(builtIn.virtualUsersMax.name)?.measurement(1).summary.last ?? users;
    const levels = [
      { metric: builtIn.virtualUsers, value: users },
      { metric: builtIn.virtualUsersMax, value: most },
    ];
    this.file.write(levels.flatMap((level) => this.linesOf({ ...level, atMs, tags: {} })));
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** `json=FILE`: as `k6 run --out json` writes it, one object a line. */
export class K6JsonFile extends SampleFile {
  readonly #declared = new Set<string>();

  protected override linesOf({ metric, value, atMs, tags }: Sample): readonly string[] {
    const { name, kind, contains } = metric;
    const point = { metric: name, type: "Point", data: { time: new Date(atMs).toISOString(), value, tags } };
    if (this.#declared.has(name)) return [JSON.stringify(point)];
    this.#declared.add(name);
    const data = { name, type: kind, contains, thresholds: [], submetrics: null };
    return [JSON.stringify({ type: "Metric", data, metric: name }), JSON.stringify(point)];
  }
}

const columns = [
  "check",
  "error",
  "error_code",
  "expected_response",
  "group",
  "method",
  "name",
  "proto",
  "scenario",
  "service",
  "status",
  "subproto",
  "tls_version",
  "url",
] as const;
const isColumn = (tag: string): boolean => (columns as readonly string[]).includes(tag);

/** `csv=FILE`: as `k6 run --out csv` writes it; times in whole seconds. */
export class K6CsvFile extends SampleFile {
  constructor(path: string) {
    super(path);
    this.file.write([["metric_name", "timestamp", "metric_value", ...columns, "extra_tags", "metadata"].join(",")]);
  }

  protected override linesOf({ metric, value, atMs, tags }: Sample): readonly string[] {
    const extra = new URLSearchParams(Object.entries(tags).filter(([tag]) => !isColumn(tag))).toString();
    const cells = [
      metric.name,
      Math.floor(atMs / 1000),
      value.toFixed(6),
      ...columns.map((tag) => tags[tag] ?? ""),
      extra,
      "",
    ];
    return [cells.map((cell) => quoted(String(cell))).join(",")];
  }
}

/** RFC 4180: quotes around what holds a comma, a quote or a line end. */
const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
