import { spawnSync } from "node:child_process";
import { isAbsolute, join, relative } from "node:path";
import { systemClock } from "@mettle/core";
import { currentRevision, type Revision, type Run } from "@mettle/results";
import { type MeasureOptions, runDocument } from "./bench-run.ts";
import { withCodeCache } from "./code-cache.ts";
import { benchErrors } from "./errors.ts";
import type { HostOptions } from "./host.ts";
import { PairStation, pairSuffixes, type Side } from "./pair-station.ts";
import { type PreparedRevision, prepareAgainst } from "./revision/worktree.ts";
import { type BenchResult, hostOptions, measureFiles } from "./runner.ts";

export interface AgainstOptions extends MeasureOptions {
  /** A git revision of this repository, or a folder that holds another build. */
  readonly against: string;
  /** Commands for the other revision. Default: by its lock file, and `npm run build` where there is such a script. */
  readonly install?: string;
  readonly build?: string;
  readonly cacheFolder?: string;
}

/**
 * Compares this tree with another revision or folder: the other is built in a work tree of its own, then the benchmark
 * files of this tree run in both, in pairs of processes that take turns.
 *
 * @throws MettleError `REVISION_…` when the other cannot be prepared, and as `runBenchmarks`
 */
export async function benchAgainst(
  options: AgainstOptions,
): Promise<{ readonly run: Run; readonly result: BenchResult }> {
  const { against, install, build, cacheFolder, cwd, files, signal, onEvent } = options;
  for (const file of files) {
    if (relative(cwd, file).startsWith("..") || isAbsolute(relative(cwd, file))) {
      throw benchErrors.create(
        "BENCH_OPTIONS_INVALID",
        `${file} lies outside ${cwd}, so the other revision has no place for it.`,
      );
    }
  }
  const prepared = await prepareAgainst(against, {
    cwd,
    overlay: files,
    onProgress: ({ text }) => onEvent?.({ kind: "note", text: `${against}: ${text}` }),
    ...(install !== undefined && { install }),
    ...(build !== undefined && { build }),
    ...(cacheFolder !== undefined && { cacheFolder }),
    ...(signal && { signal }),
  });
  try {
    return await withCodeCache(options.env, (env) => measureBoth({ ...options, env }, prepared));
  } finally {
    await prepared.dispose();
  }
}

async function measureBoth(
  options: AgainstOptions,
  prepared: PreparedRevision,
): Promise<{ readonly run: Run; readonly result: BenchResult }> {
  const { clock = systemClock } = options;
  const startedAtMs = clock.wallTime();
  const before = clock.now();
  const own = await currentRevision({ folder: options.cwd });
  const fixed = addressesCanBeFixed();
  const here: HostOptions = { ...hostOptions(options), ...(fixed && { prefix: fixedAddresses }) };
  const there: HostOptions = { ...here, cwd: prepared.root };
  const thereFile = (file: string): string => join(prepared.root, relative(options.cwd, file));
  const sides: Side[] = [
    { name: "candidate", suffix: pairSuffixes.candidate, host: here, file: (file) => file },
    { name: "baseline", suffix: pairSuffixes.baseline, host: there, file: thereFile },
    { name: "twin", suffix: pairSuffixes.twin, host: there, file: thereFile },
  ];
  const result = await measureFiles(options, {
    mode: "against",
    discoverIn: here,
    station: (random) => new PairStation(sides, random),
    builds: {
      baseline: {
        label: labelOf(options.against, prepared.revision),
        ...(prepared.revision && { revision: prepared.revision }),
      },
      candidate: { label: own ? labelOf("work tree", own) : "work tree", ...(own && { revision: own }) },
    },
  });
  const notes = fixed
    ? result.notes
    : [...result.notes, "addresses are randomised: setarch -R is not allowed here, so pairs spread more"];
  const noted = { ...result, notes };
  const durationMs = (clock.now() - before) / 1e6;
  return {
    run: runDocument(noted, options, { startedAtMs, durationMs, ...(own && { revision: own }) }),
    result: noted,
  };
}

function labelOf(name: string, revision: Revision | undefined): string {
  if (!revision) return name;
  const commit = revision.commit.slice(0, 7);
  return name.startsWith(commit) ? name : `${name}@${commit}${revision.dirty ? " (dirty)" : ""}`;
}

const fixedAddresses: readonly string[] = ["setarch", "-R"];

/** Whether processes may be started without address randomisation, which makes pairs of them more alike. */
export function addressesCanBeFixed(): boolean {
  const [command = "", ...args] = fixedAddresses;
  return spawnSync(command, [...args, "true"], { stdio: "ignore" }).status === 0;
}
