import { coreErrors } from "@mettle/core";
import { type HeapProfiler, Session } from "node:inspector/promises";
import { collectGarbage } from "../memory/heap.ts";
import { type ProfileFiles, writeProfileFiles } from "./files.ts";
import { type FlameNode, flameTree, profileTotalsText, type WeightedNode } from "./flame.ts";

export interface HeapProfileOptions {
  /** `allocated`: everything made, collected since or not. `retained`: only what lives at the end. @defaultValue "allocated" */
  readonly of?: "allocated" | "retained";
  /** Mean distance between two samples, in allocated bytes: smaller is finer and slower. @defaultValue 4096 */
  readonly intervalBytes?: number;
}

export interface HeapProfile {
  /** As the inspector gave it: the content of a `.heapprofile` file. */
  readonly profile: HeapProfiler.SamplingHeapProfile;
  /** In bytes, estimated from the samples. */
  readonly flame: FlameNode;
}

const DEFAULT_INTERVAL_BYTES = 4096;

/**
 * Runs a function under V8's sampling heap profiler and says which functions allocate.
 *
 * @throws MettleError `OPTIONS_INVALID`; whatever `run` throws
 */
export async function profileHeap(
  run: () => void | Promise<void>,
  options: HeapProfileOptions = {},
): Promise<HeapProfile> {
  const samplingInterval = options.intervalBytes ?? DEFAULT_INTERVAL_BYTES;
  if (!(samplingInterval >= 1)) {
    throw coreErrors.create("OPTIONS_INVALID", `intervalBytes must be 1 or more, got ${samplingInterval}.`, {
      details: { intervalBytes: samplingInterval },
    });
  }
  const collected = (options.of ?? "allocated") === "allocated";
  const session = new Session();
  session.connect();
  try {
    await session.post("HeapProfiler.enable");
    await session.post("HeapProfiler.startSampling", {
      samplingInterval,
      includeObjectsCollectedByMajorGC: collected,
      includeObjectsCollectedByMinorGC: collected,
    });
    await run();
    if (!collected) await collectGarbage();
    const { profile } = await session.post("HeapProfiler.stopSampling");
    return { profile, flame: heapFlame(profile) };
  } finally {
    session.disconnect();
  }
}

/** The call tree of a `.heapprofile`, in bytes. */
export function heapFlame(profile: HeapProfiler.SamplingHeapProfile): FlameNode {
  const weighted = (node: HeapProfiler.SamplingHeapProfileNode): WeightedNode => ({
    callFrame: node.callFrame,
    self: node.selfSize,
    children: node.children.map(weighted),
  });
  return flameTree(weighted(profile.head));
}

/** Writes `{title}.heapprofile` and `{title}_heap_profile.txt` into `folder`. */
export const writeHeapProfile = (
  folder: string,
  title: string,
  { profile, flame }: HeapProfile,
): Promise<ProfileFiles> =>
  writeProfileFiles(folder, title, "heapprofile", profile, profileTotalsText(title, flame, "bytes"));
