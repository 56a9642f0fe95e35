import type { Timing } from "../telemetry/timings.ts";

/** Upper bounds of request times, seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
/** Routes are few; what is asked for beside them is one of its own. */
const seriesAtMost = 1000;

interface Series {
  readonly labels: string;
  readonly counts: number[];
  sum: number;
  count: number;
}

/** A figure that is read when it is asked for. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly kind: "gauge" | "counter";
  readonly read: () => number | Readonly<Record<string, number>>;
  /** Of the parts, when `read` gives several. */
  readonly label?: string;
}

/** What the service tells of itself at /metrics, as OpenMetrics text. */
export class Metrics {
  readonly #series = new Map<string, Series>();
  readonly #gauges: Gauge[] = [];
  readonly #timings: Timing[] = [];

  /** Hot: once a request. */
  request(route: string, method: string, status: number, seconds: number): void {
    const key = `${method} ${route} ${status}`;
    let series = this.#series.get(key);
    if (!series) {
      if (this.#series.size >= seriesAtMost) return;
      const labels = `method="${escape(method)}",route="${escape(route)}",status="${status}"`;
      series = { labels, counts: Array.from(bounds, () => 0), sum: 0, count: 0 };
      this.#series.set(key, series);
    }
    for (let i = bounds.length - 1; i >= 0 && seconds <= (bounds[i] as number); i--)
      series.counts[i] = (series.counts[i] ?? 0) + 1;
    series.sum += seconds;
    series.count += 1;
  }

  add(...gauges: readonly Gauge[]): void {
    this.#gauges.push(...gauges);
  }

  /** Histograms; those of one name follow each other. */
  time(...timings: readonly Timing[]): void {
    this.#timings.push(...timings);
  }

  render(): string {
    const lines = [
      "# TYPE http_server_request_duration_seconds histogram",
      "# UNIT http_server_request_duration_seconds seconds",
      "# HELP http_server_request_duration_seconds Time from a request's arrival to the end of its answer.",
    ];
    const name = "http_server_request_duration_seconds";
    for (const { labels, counts, sum, count } of this.#series.values()) {
      for (const [i, bound] of bounds.entries()) lines.push(`${name}_bucket{${labels},le="${bound}"} ${counts[i]}`);
      lines.push(
        `${name}_bucket{${labels},le="+Inf"} ${count}`,
        `${name}_count{${labels}} ${count}`,
        `${name}_sum{${labels}} ${sum}`,
      );
    }
    for (const [i, timing] of this.#timings.entries()) {
      const { name: metric, help, labels, times } = timing;
      if (this.#timings[i - 1]?.name !== metric) lines.push(`# TYPE ${metric} histogram`, `# HELP ${metric} ${help}`);
      lines.push(...times.lines(metric, labels));
    }
    for (const gauge of this.#gauges) lines.push(...render(gauge));
    return `${lines.join("\n")}\n# EOF\n`;
  }
}

function render({ name, help, kind, read, label = "part" }: Gauge): string[] {
  const value = read();
  const end = kind === "counter" ? "_total" : "";
  const values =
    typeof value === "number"
      ? [`${name}${end} ${value}`]
      : Object.entries(value).map(([part, one]) => `${name}${end}{${label}="${escape(part)}"} ${one}`);
  return [`# TYPE ${name} ${kind}`, `# HELP ${name} ${help}`, ...values];
}

const escape = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
