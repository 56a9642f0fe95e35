import { refuseProblems, wholeAtLeast } from "./check-options.ts";

/** Who passes a message on to whom. Position 0 is the root: whoever begins. */
export interface RelayTree {
  readonly size: number;
  /** First position below `position`; its children are consecutive. */
  firstChild(position: number): number;
  childCount(position: number): number;
  /** Levels below `position`; 0 for a leaf. */
  height(position: number): number;
}

/** The root sends to everyone itself: `size` positions with the root. */
export const flatTree = (size: number): RelayTree => karyTree(size, Math.max(2, size - 1));

/** Every position passes on to `fanOut` others (2 or more: patience doubles with each level), filled level by level as in a heap. */
export function karyTree(size: number, fanOut = 4): RelayTree {
  refuseProblems("Relay tree", [...wholeAtLeast("size", size, 1), ...wholeAtLeast("fanOut", fanOut, 2)]);
  const firstChild = (position: number): number => position * fanOut + 1;
  return {
    size,
    firstChild,
    childCount: (position) => Math.max(0, Math.min(fanOut, size - firstChild(position))),
    height(position) {
      let levels = 0;
      for (let first = firstChild(position); first < size; first = firstChild(first)) levels += 1;
      return levels;
    },
  };
}

/**
 * A hierarchy of given levels: the root leads the first level, whose positions share the second evenly, and so on.
 *
 * @param levels - positions on each level below the root, such as `[33, 33, 33]`
 */
export function levelTree(levels: readonly number[]): RelayTree {
  refuseProblems(
    "Level tree",
    levels.flatMap((count, i) => wholeAtLeast(`level ${i + 1}`, count, 1)),
  );
  const starts = [0, 1];
  for (const count of levels) starts.push(starts.at(-1)! + count);
  const levelOf = (position: number): number => starts.findLastIndex((start) => start <= position);
  /** First of the children that the positions of one level before `rank` have together. */
  const share = (rank: number, parents: number, children: number): number => Math.ceil((rank * children) / parents);
  const childrenOf = (position: number): readonly [first: number, count: number] => {
    const level = levelOf(position);
    const children = levels[level];
    if (children === undefined) return [starts.at(-1)!, 0];
    const parents = level === 0 ? 1 : levels[level - 1]!;
    const rank = position - starts[level]!;
    const first = share(rank, parents, children);
    return [starts[level + 1]! + first, share(rank + 1, parents, children) - first];
  };
  return {
    size: starts.at(-1)!,
    firstChild: (position) => childrenOf(position)[0],
    childCount: (position) => childrenOf(position)[1],
    height: (position) => levels.length - levelOf(position),
  };
}
