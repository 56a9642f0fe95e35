import { createRequire } from "node:module";
import { MettleError, messageOf } from "@mettle/core";
import type * as yaml from "yaml";
import { isObject } from "./document.ts";
import { convertErrors, invalidInput } from "./errors.ts";
import { scenarioFromHar } from "./har.ts";
import { scenarioFromOpenApi } from "./openapi.ts";
import { scenarioFromPostman } from "./postman.ts";
import { printScenario } from "./print-scenario.ts";
import type { ScenarioModel } from "./scenario-model.ts";

export const convertFormats = ["har", "postman", "openapi"] as const;
export type ConvertFormat = (typeof convertFormats)[number];

export interface ConvertOptions {
  /** Named in errors: the file. */
  readonly source: string;
  /** @defaultValue told from what is in the file */
  readonly format?: ConvertFormat;
}

export interface Converted {
  readonly format: ConvertFormat;
  readonly scenario: ScenarioModel;
  /** A TypeScript file for `mettle load`. */
  readonly code: string;
}

/**
 * Makes a scenario of a HAR file, a Postman collection or an OpenAPI document (JSON or YAML).
 *
 * @throws MettleError `CONVERT_INVALID` with the place, `CONVERT_UNSUPPORTED`, `CONVERT_EMPTY`
 */
export function convertToScenario(text: string, options: ConvertOptions): Converted {
  const document = parseText(text, options.source);
  const format = options.format ?? formatOf(document, options.source);
  const convert = { har: scenarioFromHar, postman: scenarioFromPostman, openapi: scenarioFromOpenApi }[format];
  const scenario = convert(document, { source: options.source });
  return { format, scenario, code: printScenario(scenario) };
}

function parseText(text: string, source: string): unknown {
  const trimmed = text.replace(/^\ufeff/, "");
  if (/^\s*[[{]/.test(trimmed)) {
    try {
      return JSON.parse(trimmed);
    } catch (cause) {
      throw invalidInput(source, "the document", `it is not JSON: ${messageOf(cause)}`, cause);
    }
  }
  // Required when it is needed: who imports this package for a load test need not read YAML.
  const { parseDocument } = createRequire(import.meta.url)("yaml") as typeof yaml;
  const document = parseDocument(trimmed);
  const [error] = document.errors;
  if (error) {
    const { line, col } = error.linePos?.[0] ?? { line: 1, col: 1 };
    throw invalidInput(
      source,
      `line ${line}, column ${col}`,
      `it is not YAML: ${error.message.split("\n", 1)[0] ?? ""}`,
      error,
    );
  }
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw invalidInput(source, "the document", `it cannot be read: ${messageOf(cause)}`, cause);
  }
}

/** What of these a text is, as far as one can see; undefined for anything else. */
export function convertFormatOf(text: string): ConvertFormat | undefined {
  try {
    return knownFormat(parseText(text, ""));
  } catch (refused) {
    if (refused instanceof MettleError && refused.code === "CONVERT_INVALID") return undefined;
    throw refused;
  }
}

function knownFormat(document: unknown): ConvertFormat | undefined {
  if (!isObject(document)) return undefined;
  if (isObject(document["log"])) return "har";
  if (document["openapi"] !== undefined || document["swagger"] !== undefined) return "openapi";
  return isObject(document["info"]) && document["item"] !== undefined ? "postman" : undefined;
}

function formatOf(document: unknown, source: string): ConvertFormat {
  const format = knownFormat(document);
  if (format) return format;
  throw convertErrors.create(
    "CONVERT_UNSUPPORTED",
    `${source} is neither a HAR file, a Postman collection nor an OpenAPI document.`,
    { details: { source } },
  );
}
