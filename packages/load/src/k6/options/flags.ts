import { k6Errors } from "../errors.ts";
import type { GivenOptions } from "./resolve.ts";

/** What a command line in k6's manner asks for. */
export interface K6CommandLine {
  readonly script: string | undefined;
  /** Options of the test, of highest precedence. */
  readonly options: GivenOptions;
  /** `--env`, for `__ENV`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly outputs: readonly string[];
  readonly summaryExport: string | undefined;
  readonly noSetup: boolean;
  readonly noTeardown: boolean;
  readonly noThresholds: boolean;
  readonly noSummary: boolean;
  readonly quiet: boolean;
  readonly includeSystemEnvironment: boolean;
  readonly configFile: string | undefined;
  readonly summaryMode: string | undefined;
  readonly secretSources: readonly string[];
}

type Kind = "text" | "whole" | "number" | "boolean" | "list" | "pairs" | "stages" | "optional";

interface Flag {
  readonly kind: Kind;
  /** Name of the option; absent for a flag of the command itself. */
  readonly option?: string;
  readonly short?: string;
}

/** Flags of `k6 run` that have a meaning here. */
export const k6Flags: Readonly<Record<string, Flag>> = {
  vus: { kind: "number", option: "vus", short: "u" },
  duration: { kind: "text", option: "duration", short: "d" },
  iterations: { kind: "number", option: "iterations", short: "i" },
  stage: { kind: "stages", option: "stages", short: "s" },
  rps: { kind: "number", option: "rps" },
  "user-agent": { kind: "text", option: "userAgent" },
  "max-redirects": { kind: "number", option: "maxRedirects" },
  batch: { kind: "number", option: "batch" },
  "batch-per-host": { kind: "number", option: "batchPerHost" },
  "http-debug": { kind: "optional", option: "httpDebug" },
  "insecure-skip-tls-verify": { kind: "boolean", option: "insecureSkipTLSVerify" },
  "no-connection-reuse": { kind: "boolean", option: "noConnectionReuse" },
  "no-vu-connection-reuse": { kind: "boolean", option: "noVUConnectionReuse" },
  "discard-response-bodies": { kind: "boolean", option: "discardResponseBodies" },
  throw: { kind: "boolean", option: "throw", short: "w" },
  "min-iteration-duration": { kind: "text", option: "minIterationDuration" },
  "blacklist-ip": { kind: "list", option: "blacklistIPs" },
  "block-hostnames": { kind: "list", option: "blockHostnames" },
  "local-ips": { kind: "text", option: "localIPs" },
  dns: { kind: "text", option: "dns" },
  "system-tags": { kind: "list", option: "systemTags" },
  tag: { kind: "pairs", option: "tags" },
  "summary-trend-stats": { kind: "list", option: "summaryTrendStats" },
  "summary-time-unit": { kind: "text", option: "summaryTimeUnit" },
  paused: { kind: "boolean", option: "paused", short: "p" },
  linger: { kind: "boolean", option: "linger", short: "l" },
  "setup-timeout": { kind: "text", option: "setupTimeout" },
  "teardown-timeout": { kind: "text", option: "teardownTimeout" },
  env: { kind: "pairs", short: "e" },
  out: { kind: "whole", short: "o" },
  "summary-export": { kind: "text" },
  "summary-mode": { kind: "text" },
  "secret-source": { kind: "whole" },
  "no-setup": { kind: "boolean" },
  "no-teardown": { kind: "boolean" },
  "no-thresholds": { kind: "boolean" },
  "no-summary": { kind: "boolean" },
  "include-system-env-vars": { kind: "boolean" },
  config: { kind: "text", short: "c" },
  quiet: { kind: "boolean", short: "q" },
  "no-usage-report": { kind: "boolean" },
  "no-color": { kind: "boolean" },
};

const segmentAdvice = "--workers splits the load over threads; give each machine a load of its own";

