import { existsSync, readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, parseDurationMs } from "@mettle/core";
import {
  convertFormatOf,
  gatherFiles,
  type HttpOptions,
  type HttpRequest,
  importLoadTest,
  k6LoadTest,
  type K6LoadParameters,
  type K6Script,
  loadK6,
  type LoadOptions,
  type LoadSource,
  loadSource,
  type LoadTest,
  type ModelLoadParameters,
  type UrlLoadParameters,
} from "@mettle/load";
import type { CommandContext } from "../command-context.ts";
import { cliErrors } from "../errors.ts";
import { isOwnFile, ownModules } from "./own-modules.ts";
import { isK6Script, k6Parameters } from "./k6-script.ts";
import { isModelTarget, modelParameters, traceOf } from "./model-target.ts";
import { pairs } from "./pairs.ts";
import { isServiceTarget, serviceTarget } from "./service-target.ts";
import { withTrace } from "./trace.ts";

/** What each thread makes a load test of a k6 script from. */
const k6Factory = "k6Load";

/** What `mettle load` is to load, found and read. */
export interface LoadTarget {
  /** For people: the URL, or the file as written. */
  readonly shown: string;
  /** What each thread loads. */
  readonly source: LoadSource;
  /** As this thread holds it: its options are what counts here. */
  readonly test: LoadTest;
  /** Of a script of k6. */
  readonly k6?: K6Script;
  /** What it is made of and reads, when it is to be sent to workers. */
  readonly files?: readonly string[];
}

const extensions: readonly string[] = [".ts", ".mts", ".js", ".mjs", ".cjs"];
const declarative: readonly string[] = [".yaml", ".yml", ".json"];
/** Of other tools: HAR files, Postman collections, OpenAPI documents. */
const documents: readonly string[] = [...declarative, ".har"];

/**
 * Reads what a command line names: a URL, a script, a YAML scenario, a document of another tool.
 *
 * @throws MettleError `LOAD_SCRIPT_UNREADABLE`, `LOAD_SCRIPT_INVALID`, `USAGE_VALUE_INVALID`
 */
export async function findTarget(context: CommandContext): Promise<LoadTarget> {
  const named = context.positionals[0] ?? "";
  const source = await sourceOf(named, context);
  if (context.flags.text("nats") === undefined) return readTarget(named, source, context);
  const { result, files } = await gatherFiles(() => readTarget(named, source, context), isOwnFile);
  return { ...result, files };
}

async function readTarget(named: string, source: LoadSource, context: CommandContext): Promise<LoadTarget> {
  if (source.factory === k6Factory) {
    if (traceOf(context)) {
      throw cliErrors.create("USAGE_VALUE_INVALID", "--trace is not for scripts of k6.", {
        details: { flag: "--trace" },
      });
    }
    const k6 = await loadK6(source.parameters as K6LoadParameters);
    return { shown: named, source, test: k6LoadTest(k6), k6 };
  }
  const test = await importLoadTest(source);
  return { shown: named, source, test: { ...test, options: await withTrace(test.options, context) } };
}

/** Whether the command line names a script of k6. */
export function namesK6Script({ positionals, cwd }: CommandContext): boolean {
  const named = positionals[0] ?? "";
  return !/^https?:\/\//.test(named) && existsSync(resolve(cwd, named)) && isK6Script(resolve(cwd, named));
}

async function sourceOf(named: string, context: CommandContext): Promise<LoadSource> {
  const isModel = isModelTarget(context);
  if (isServiceTarget(named)) return await serviceTarget(named, context);
  if (/^https?:\/\//.test(named)) {
    return isModel ? loadSource("model", modelOf(named, context)) : loadSource("url", urlParameters(named, context));
  }
  const file = resolve(context.cwd, named);
  const extension = extname(file);
  const known = [...extensions, ...documents];
  if (!existsSync(file) || !known.includes(extension)) {
    const why = existsSync(file) ? `is none of ${known.join(", ")}` : "is no file, and no URL with http:// or https://";
    throw cliErrors.create("USAGE_VALUE_INVALID", `${named} ${why}.`, {
      details: { target: named },
      next: "Name a URL, a script, a YAML scenario or a document of another tool: mettle load http://127.0.0.1:3000/ -c 10 -d 10s.",
    });
  }
  const env = pairs(context, "env");
  const script = pathToFileURL(file).href;
  if (isK6Script(file)) return loadSource("k6", k6Parameters(file, context));
  const format = documents.includes(extension) ? convertFormatOf(readFileSync(file, "utf8")) : undefined;
  if (format || extension === ".har") return loadSource("converted", { file, env, ...(format && { format }) });
  if (declarative.includes(extension)) return loadSource("declarative", { file, env });
  return loadSource("script", { script, env, own: ownModules() });
}

/** Without a load said, a model is asked by one user after the other: a stream is long. */
const modelOptions: LoadOptions = { vus: 1, duration: "10s" };

function modelOf(url: string, context: CommandContext): ModelLoadParameters {
  return modelParameters(url, modelOptions, httpOptions(context), context);
}

function urlParameters(url: string, context: CommandContext): UrlLoadParameters {
  const { flags } = context;
  const body = bodyOf(context);
  const timeout = flags.text("timeout");
  const request: HttpRequest = {
    method: (flags.text("method") ?? (body === undefined ? "GET" : "POST")).toUpperCase(),
    url,
    headers: Object.entries(pairs(context, "header", /\s*:\s*/)),
    timeoutMs: timeout === undefined ? 60_000 : parseDurationMs(timeout),
    ...(body !== undefined && { body }),
  };
  const options: LoadOptions = { vus: 10, duration: "10s" };
  return { request, options, http: httpOptions(context) };
}

function httpOptions({ flags }: CommandContext): HttpOptions {
  return {
    ...(flags.on("insecure-skip-tls-verify") && { tls: { insecureSkipVerify: true } }),
    ...(flags.on("no-connection-reuse") && { keepAlive: false }),
  };
}

function bodyOf({ flags, cwd }: CommandContext): string | Uint8Array | undefined {
  const given = flags.text("body");
  if (!given?.startsWith("@")) return given;
  try {
    return readFileSync(resolve(cwd, given.slice(1)));
  } catch (cause) {
    throw cliErrors.create("USAGE_VALUE_INVALID", `--body ${given} cannot be read: ${messageOf(cause)}.`, {
      details: { flag: "--body", value: given },
      cause,
    });
  }
}
