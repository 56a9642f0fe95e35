import { readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { messageOf } from "@mettle/core";
import { k6Flags, type K6LoadParameters, parseK6CommandLine, parseK6Environment } from "@mettle/load";
import type { CommandContext } from "../command-context.ts";
import { flagsOf } from "../command-line/command-table.ts";
import type { FlagValue } from "../command-line/flags.ts";
import { isOutput } from "../config/settings.ts";
import { cliErrors } from "../errors.ts";
import { pairs } from "./pairs.ts";

const importsK6 =
  /(?:^|[\s;}])(?:import|export)[^;'"]*["']k6(?:\/[\w./-]*)?["']|\brequire\(\s*["']k6(?:\/[\w./-]*)?["']\s*\)/;

/** Whether a file is written for k6: it imports a module of k6's. Our own import `@mettle/load`. */
export function isK6Script(file: string): boolean {
  if (![".js", ".mjs", ".cjs", ".ts", ".mts"].includes(extname(file))) return false;
  return importsK6.test(readFileSync(file, "utf8"));
}

/**
 * The command line with what `K6_…` variables say of the command itself, where the command line does not: outputs,
 * summaries, setup and teardown. Options of the test are read from the same variables with the script.
 *
 * @throws MettleError `K6_FLAG_INVALID`
 */
export function withK6Variables(context: CommandContext): CommandContext {
  const { outputs, summaryExport, summaryMode, noSetup, noTeardown, noThresholds, noSummary, secretSources } =
    parseK6Environment(context.env);
  const values = new Map<string, FlagValue>();
  if (outputs.length > 0) values.set("out", [...outputs]);
  if (summaryExport !== undefined) values.set("summary-export", summaryExport);
  if (summaryMode !== undefined) values.set("summary-mode", summaryMode);
  if (secretSources.length > 0) values.set("secret-source", [...secretSources]);
  const switches = {
    "no-setup": noSetup,
    "no-teardown": noTeardown,
    "no-thresholds": noThresholds,
    "no-summary": noSummary,
  };
  for (const [name, on] of Object.entries(switches)) if (on) values.set(name, true);
  return { ...context, flags: context.flags.withDefaults(values) };
}

/** What a script of k6 is told: its flags as they stand on the command line, `K6_…` variables, and `__ENV`. */
export function k6Parameters(script: string, context: CommandContext): K6LoadParameters {
  const { flags, env } = context;
  const { options } = parseK6CommandLine(k6Arguments(context));
  const { options: variables, includeSystemEnvironment, configFile: configured } = parseK6Environment(env);
  const inherits = flags.text("include-system-env-vars") ?? (includeSystemEnvironment ? "true" : "false");
  const inherited = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const configFile = flags.text("k6-config") ?? configured;
  const jslib = flags.text("jslib");
  return {
    script,
    environment: { ...(inherits !== "false" && Object.fromEntries(inherited)), ...pairs(context, "env") },
    flags: options,
    variables,
    secretSources: flags.all("secret-source"),
    ...(configFile !== undefined && { configFile: optionsFile(resolve(context.cwd, configFile)) }),
    ...(jslib !== undefined && { urlCopies: resolve(context.cwd, jslib) }),
    ...(flags.on("no-setup") && { noSetup: true }),
    ...(flags.on("no-teardown") && { noTeardown: true }),
  };
}

function optionsFile(path: string): Readonly<Record<string, unknown>> {
  try {
    const options = JSON.parse(readFileSync(path, "utf8")) as unknown;
    if (typeof options === "object" && options !== null) return options as Readonly<Record<string, unknown>>;
    throw new Error("it holds no object");
  } catch (cause) {
    throw cliErrors.create("USAGE_VALUE_INVALID", `--k6-config ${path} cannot be read: ${messageOf(cause)}.`, {
      details: { flag: "--k6-config", path },
      cause,
    });
  }
}

/** The flags that k6 has too, written again for its own parser. Ours of the same name mean the same. */
function k6Arguments({ command, flags }: CommandContext): readonly string[] {
  return flagsOf(command).flatMap(({ name, type }) => {
    if (!Object.hasOwn(k6Flags, name) || name === "config") return [];
    switch (type.kind) {
      case "switch":
        return flags.on(name) ? [`--${name}`] : [];
      case "number":
      case "fraction": {
        const value = flags.number(name);
        return value === undefined ? [] : [`--${name}=${value}`];
      }
      case "choice":
      case "optional": {
        const value = flags.text(name);
        return value === undefined ? [] : [value === "" ? `--${name}` : `--${name}=${value}`];
      }
      case "text":
        return flags
          .all(name)
          .filter((value) => name !== "out" || isOutput(value))
          .map((value) => `--${name}=${value}`);
    }
  });
}
