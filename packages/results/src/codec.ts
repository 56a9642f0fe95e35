import { canonicalJson } from "./canonical-json.ts";
import { resultsErrors } from "./errors.ts";
import { jsonExtent } from "./json-end.ts";
import type { Run } from "./run.ts";
import { runDocumentSchema } from "./schema.ts";
import { type CheckOptions, checkRun } from "./validate.ts";

export interface EncodeOptions {
  /** `readable` puts one member on a line and ends in a newline; `compact` has no blanks. @defaultValue "readable" */
  readonly style?: "readable" | "compact";
}

/**
 * The document as JSON text. Equal runs give equal text: properties in the schema's order, names of tags sorted.
 *
 * @throws MettleError `RUN_INVALID` or `RUN_INCONSISTENT`: nothing is written that a reader would refuse, and a NaN does
 * not quietly become null
 */
export function encodeRun(run: Run, options: EncodeOptions = {}): string {
  return canonicalJson(checkRun(run, { source: `run ${run.id}` }), runDocumentSchema, options.style);
}

/**
 * Reads a run document from JSON text, a byte order mark allowed.
 *
 * @throws MettleError `RUN_TRUNCATED`, `RUN_NOT_JSON`, `RUN_VERSION_UNSUPPORTED`, `RUN_INVALID` or `RUN_INCONSISTENT`
 */
export function decodeRun(text: string, options: CheckOptions = {}): Run {
  const source = options.source ?? "the run document";
  return checkRun(parseJson(text.startsWith("\uFEFF") ? text.slice(1) : text, source), { source });
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const extent = jsonExtent(text);
    if (extent.state === "truncated") {
      const byte = Buffer.byteLength(text);
      throw resultsErrors.create(
        "RUN_TRUNCATED",
        `${source} ends early: it stops at byte ${byte} inside the document.`,
        {
          details: { source, byte },
          cause,
        },
      );
    }
    const before = text.slice(0, extent.state === "wrong" ? extent.at : text.length);
    const line = before.split("\n").length;
    const column = before.length - before.lastIndexOf("\n");
    throw resultsErrors.create("RUN_NOT_JSON", `${source} is not JSON: line ${line}, column ${column}.`, {
      details: { source, line, column, byte: Buffer.byteLength(before) },
      cause,
    });
  }
}