/** Flags of k6 that mean nothing here, and why. */
const refusedFlags: Readonly<Record<string, string>> = {
  type: "the script is a file; archives are not read",
  "compatibility-mode": "scripts run on Node's JavaScript",
  address: "there is no REST server of k6's kind",
  "console-output": "redirect stderr instead",
  "log-output": "redirect stderr instead",
  "log-format": "messages have one format",
  "profiling-enabled": "use `mettle profile`",
  "traces-output": "traces are not written",
  "execution-segment": segmentAdvice,
  "execution-segment-sequence": segmentAdvice,
};

/** @throws MettleError `K6_FLAG_INVALID` for a flag that is unknown, refused or lacks its value */
export function parseK6CommandLine(args: readonly string[]): K6CommandLine {
  const values = new Map<string, unknown>();
  const scripts: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const argument = args[i] as string;
    if (!argument.startsWith("-") || argument === "-") {
      scripts.push(argument);
      continue;
    }
    const { name, attached } = splitFlag(argument);
    const flag = k6Flags[name] as Flag;
    const takesNext = flag.kind !== "boolean" && flag.kind !== "optional" && attached === undefined;
    if (takesNext && i + 1 >= args.length) throw invalidFlag(`--${name} needs a value`);
    addValue(values, name, flag.kind, takesNext ? args[++i] : attached);
  }
  if (scripts.length > 1) throw invalidFlag(`one script at a time, got ${scripts.join(" and ")}`);
  return commandLine(values, scripts[0]);
}

function commandLine(values: ReadonlyMap<string, unknown>, script: string | undefined): K6CommandLine {
  const options = Object.fromEntries(
    Object.entries(k6Flags).flatMap(([name, { option }]) =>
      option && values.has(name) ? [[option, values.get(name)]] : [],
    ),
  );
  const isOn = (name: string): boolean => values.get(name) === true;
  const text = (name: string): string | undefined => values.get(name) as string | undefined;
  return {
    script,
    options,
    environment: (values.get("env") ?? {}) as Record<string, string>,
    outputs: (values.get("out") ?? []) as string[],
    summaryExport: text("summary-export"),
    noSetup: isOn("no-setup"),
    noTeardown: isOn("no-teardown"),
    noThresholds: isOn("no-thresholds"),
    noSummary: isOn("no-summary"),
    quiet: isOn("quiet"),
    includeSystemEnvironment: values.get("include-system-env-vars") !== false,
    configFile: text("config"),
    summaryMode: text("summary-mode"),
    secretSources: (values.get("secret-source") ?? []) as string[],
  };
}

const invalidFlag = (message: string): Error =>
  k6Errors.create("K6_FLAG_INVALID", `${message}.`, { details: { message } });

function splitFlag(argument: string): { name: string; attached: string | undefined } {
  const equals = argument.indexOf("=");
  if (argument.startsWith("--")) {
    const name = argument.slice(2, equals < 0 ? undefined : equals);
    const refused = refusedFlags[name];
    if (refused !== undefined) throw invalidFlag(`--${name} is not provided: ${refused}`);
    if (!Object.hasOwn(k6Flags, name)) throw invalidFlag(`there is no flag --${name}`);
    return { name, attached: equals < 0 ? undefined : argument.slice(equals + 1) };
  }
  const short = argument[1] as string;
  const name = Object.entries(k6Flags).find(([, flag]) => flag.short === short)?.[0];
  if (name === undefined) throw invalidFlag(`there is no flag -${short}`);
  const rest = argument.slice(2).replace(/^=/, "");
  return { name, attached: rest === "" ? undefined : rest };
}

function addValue(values: Map<string, unknown>, name: string, kind: Kind, text: string | undefined): void {
  switch (kind) {
    case "boolean":
      if (text !== undefined && text !== "true" && text !== "false")
        throw invalidFlag(`--${name} is true or false, got ${text}`);
      values.set(name, text !== "false");
      return;
    case "optional":
      values.set(name, text ?? "");
      return;
    case "number":
      if (!/^\d+$/.test(text ?? "")) throw invalidFlag(`--${name} needs a whole number, got ${text}`);
      values.set(name, Number(text));
      return;
    case "text":
      values.set(name, text);
      return;
    // Each may hold commas of its own; a list is split at them.
    case "whole":
    case "list":
      values.set(name, [
        ...((values.get(name) as string[] | undefined) ?? []),
        ...(kind === "whole" ? [text] : (text ?? "").split(",")),
      ]);
      return;
    case "pairs": {
      const equals = text?.indexOf("=") ?? -1;
      if (text === undefined || equals < 1) throw invalidFlag(`--${name} needs NAME=VALUE, got ${text}`);
      const pairs = (values.get(name) ?? {}) as Record<string, string>;
      values.set(name, { ...pairs, [text.slice(0, equals)]: text.slice(equals + 1) });
      return;
    }
    case "stages":
      values.set(name, [...((values.get(name) as object[] | undefined) ?? []), ...parseStages(text ?? "")]);
      return;
  }
}

