import { refuseProblems, wholeAtLeast } from "./check-options.ts";

/** Some members, or some clusters, that speak with one voice. */
export interface Cluster {
  readonly id: number;
  /** 0 for clusters of members. */
  readonly level: number;
  /** Members of a cluster of level 0; none above it. */
  readonly members: readonly number[];
  /** Clusters below; none at level 0. */
  readonly children: readonly number[];
  /** Who may represent it, the best first. */
  readonly candidates: readonly number[];
}

export interface Hierarchy {
  readonly clusters: readonly Cluster[];
  /** The cluster above all others. */
  readonly root: number;
  readonly levels: number;
  readonly members: number;
}

export interface HierarchyOptions {
  /** Members of a cluster, and clusters under one. @defaultValue 5 */
  readonly clusterSize?: number;
  /** @defaultValue 4 */
  readonly maxLevels?: number;
  /** Fitness to represent, such as reputation: the highest first, then the lowest number. @defaultValue all equal */
  readonly scores?: Float64Array;
  /** Who may stand in for a cluster's representative, with it. @defaultValue 3 */
  readonly candidates?: number;
}

/**
 * Groups members into clusters, clusters into clusters, up to one. Where `clusterSize` to the power of `maxLevels` does not
 * hold all members (625 by default), clusters grow instead of levels.
 *
 * @throws MettleError `OPTIONS_INVALID`
 */
export function formHierarchy(members: number, options: HierarchyOptions = {}): Hierarchy {
  const { clusterSize = 5, maxLevels = 4, scores, candidates = 3 } = options;
  refuseProblems("Hierarchy", [
    ...wholeAtLeast("members", members, 1),
    ...wholeAtLeast("clusterSize", clusterSize, 2),
    ...wholeAtLeast("maxLevels", maxLevels, 1),
    ...wholeAtLeast("candidates", candidates, 1),
    ...(scores !== undefined && scores.length !== members
      ? [`scores must number ${members}, got ${scores.length}`]
      : []),
  ]);
  let size = clusterSize;
  while (size ** maxLevels < members) size += 1;
  const best = (of: readonly number[]): number[] =>
    [...of].sort((a, b) => (scores?.[b] ?? 0) - (scores?.[a] ?? 0) || a - b).slice(0, candidates);

  const clusters: Cluster[] = [];
  let level = 0;
  let below = evenly(members, size).map((range): Cluster => {
    return { id: 0, level, members: range, children: [], candidates: best(range) };
  });
  for (;;) {
    const first = clusters.length;
    below = below.map((cluster, i) => ({ ...cluster, id: first + i }));
    clusters.push(...below);
    if (below.length === 1) return { clusters, root: clusters.length - 1, levels: level + 1, members };
    level += 1;
    const children = below;
    below = evenly(children.length, size).map((range): Cluster => {
      const under = range.map((i) => children[i]!);
      const fit = best(under.flatMap((cluster) => cluster.candidates));
      return { id: 0, level, members: [], children: under.map(({ id }) => id), candidates: fit };
    });
  }
}

/** 0 … count − 1 in the fewest runs of at most `size`, whose lengths differ by one at most. */
function evenly(count: number, size: number): number[][] {
  const runs = Math.ceil(count / size);
  return Array.from({ length: runs }, (_, run) => {
    const start = Math.floor((run * count) / runs);
    const end = Math.floor(((run + 1) * count) / runs);
    return Array.from({ length: end - start }, (_, i) => start + i);
  });
}
