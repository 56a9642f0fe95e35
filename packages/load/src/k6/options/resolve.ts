import { k6Errors } from "../errors.ts";
import {
  defaultSummaryTrendStats,
  defaultSystemTags,
  type K6Dns,
  type K6Options,
  type K6Threshold,
  type K6TlsAuth,
  optionalSystemTags,
} from "./options.ts";
import { OptionReader } from "./reader.ts";
import { readScenarios } from "./scenarios.ts";
import { textOf } from "../text.ts";

/** Options as a script writes them, or as flags and the environment make them. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** Sources of options, in k6's order of precedence: flags, then environment, then the script, then a config file. */
export interface OptionSources {
  readonly flags?: GivenOptions;
  readonly environment?: GivenOptions;
  readonly script?: GivenOptions;
  readonly configFile?: GivenOptions;
}

export interface ResolvedK6Options {
  readonly options: K6Options;
  /** As given, after precedence: what `exec.test.options` shows. */
  readonly given: GivenOptions;
  /** What is accepted and has no effect, in words. */
  readonly notes: readonly string[];
}

const executionNames = ["vus", "duration", "iterations", "stages", "scenarios"] as const;
const ignored: Readonly<Record<string, string>> = {
  ext: "options of other services",
  cloud: "options of k6's cloud",
  noUsageReport: "nothing is ever reported",
  paused: "the run begins at once",
  linger: "the command ends with the run",
};

/**
 * One value for each option. How the load runs is taken whole from the source of highest precedence that says anything of
 * it: `--duration` on the command line replaces the scenarios of the script, as in k6.
 *
 * @throws MettleError `K6_OPTIONS_INVALID` naming every problem
 */
export function resolveOptions(sources: OptionSources): ResolvedK6Options {
  const merged = mergeSources([sources.configFile, sources.script, sources.environment, sources.flags]);
  const problems: string[] = [];
  const options = readOptions(new OptionReader(merged, problems, ""), problems);
  if (problems.length > 0) {
    throw k6Errors.create("K6_OPTIONS_INVALID", `Options of the script: ${problems.join("; ")}.`, {
      details: { problems },
    });
  }
  const notes = Object.keys(merged).flatMap((name) =>
    Object.hasOwn(ignored, name) ? [`${name} has no effect: ${ignored[name]}`] : [],
  );
  return { options, given: merged, notes };
}

function mergeSources(lowestFirst: readonly (GivenOptions | undefined)[]): Record<string, unknown> {
  let merged: Record<string, unknown> = {};
  for (const source of lowestFirst) {
    if (!source) continue;
    const given = Object.fromEntries(
      Object.entries(source).filter(([, value]) => value !== undefined && value !== null),
    );
    const ways = executionNames.filter((name) => name !== "vus" && given[name] !== undefined);
    if (ways.length > 0) {
      for (const name of executionNames) if (name !== "vus" || ways.includes("scenarios")) delete merged[name];
    }
    if (given["vus"] !== undefined) delete merged["scenarios"];
    const tags = { ...(merged["tags"] as object | undefined), ...(given["tags"] as object | undefined) };
    merged = { ...merged, ...given, ...(Object.keys(tags).length > 0 && { tags }) };
  }
  return merged;
}

function readOptions(reader: OptionReader, problems: string[]): K6Options {
  const scenarios = readScenarios(reader, problems);
  const optional = {
    systemTags: readSystemTags(reader),
    minIterationDurationMs: reader.duration("minIterationDuration"),
    rps: reader.whole("rps"),
    maxRedirects: reader.whole("maxRedirects"),
    userAgent: reader.text("userAgent"),
    throw: reader.flag("throw"),
    discardResponseBodies: reader.flag("discardResponseBodies"),
    noCookiesReset: reader.flag("noCookiesReset"),
    insecureSkipTLSVerify: reader.flag("insecureSkipTLSVerify"),
    noConnectionReuse: reader.flag("noConnectionReuse"),
    noVUConnectionReuse: reader.flag("noVUConnectionReuse"),
    tlsAuth: readTlsAuth(reader, problems),
    tlsVersion: readTlsVersion(reader, problems),
    tlsCipherSuites: reader.texts("tlsCipherSuites"),
    hosts: reader.map("hosts"),
    dns: readDns(reader, problems),
    blacklistIPs: reader.texts("blacklistIPs"),
    blockHostnames: reader.texts("blockHostnames"),
    localIPs: reader.text("localIPs"),
    httpDebug: readHttpDebug(reader),
    paused: reader.flag("paused"),
    linger: reader.flag("linger"),
    summaryTimeUnit: reader.choice("summaryTimeUnit", ["s", "ms", "us"]),
  };
  const options: K6Options = {
    scenarios,
    thresholds: readThresholds(reader),
    tags: reader.map("tags") ?? {},
    setupTimeoutMs: reader.duration("setupTimeout") ?? 60_000,
    teardownTimeoutMs: reader.duration("teardownTimeout") ?? 60_000,
    batch: reader.whole("batch", 0) ?? 20,
    batchPerHost: reader.whole("batchPerHost", 0) ?? 6,
    summaryTrendStats: reader.texts("summaryTrendStats") ?? defaultSummaryTrendStats,
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as Partial<K6Options>),
  };
  for (const name of ["executionSegment", "executionSegmentSequence"]) {
    if (reader.raw(name) !== undefined)
      reader.problem(
        name,
        "is not provided: --workers splits the load over threads, and each machine may be given its own",
      );
  }
  for (const name of Object.keys(ignored)) reader.raw(name);
  for (const name of reader.unknown()) reader.problem(name, "is not an option of k6");
  for (const stat of options.summaryTrendStats) {
    if (!/^(avg|min|med|max|count|p\(\d+(\.\d+)?\))$/.test(stat))
      reader.problem("summaryTrendStats", `has no statistic ${stat}`);
  }
  return options;
}

