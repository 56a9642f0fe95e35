import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { messageOf } from "@mettle/core";
import { readAzureTrace } from "./azure.ts";
import type { TraceSession } from "./dependencies.ts";
import { traceErrors } from "./errors.ts";
import { readMooncakeCompact, readMooncakeTrace } from "./mooncake.ts";
import { readOtelTrace } from "./otel.ts";
import type { TraceReader, TraceRequest } from "./trace.ts";

export const traceFormats = ["azure", "mooncake", "mooncake-compact", "otel"] as const;
export type TraceFormat = (typeof traceFormats)[number];

export interface TraceFileOptions {
  /** @defaultValue told from the file's beginning */
  readonly format?: TraceFormat;
  /** Only the first so many requests or sessions. @defaultValue 1 000 000 */
  readonly limit?: number;
}

/** A recorded load in memory: requests, or sessions of dependent calls, each with the moment that it came. */
export interface TraceFile {
  readonly format: TraceFormat;
  /** Milliseconds after the first; for the `times` of a scenario. */
  readonly times: readonly number[];
  /** In the same order; empty for traces of sessions. */
  readonly requests: readonly TraceRequest[];
  readonly sessions: readonly TraceSession[];
}

const MOST_REQUESTS = 1_000_000;
const SNIFFED_BYTES = 64 * 1024;
const readers: Readonly<Record<Exclude<TraceFormat, "otel">, TraceReader>> = {
  azure: readAzureTrace,
  mooncake: readMooncakeTrace,
  "mooncake-compact": readMooncakeCompact,
};

/**
 * Reads a recorded load: Azure's CSV of LLM inference, Mooncake's JSONL or its compact CSV, OpenTelemetry traces of agents.
 *
 * @throws MettleError `TRACE_UNREADABLE`, `TRACE_INVALID` with the place, `TRACE_TOO_LARGE`, `TRACE_EMPTY`
 */
export async function readTraceFile(path: string, options: TraceFileOptions = {}): Promise<TraceFile> {
  const { limit = MOST_REQUESTS } = options;
  const source = basename(path);
  const format = options.format ?? formatOf(await beginning(path), source);
  const text = createReadStream(path, "utf8");
  try {
    if (format === "otel") {
      const sessions = (await readOtelTrace(text, { source })).slice(0, limit);
      return { format, times: sessions.map(({ atMs }) => atMs), requests: [], sessions };
    }
    const requests: TraceRequest[] = [];
    for await (const request of readers[format](text, { source })) {
      if (requests.length >= limit) break;
      requests.push(request);
    }
    if (requests.length === 0) throw traceErrors.create("TRACE_EMPTY", `${source}: there is no request in it.`);
    return { format, times: requests.map(({ atMs }) => atMs), requests, sessions: [] };
  } finally {
    text.destroy();
  }
}

async function beginning(path: string): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { bytesRead, buffer } = await file.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch (cause) {
    throw traceErrors.create("TRACE_UNREADABLE", `${path} cannot be read: ${messageOf(cause)}.`, {
      details: { path },
      cause,
    });
  }
}

function formatOf(start: string, source: string): TraceFormat {
  const text = start.replace(/^\ufeff/, "").trimStart();
  const [header = ""] = text.split("\n", 1);
  if (/^TIMESTAMP\b/.test(header) && header.includes("ContextTokens")) return "azure";
  if (/^timestamp_ms\b/.test(header)) return "mooncake-compact";
  if (text.startsWith("{") && /"(?:resourceSpans|spans)"\s*:/.test(text)) return "otel";
  if (header.startsWith("{") && header.includes('"input_length"')) return "mooncake";
  throw traceErrors.create("TRACE_FORMAT_UNKNOWN", `${source} is in none of the formats ${traceFormats.join(", ")}.`, {
    details: { source },
  });
}
