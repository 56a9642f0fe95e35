import { resolve } from "node:path";
import { messageOf, parseDurationMs } from "@mettle/core";
import {
  type Distribution,
  type HttpOptions,
  type LoadOptions,
  type ModelApi,
  modelApis,
  type ModelLoadParameters,
  parseDistribution,
  type PriceList,
  type RequestObjectives,
  type TraceFormat,
} from "@mettle/load";
import type { CommandContext } from "../command-context.ts";
import { cliErrors } from "../errors.ts";
import { pairs } from "./pairs.ts";

const DEFAULT_MODEL = "default";
const objectives: Readonly<Record<string, keyof RequestObjectives>> = {
  ttft: "timeToFirstTokenMs",
  "ttft-scheduled": "timeToFirstTokenFromScheduledMs",
  tpot: "timePerOutputTokenMs",
  duration: "endToEndMs",
};

/**
 * `mettle load URL --api chat`: what is asked of a model, an agent or a server of tools, as flags say it.
 *
 * @throws MettleError `USAGE_VALUE_INVALID`, `DISTRIBUTION_INVALID`
 */
export function modelParameters(
  url: string,
  options: LoadOptions,
  http: HttpOptions,
  context: CommandContext,
): ModelLoadParameters {
  const { flags } = context;
  const api = flags.text("api") as ModelApi;
  const timeout = flags.text("timeout");
  const model = flags.text("model") ?? (api === "a2a" ? "agent" : DEFAULT_MODEL);
  const given = {
    inputTokens: distribution("input-tokens", "count", context),
    outputTokens: distribution("output-tokens", "count", context),
    turns: distribution("turns", "count", context),
    thinkMs: distribution("think", "ms", context),
    timeoutMs: timeout === undefined ? undefined : parseDurationMs(timeout),
    tool: flags.text("mcp-tool"),
    toolInput: json("tool-input", context),
    body: json("body", context),
    objectives: objectivesOf(context),
    prices: pricesOf(model, context),
    trace: traceOf(context),
  };
  return {
    api,
    url,
    model,
    headers: pairs(context, "header", /\s*:\s*/),
    seed: flags.number("seed") ?? 1,
    options,
    http,
    ...defined(given),
  };
}

/** The flags that only `--api` gives a meaning. */
const ofModels = ["model", "input-tokens", "output-tokens", "turns", "think", "mcp-tool", "tool-input"] as const;
const listsOfModels = ["objective", "price"] as const;

/** Whether the URL is a model's; flags that need `--api` and stand without it are refused. */
export function isModelTarget({ flags }: CommandContext): boolean {
  if (flags.text("api") !== undefined) return true;
  const alone = [
    ...ofModels.filter((name) => flags.text(name) !== undefined),
    ...listsOfModels.filter((name) => flags.all(name).length > 0),
  ];
  if (alone.length === 0) return false;
  throw cliErrors.create("USAGE_VALUE_INVALID", `--${alone.join(", --")} needs a URL and --api.`, {
    details: { flags: alone },
    next: `Say what speaks at the URL: --api ${modelApis.join("|")}.`,
  });
}

/** What `--trace` and its companions say; undefined without them. */
export function traceOf({ flags, cwd }: CommandContext): ModelLoadParameters["trace"] {
  const file = flags.text("trace");
  const speed = flags.number("speed");
  const limit = flags.number("trace-limit");
  const format = flags.text("trace-format") as TraceFormat | undefined;
  if (file === undefined) {
    const alone = Object.entries({ speed, "trace-limit": limit, "trace-format": format }).find(
      ([, value]) => value !== undefined,
    );
    if (!alone) return undefined;
    throw cliErrors.create("USAGE_VALUE_INVALID", `--${alone[0]} needs --trace.`, { details: { flag: alone[0] } });
  }
  return { file: resolve(cwd, file), speed: speed ?? 1, ...defined({ limit, format }) };
}

function distribution(name: string, kind: "ms" | "count", { flags }: CommandContext): Distribution | undefined {
  const text = flags.text(name);
  return text === undefined ? undefined : parseDistribution(text, kind);
}

function json(name: string, { flags }: CommandContext): Readonly<Record<string, unknown>> | undefined {
  const text = flags.text(name);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refused(name, text, `is not JSON: ${messageOf(cause)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw refused(name, text, "is not a JSON object");
}

function objectivesOf(context: CommandContext): RequestObjectives | undefined {
  const given = Object.entries(pairs(context, "objective"));
  if (given.length === 0) return undefined;
  return Object.fromEntries(
    given.map(([name, limit]) => {
      const known = Object.hasOwn(objectives, name) ? objectives[name] : undefined;
      if (known === undefined) throw refused("objective", name, `is none of ${Object.keys(objectives).join(", ")}`);
      return [known, parseDurationMs(limit)];
    }),
  );
}

/** `--price input=2 --price output=8`, per million tokens. */
function pricesOf(model: string, context: CommandContext): PriceList | undefined {
  const { input, output, cached, currency, ...others } = pairs(context, "price");
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw refused("price", unknown, "is none of input, output, cached, currency");
  if (input === undefined && output === undefined && cached === undefined) return undefined;
  const number = (text: string | undefined): number => (text === undefined ? Number.NaN : Number(text));
  return {
    currency: currency ?? "",
    models: {
      [model]: {
        inputPerMillion: number(input),
        outputPerMillion: number(output),
        ...(cached !== undefined && { cachedInputPerMillion: number(cached) }),
      },
    },
  };
}

function refused(flag: string, value: string, why: string): Error {
  return cliErrors.create("USAGE_VALUE_INVALID", `--${flag} ${value} ${why}.`, {
    details: { flag: `--${flag}`, value },
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
