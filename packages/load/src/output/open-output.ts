import { resolve } from "node:path";
import { loadErrors } from "../engine/errors.ts";
import type { LoadOutput } from "../engine/load-output.ts";
import { K6CsvFile, K6JsonFile } from "./k6-files.ts";
import { otlpFormat } from "./otlp.ts";
import { prometheusFormat } from "./prometheus.ts";
import { PushedMetrics } from "./pushed.ts";

/**
 * Opens what `--out KIND=WHERE` names: `json=FILE`, `csv=FILE` (k6's formats), `otlp=URL`, `prometheus=URL` (remote write).
 *
 * @param service - what the metrics are of, for OTLP
 * @throws MettleError `LOAD_OUTPUT_INVALID`
 */
export function openOutput(text: string, cwd: string, service: string): LoadOutput {
  const [kind = "", ...rest] = text.split("=");
  const where = rest.join("=");
  switch (kind) {
    case "json":
    case "csv": {
      if (where === "") throw invalid(text, "a file is missing");
      const path = resolve(cwd, where);
      return kind === "json" ? new K6JsonFile(path) : new K6CsvFile(path);
    }
    case "otlp":
      return new PushedMetrics({ url: otlpUrl(text, where), format: otlpFormat(service) });
    case "prometheus":
    case "experimental-prometheus-rw":
      return new PushedMetrics({ url: checkedUrl(text, where).href, format: prometheusFormat });
    default:
      throw invalid(text, `there is no output ${JSON.stringify(kind)}`);
  }
}

/** A collector's address alone means its path for metrics. */
function otlpUrl(text: string, where: string): string {
  const url = checkedUrl(text, where);
  return url.pathname === "/" ? new URL("/v1/metrics", url).href : url.href;
}

function checkedUrl(text: string, where: string): URL {
  const url = URL.parse(where);
  if (!url || !/^https?:$/.test(url.protocol)) throw invalid(text, "an address with http:// or https:// is missing");
  return url;
}

const invalid = (text: string, problem: string): Error =>
  loadErrors.create("LOAD_OUTPUT_INVALID", `Output ${JSON.stringify(text)}: ${problem}.`, {
    details: { output: text },
  });
