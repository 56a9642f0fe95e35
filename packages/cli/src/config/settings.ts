import { basename, resolve } from "node:path";
import type { CommandContext } from "../command-context.ts";
import { flagsOf } from "../command-line/command-table.ts";
import type { MettleConfig } from "./define-config.ts";
import { loadConfig } from "./load-config.ts";

const settingDefaults = {
  out: "mettle-out",
  history: ".mettle/history.db",
  baselines: ".mettle/baselines",
} as const;

/** What holds for one command after flags, environment and file: nothing deeper asks which of them said so. */
export interface Settings {
  readonly config: MettleConfig;
  readonly configFile?: string;
  /** Absolute. */
  readonly out: string;
  /** Absolute; absent when no history is to be used. */
  readonly history?: string;
  /** Absolute. */
  readonly baselines: string;
  /** Name of the baseline to compare with. */
  readonly compare?: string;
  /** Of runs. */
  readonly name: string;
}

/** @throws MettleError `CONFIG_UNREADABLE`, `CONFIG_INVALID` */
export async function loadSettings(context: CommandContext): Promise<Settings> {
  const { cwd, flags, command } = context;
  const has = (name: string): boolean => flagsOf(command).some((flag) => flag.name === name);
  const given = (name: string): string | undefined => (has(name) ? flags.text(name) : undefined);
  const { config, file } = await loadConfig(cwd, flags.text("config"));
  const history = historyFile(given("history"), has("no-history") && flags.on("no-history"), config.history);
  const compare = given("compare") ?? config.compare;
  return {
    config,
    ...(file !== undefined && { configFile: file }),
    out: resolve(cwd, outFolder(flags) ?? config.out ?? settingDefaults.out),
    ...(history !== undefined && { history: resolve(cwd, history) }),
    baselines: resolve(cwd, config.baselines ?? settingDefaults.baselines),
    ...(compare !== undefined && { compare }),
    name: given("name") ?? config.name ?? (basename(cwd) || "mettle"),
  };
}

/** What `--out` says of the folder: `mettle load` also takes outputs there, such as `json=samples.json`. */
function outFolder(flags: CommandContext["flags"]): string | undefined {
  return flags.all("out").findLast((value) => !isOutput(value));
}

/** `json=FILE`, `otlp=URL` and the like, as opposed to a folder. */
export const isOutput = (value: string): boolean => /^[a-z][a-z0-9-]*=/.test(value);

function historyFile(
  flag: string | undefined,
  off: boolean,
  configured: string | false | undefined,
): string | undefined {
  if (off) return undefined;
  if (flag !== undefined) return flag;
  return configured === false ? undefined : (configured ?? settingDefaults.history);
}
