import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Baselines, openHistory, type Run, readRun } from "@mettle/results";
import type { Settings } from "../config/settings.ts";
import { cliErrors } from "../errors.ts";

/**
 * The run that a command line names: a file, a saved baseline, or the id (or the first digits of one) in the history.
 *
 * @param named - undefined for the last measurement in the output folder
 * @throws MettleError `RUN_NOT_FOUND`, and what reading the file, the baseline or the history throws
 */
export async function findRun(named: string | undefined, settings: Settings, cwd: string): Promise<Run> {
  if (named === undefined) return lastRun(settings);
  const path = resolve(cwd, named);
  if (existsSync(path)) return readRun(path);
  const looksLikePath = /[\\/]|\.json(?:\.gz)?$/.test(named);
  const baselines = new Baselines(settings.baselines);
  const names = await baselines.list();
  if (names.includes(named)) return baselines.load(named);
  const stored = looksLikePath ? undefined : runInHistory(named, settings.history);
  if (stored) return stored;
  // A path that is not there has a better message of its own.
  if (looksLikePath) return readRun(path);
  throw cliErrors.create(
    "RUN_NOT_FOUND",
    `${JSON.stringify(named)} is neither a file nor a baseline nor in the history.`,
    {
      details: { named, baselines: names },
    },
  );
}

async function lastRun({ out }: Settings): Promise<Run> {
  const path = join(out, "run.json");
  if (existsSync(path)) return readRun(path);
  throw cliErrors.create("RUN_NOT_FOUND", `There is no run in ${path}.`, {
    details: { path },
    next: "Measure first with `mettle bench`, or name a run.",
  });
}

function runInHistory(id: string, file: string | undefined): Run | undefined {
  // Opening makes the file: looking for a run must leave no trace.
  if (file === undefined || !existsSync(file)) return undefined;
  using history = openHistory(file);
  const found = history.get(id);
  if (found || id.length < 8) return found;
  const matches = history.runs().filter((entry) => entry.id.startsWith(id));
  const [only] = matches;
  return matches.length === 1 && only ? history.get(only.id) : undefined;
}