/** `10s:5,1m:20`: durations and the users to reach by their end. */
function parseStages(text: string): { duration: string; target: number }[] {
  return text.split(",").map((stage) => {
    const match = /^([^:]+):(\d+)$/.exec(stage.trim());
    if (!match) throw invalidFlag(`a stage is DURATION:TARGET, such as 30s:10, got ${JSON.stringify(stage)}`);
    return { duration: match[1] as string, target: Number(match[2]) };
  });
}

const environmentOptions: Readonly<Record<string, string>> = {
  K6_VUS: "vus",
  K6_DURATION: "duration",
  K6_ITERATIONS: "iterations",
  K6_STAGES: "stage",
  K6_RPS: "rps",
  K6_USER_AGENT: "user-agent",
  K6_MAX_REDIRECTS: "max-redirects",
  K6_BATCH: "batch",
  K6_BATCH_PER_HOST: "batch-per-host",
  K6_HTTP_DEBUG: "http-debug",
  K6_INSECURE_SKIP_TLS_VERIFY: "insecure-skip-tls-verify",
  K6_NO_CONNECTION_REUSE: "no-connection-reuse",
  K6_NO_VU_CONNECTION_REUSE: "no-vu-connection-reuse",
  K6_DISCARD_RESPONSE_BODIES: "discard-response-bodies",
  K6_THROW: "throw",
  K6_MIN_ITERATION_DURATION: "min-iteration-duration",
  K6_BLACKLIST_IPS: "blacklist-ip",
  K6_BLOCK_HOSTNAMES: "block-hostnames",
  K6_LOCAL_IPS: "local-ips",
  K6_DNS: "dns",
  K6_SYSTEM_TAGS: "system-tags",
  K6_SUMMARY_TREND_STATS: "summary-trend-stats",
  K6_SUMMARY_TIME_UNIT: "summary-time-unit",
  K6_EXECUTION_SEGMENT: "execution-segment",
  K6_EXECUTION_SEGMENT_SEQUENCE: "execution-segment-sequence",
  K6_PAUSED: "paused",
  K6_LINGER: "linger",
  K6_SETUP_TIMEOUT: "setup-timeout",
  K6_TEARDOWN_TIMEOUT: "teardown-timeout",
  K6_OUT: "out",
  K6_SECRET_SOURCE: "secret-source",
  K6_SUMMARY_EXPORT: "summary-export",
  K6_NO_SETUP: "no-setup",
  K6_NO_TEARDOWN: "no-teardown",
  K6_NO_THRESHOLDS: "no-thresholds",
  K6_NO_SUMMARY: "no-summary",
  K6_SUMMARY_MODE: "summary-mode",
  K6_INCLUDE_SYSTEM_ENV_VARS: "include-system-env-vars",
  K6_CONFIG: "config",
};

/** The same from `K6_*` variables; flags of the command line go before it. Others that begin with `K6_` are left alone. */
export function parseK6Environment(environment: Readonly<Record<string, string | undefined>>): K6CommandLine {
  const values = new Map<string, unknown>();
  for (const [name, flag] of Object.entries(environmentOptions)) {
    const text = environment[name];
    if (text === undefined || text === "") continue;
    const refused = refusedFlags[flag];
    if (refused !== undefined) throw invalidFlag(`${name} is not provided: ${refused}`);
    addValue(values, flag, (k6Flags[flag] as Flag).kind, text);
  }
  return commandLine(values, undefined);
}
