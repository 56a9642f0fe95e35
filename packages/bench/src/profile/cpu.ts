import { coreErrors } from "@mettle/core";
import { type Profiler, Session } from "node:inspector/promises";
import { benchLabErrors } from "../lab-errors.ts";
import { type ProfileFiles, writeProfileFiles } from "./files.ts";
import { type FlameNode, flameTree, profileTotalsText, type WeightedNode } from "./flame.ts";

export interface CpuProfileOptions {
  /** Between two samples, in microseconds. Each costs some microseconds itself. @defaultValue 500 */
  readonly intervalUs?: number;
}

export interface CpuProfile {
  /** As the inspector gave it: the content of a `.cpuprofile` file. */
  readonly profile: Profiler.Profile;
  /** In ns. Its total is the time from the first sample to the end. */
  readonly flame: FlameNode;
  readonly samples: number;
}

const DEFAULT_INTERVAL_US = 500;

/**
 * Runs a function under V8's sampling profiler. It slows the function down by up to some 5 %: never profile what is
 * being timed.
 *
 * @throws MettleError `OPTIONS_INVALID`, `PROFILE_EMPTY` when it ended before the first sample; whatever `run` throws
 */
export async function profileCpu(
  run: () => void | Promise<void>,
  options: CpuProfileOptions = {},
): Promise<CpuProfile> {
  const interval = options.intervalUs ?? DEFAULT_INTERVAL_US;
  if (!(Number.isInteger(interval) && interval >= 1)) {
    throw coreErrors.create("OPTIONS_INVALID", `intervalUs must be a whole number of 1 or more, got ${interval}.`, {
      details: { intervalUs: interval },
    });
  }
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval });
    await session.post("Profiler.start");
    await run();
    const { profile } = await session.post("Profiler.stop");
    return { profile, flame: cpuFlame(profile), samples: profile.samples?.length ?? 0 };
  } finally {
    // Disconnecting also stops a profile that an exception left running.
    session.disconnect();
  }
}

/**
 * The call tree of a `.cpuprofile`, in ns. A sample stands for the time from it to the next one (as Chrome DevTools
 * draws it); samples are put in order of time first, for V8 writes some late with a negative difference.
 *
 * @throws MettleError `PROFILE_EMPTY` when it holds no samples
 */
export function cpuFlame(profile: Profiler.Profile): FlameNode {
  const samples = profile.samples ?? [];
  const deltas = profile.timeDeltas ?? [];
  if (samples.length === 0) throw benchLabErrors.create("PROFILE_EMPTY", "The profile holds no samples.");
  let at = profile.startTime;
  const ordered = samples
    .map((node, i) => {
      at += deltas[i] ?? 0;
      return { node, at };
    })
    .sort((a, b) => a.at - b.at);
  const selfNs = new Map<number, number>();
  for (const [i, sample] of ordered.entries()) {
    const until = ordered[i + 1]?.at ?? Math.max(profile.endTime, sample.at);
    selfNs.set(sample.node, (selfNs.get(sample.node) ?? 0) + (until - sample.at) * 1000);
  }
  const byId = new Map(profile.nodes.map((node) => [node.id, node]));
  const weighted = (id: number): WeightedNode[] => {
    const node = byId.get(id);
    return node
      ? [{ callFrame: node.callFrame, self: selfNs.get(id) ?? 0, children: (node.children ?? []).flatMap(weighted) }]
      : [];
  };
  // The first node is the root (DevTools Protocol, Profiler.Profile).
  const [root] = profile.nodes[0] ? weighted(profile.nodes[0].id) : [];
  if (!root) throw benchLabErrors.create("PROFILE_EMPTY", "The profile holds no functions.");
  return flameTree(root);
}

/** Writes `{title}.cpuprofile` and `{title}_profile.txt` into `folder`. */
export const writeCpuProfile = (folder: string, title: string, { profile, flame }: CpuProfile): Promise<ProfileFiles> =>
  writeProfileFiles(folder, title, "cpuprofile", profile, profileTotalsText(title, flame, "ns"));
