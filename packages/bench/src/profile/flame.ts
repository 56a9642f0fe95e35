import { formatQuantity } from "@mettle/core";

/** The call tree of a profile. `self` and `total` are ns in a CPU profile and bytes in a heap profile. */
export interface FlameNode {
  readonly name: string;
  /** `file:line:column`, counted from 1. Absent for what has no source: `(program)`, natives. */
  readonly location?: string;
  /** In this function itself, on this path. */
  readonly self: number;
  /** `self` and all below. */
  readonly total: number;
  /** Largest first. */
  readonly children: readonly FlameNode[];
}

export type FlameUnit = "ns" | "bytes";

/** How the inspector names a function (Chrome DevTools Protocol, Runtime.CallFrame); lines and columns from 0. */
interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** A node of either kind of profile before weights are added up. */
export interface WeightedNode {
  readonly callFrame: CallFrame;
  readonly self: number;
  readonly children: readonly WeightedNode[];
}

const locationOf = ({ url, lineNumber, columnNumber }: CallFrame): string | undefined =>
  url === "" ? undefined : `${url}:${lineNumber + 1}:${columnNumber + 1}`;

/**
 * Adds up a profile's tree. V8 lists a function twice under one caller when it ran in two tiers of the compiler; such
 * siblings become one node. Nothing that weighs nothing is kept.
 */
export function flameTree(root: WeightedNode): FlameNode {
  return merge([root]);
}

/** All of `nodes` are the same function on the same path. */
function merge(nodes: readonly WeightedNode[]): FlameNode {
  const groups = new Map<string, WeightedNode[]>();
  for (const child of nodes.flatMap((node) => node.children)) {
    const key = JSON.stringify([child.callFrame.functionName, locationOf(child.callFrame)]);
    const group = groups.get(key);
    if (group) group.push(child);
    else groups.set(key, [child]);
  }
  const children = [...groups.values()]
    .map(merge)
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total);
  const self = nodes.reduce((sum, node) => sum + node.self, 0);
  const callFrame = nodes[0]?.callFrame;
  const location = callFrame && locationOf(callFrame);
  return {
    name: callFrame?.functionName || "(anonymous)",
    ...(location === undefined ? {} : { location }),
    self,
    total: children.reduce((sum, { total }) => sum + total, self),
    children,
  };
}

/** One function over all its paths. */
export interface FunctionTotals {
  readonly name: string;
  readonly location?: string;
  readonly self: number;
  /** With everything called from it; a recursive call is counted once. */
  readonly total: number;
  /** `self` over the whole profile's total, 0 … 1. */
  readonly selfShare: number;
}

/** The name under which everything of ours is counted: nobody who profiles a benchmark can change it. */
const harnessName = "(harness)";
const ownFolder = new URL("../", import.meta.url).href;

/** The loop that is generated around a body has no source; the rest of the harness lies in this package. */
const isHarness = ({ name, location }: Pick<FlameNode, "name" | "location">): boolean =>
  location === undefined ? name === "batch" : location.startsWith(ownFolder);

/**
 * Every function by its own weight, heaviest first; the harness is one of them. `total` of functions that call each other
 * overlap.
 */
export function topFunctions(root: FlameNode, limit: number = Number.POSITIVE_INFINITY): FunctionTotals[] {
  const found = new Map<string, { name: string; location?: string; self: number; total: number }>();
  const open = new Set<string>();
  const visit = (node: FlameNode): void => {
    const { name, location } = isHarness(node) ? { name: harnessName, location: undefined } : node;
    const key = JSON.stringify([name, location]);
    let entry = found.get(key);
    if (!entry) {
      entry = { name, ...(location ? { location } : {}), self: 0, total: 0 };
      found.set(key, entry);
    }
    entry.self += node.self;
    const outermost = !open.has(key);
    if (outermost) {
      entry.total += node.total;
      open.add(key);
    }
    node.children.forEach(visit);
    if (outermost) open.delete(key);
  };
  root.children.forEach(visit);
  return [...found.values()]
    .sort((a, b) => b.self - a.self || b.total - a.total)
    .slice(0, limit)
    .map((entry) => ({ ...entry, selfShare: root.total > 0 ? entry.self / root.total : 0 }));
}

/** The totals of a profile as plain text: a head line and the heaviest functions, aligned. */
export function profileTotalsText(title: string, root: FlameNode, unit: FlameUnit, limit = 30): string {
  const all = topFunctions(root);
  const rows = all.slice(0, limit).map(({ self, total, selfShare, name, location }) => {
    const columns = [formatQuantity(self, unit), `${(selfShare * 100).toFixed(1)} %`, formatQuantity(total, unit)];
    return `${columns.map((text) => text.padStart(10)).join("  ")}  ${name}${location ? `  ${location}` : ""}`;
  });
  const rest = all.length - rows.length;
  return [
    `${title}: ${formatQuantity(root.total, unit)} in ${all.length} functions`,
    "",
    `${["self", "share", "total"].map((text) => text.padStart(10)).join("  ")}  function`,
    ...rows,
    ...(rest > 0 ? [`… and ${rest} more`] : []),
    "",
  ].join("\n");
}
