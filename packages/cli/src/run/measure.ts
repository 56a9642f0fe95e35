import {
  type BenchEvent,
  type BenchListener,
  type BenchPlan,
  type BenchResult,
  benchAgainst,
  measureBenchmarks,
  type MeasureOptions,
} from "@mettle/bench";
import { relative } from "node:path";
import { colorSupport, LiveView, progressMode } from "@mettle/report";
import type { Profile, Run } from "@mettle/results";
import type { CommandContext } from "../command-context.ts";
import type { Settings } from "../config/settings.ts";

export interface Measured {
  readonly run: Run;
  readonly result: BenchResult;
}

/** Shows what `work` tells while it measures, on stderr, until it has ended. */
export async function withProgress<T>(
  context: CommandContext,
  work: (onEvent: BenchListener) => Promise<T>,
): Promise<T> {
  const { stderr, env, flags, clock } = context;
  const view = new LiveView({
    stream: stderr,
    mode: progressMode(stderr, { quiet: flags.on("quiet"), json: flags.on("json") }),
    color: colorSupport(env, stderr),
    clock,
  });
  try {
    // Programs get paths that mean the same everywhere, people those that they typed.
    return await work((event) => view.handle(flags.on("json") ? event : withPathsFrom(context.cwd, event)));
  } finally {
    view.close();
    await view.closed();
  }
}

/** An event with the paths of files as seen from a folder. */
export function withPathsFrom(cwd: string, event: BenchEvent): BenchEvent {
  const shown = (file: string): string => relative(cwd, file) || file;
  if (event.kind === "plan") return { ...event, files: event.files.map(shown) };
  return "file" in event ? { ...event, file: shown(event.file) } : event;
}

/** What `mettle bench` measures by: flags before the configuration before the profile. */
export function measureOptions(
  context: CommandContext,
  { config, name }: Settings,
  files: readonly string[],
): MeasureOptions {
  const { flags, cwd, clock } = context;
  const bench = config.bench ?? {};
  const filter = flags.text("filter");
  const nodeFlags = flags.words("node-flags") ?? bench.nodeFlags;
  const seed = flags.number("seed") ?? bench.seed;
  return {
    name,
    files,
    cwd,
    clock,
    profile: (flags.text("profile") as Profile | undefined) ?? bench.profile ?? "ci",
    plan: { ...bench.plan, ...planFlags(context) },
    ...(filter !== undefined && { filter }),
    ...(nodeFlags && { nodeFlags }),
    ...(seed !== undefined && { seed }),
  };
}

function planFlags({ flags }: CommandContext): Partial<BenchPlan> {
  const seconds = flags.number("seconds");
  const margin = flags.number("margin");
  const confidence = flags.number("confidence");
  return {
    ...(seconds !== undefined && { secondsPerSuite: seconds }),
    ...(margin !== undefined && { margin }),
    ...(confidence !== undefined && { confidence }),
    ...(flags.on("no-memory") && { memory: false }),
  };
}

/** Measures alone, or in pairs with another revision or folder. */
export function measure(options: MeasureOptions, against: string | undefined, { config }: Settings): Promise<Measured> {
  return against === undefined ? measureBenchmarks(options) : benchAgainst({ ...options, ...config.against, against });
}
