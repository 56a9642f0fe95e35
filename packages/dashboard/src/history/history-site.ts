import { createHash } from "node:crypto";
import { MettleError } from "@mettle/core";
import {
  type HistoryLinks,
  type MetricHistory,
  renderHistoryHtml,
  renderMessageHtml,
  renderMetricHtml,
} from "@mettle/report";
import type { RunEntry } from "@mettle/results";

/** Where a site finds what it shows. Asked again for every page, so that it may go on growing. */
export interface HistorySource {
  /** Of the site: the name of the project. */
  readonly title: string;
  /** Equal as long as there is nothing new. */
  version(): string;
  /** Newest first. */
  runs(): readonly RunEntry[];
  metrics(): readonly MetricHistory[];
  /**
   * The page of a run; undefined where the history does not hold it.
   *
   * @throws MettleError where one cannot be made; the site then says so
   */
  report(id: string): string | undefined;
}

/** What was read at one version. */
interface Contents {
  readonly version: string;
  readonly runs: readonly RunEntry[];
  readonly metrics: readonly MetricHistory[];
  readonly byFile: ReadonlyMap<string, MetricHistory>;
}

/**
 * The pages of a history: an index of runs and metrics, a page for each metric, the report of each run. Links are relative,
 * so that a server and a folder of files are the same site.
 */
export class HistorySite {
  readonly #source: HistorySource;
  readonly #runsWithPages: (runs: readonly RunEntry[]) => ReadonlySet<string>;
  #contents: Contents | undefined;

  /** @param mostReports - reports of the newest so many runs are pages of the site. @defaultValue all */
  constructor(source: HistorySource, mostReports: number = Number.POSITIVE_INFINITY) {
    this.#source = source;
    this.#runsWithPages = (runs) => new Set(runs.slice(0, mostReports).map(({ id }) => id));
  }

  /** Every page there is, as paths relative to the site, the index first. */
  paths(): readonly string[] {
    const { runs, byFile } = this.#read();
    const shown = this.#runsWithPages(runs);
    return [
      "index.html",
      ...[...byFile.keys()].map((file) => `metrics/${file}`),
      ...runs.filter(({ id }) => shown.has(id)).map(({ id }) => `runs/${id}.html`),
    ];
  }

  /** A page by its path; undefined where there is none. A run that no page can be made of has one that says why. */
  page(path: string): string | undefined {
    const contents = this.#read();
    if (path === "index.html" || path === "") {
      const { runs, metrics } = contents;
      return renderHistoryHtml(this.#source.title, metrics, { runs, links: this.#links(contents, "") });
    }
    const [, folder, file = ""] = /^(metrics|runs)\/([\w.-]+\.html)$/.exec(path) ?? [];
    if (folder === "metrics") {
      const history = contents.byFile.get(file);
      return history && renderMetricHtml(this.#source.title, history, this.#links(contents, "../"));
    }
    return folder === "runs" ? this.#report(file.slice(0, -".html".length)) : undefined;
  }

  #report(id: string): string | undefined {
    try {
      return this.#source.report(id);
    } catch (error) {
      if (!(error instanceof MettleError)) throw error;
      return renderMessageHtml("No page", error.message, error.next, { text: "All runs", href: "../index.html#runs" });
    }
  }

  #links({ runs, byFile }: Contents, up: string): HistoryLinks {
    const shown = this.#runsWithPages(runs);
    return {
      index: `${up}index.html`,
      metric: (history) => {
        const file = metricFile(history);
        return byFile.has(file) ? `${up}metrics/${file}` : undefined;
      },
      run: (id) => (shown.has(id) ? `${up}runs/${id}.html` : undefined),
    };
  }

  #read(): Contents {
    const version = this.#source.version();
    if (this.#contents?.version === version) return this.#contents;
    const metrics = this.#source.metrics();
    this.#contents = {
      version,
      runs: this.#source.runs(),
      metrics,
      byFile: new Map(metrics.map((history) => [metricFile(history), history])),
    };
    return this.#contents;
  }
}

const LONGEST_NAME = 80;

/** A file for a metric and its tags: readable, the same every time, different from any other on every file system. */
function metricFile({ metric, tags }: Pick<MetricHistory, "metric" | "tags">): string {
  const all = Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const plain = [metric, ...all.map(([name, value]) => `${name}-${value}`)]
    .join("_")
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[-._]+|[-._]+$/g, "")
    .slice(0, LONGEST_NAME);
  const hash = createHash("sha256")
    .update(JSON.stringify([metric, all]))
    .digest("hex")
    .slice(0, 8);
  return `${plain === "" ? "metric" : plain}-${hash}.html`;
}
