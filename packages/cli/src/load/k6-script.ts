import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { type K6LoadParameters, k6Flags, parseK6CommandLine, parseK6Environment } from "@mettle/load";
import type { CommandContext } from "../command-context.ts";
import { flagsOf } from "../command-line/command-table.ts";
import { isOutput } from "../config/settings.ts";
import { pairs } from "./pairs.ts";

const importsK6 =
  /(?:^|[\s;}])(?:import|export)[^;'"]*["']k6(?:\/[\w./-]*)?["']|\brequire\(\s*["']k6(?:\/[\w./-]*)?["']\s*\)/;

/** Whether a file is written for k6: it imports a module of k6's. Our own import `@mettle/load`. */
export function isK6Script(file: string): boolean {
  if (![".js", ".mjs", ".ts", ".mts"].includes(extname(file))) return false;
  return importsK6.test(readFileSync(file, "utf8"));
}

/** What a script of k6 is told: its flags as they stand on the command line, `K6_…` variables, and `__ENV`. */
export function k6Parameters(script: string, context: CommandContext): K6LoadParameters {
  const { options } = parseK6CommandLine(k6Arguments(context));
  const { options: variables } = parseK6Environment(context.env);
  const inherited = Object.entries(context.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    script,
    environment: { ...Object.fromEntries(inherited), ...pairs(context, "env") },
    flags: options,
    variables,
    ...(context.flags.on("no-setup") && { noSetup: true }),
    ...(context.flags.on("no-teardown") && { noTeardown: true }),
  };
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
      case "choice": {
        const value = flags.text(name);
        return value === undefined ? [] : [`--${name}=${value}`];
      }
      case "text":
        return flags
          .all(name)
          .filter((value) => name !== "out" || isOutput(value))
          .map((value) => `--${name}=${value}`);
    }
  });
}