function readSystemTags(reader: OptionReader): ReadonlySet<string> | undefined {
  const tags = reader.texts("systemTags");
  if (!tags) return undefined;
  const known = [...defaultSystemTags, ...optionalSystemTags];
  for (const tag of tags) if (tag !== "" && !known.includes(tag)) reader.problem("systemTags", `has no tag ${tag}`);
  return new Set(tags);
}

const httpDebugValues: Readonly<Record<string, "headers" | "full">> = {
  "": "headers",
  true: "headers",
  headers: "headers",
  full: "full",
};

function readHttpDebug(reader: OptionReader): "headers" | "full" | undefined {
  const value = reader.raw("httpDebug");
  if (value === undefined || value === false) return undefined;
  return httpDebugValues[textOf(value)] ?? reader.problem("httpDebug", 'must be "" or "full"');
}

function readThresholds(reader: OptionReader): Record<string, readonly K6Threshold[]> {
  const given = reader.raw("thresholds");
  if (given === undefined) return {};
  if (typeof given !== "object" || given === null) {
    reader.problem("thresholds", "must be an object");
    return {};
  }
  return Object.fromEntries(
    Object.entries(given).map(([metric, list]) => [
      metric,
      (Array.isArray(list) ? list : [list]).flatMap((item): K6Threshold[] => {
        if (typeof item === "string") return [{ expression: item, abortOnFail: false, delayAbortEvalMs: 0 }];
        const threshold = new OptionReader(item, [], "");
        const expression = threshold.text("threshold");
        if (expression === undefined) {
          reader.problem(
            `thresholds["${metric}"]`,
            `must hold texts or objects with a threshold, got ${JSON.stringify(item)}`,
          );
          return [];
        }
        return [
          {
            expression,
            abortOnFail: threshold.flag("abortOnFail") ?? false,
            delayAbortEvalMs: threshold.duration("delayAbortEval") ?? 0,
          },
        ];
      }),
    ]),
  );
}

function readTlsAuth(reader: OptionReader, problems: string[]): K6TlsAuth[] | undefined {
  const given = reader.raw("tlsAuth");
  if (given === undefined) return undefined;
  if (!Array.isArray(given)) return reader.problem("tlsAuth", "must be a list");
  return given.map((item, i) => {
    const entry = new OptionReader(item, problems, `tlsAuth[${i}].`);
    const cert = entry.text("cert");
    const key = entry.text("key");
    if (cert === undefined || key === undefined) reader.problem(`tlsAuth[${i}]`, "needs cert and key as PEM text");
    const password = entry.text("password");
    return {
      cert: cert ?? "",
      key: key ?? "",
      domains: entry.texts("domains") ?? [],
      ...(password !== undefined && { password }),
    };
  });
}

const tlsVersions = ["tls1.0", "tls1.1", "tls1.2", "tls1.3"] as const;

function readTlsVersion(reader: OptionReader, problems: string[]): { min: string; max: string } | undefined {
  const given = reader.raw("tlsVersion");
  if (given === undefined) return undefined;
  if (typeof given === "string") {
    const version = reader.choice("tlsVersion", tlsVersions);
    return version && { min: version, max: version };
  }
  const range = new OptionReader(given, problems, "tlsVersion.");
  return { min: range.choice("min", tlsVersions) ?? "tls1.0", max: range.choice("max", tlsVersions) ?? "tls1.3" };
}

function readDns(reader: OptionReader, problems: string[]): K6Dns | undefined {
  const given = reader.raw("dns");
  if (given === undefined) return undefined;
  const parts =
    typeof given === "string" ? Object.fromEntries(given.split(",").map((part) => part.split("=", 2))) : given;
  const dns = new OptionReader(parts, problems, "dns.");
  const ttl = dns.raw("ttl");
  return {
    ttlMs: ttl === "inf" ? Number.POSITIVE_INFINITY : (dns.duration("ttl") ?? 300_000),
    select: dns.choice("select", ["first", "random", "roundRobin"]) ?? "random",
    policy: dns.choice("policy", ["preferIPv4", "preferIPv6", "onlyIPv4", "onlyIPv6", "any"]) ?? "preferIPv4",
  };
}
