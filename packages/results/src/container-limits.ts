import type { Environment } from "./run.ts";
import type { ReadText } from "./text-file.ts";

type Limits = NonNullable<Environment["container"]>;

/**
 * The CPU and memory limits that control groups put on this process: the tightest on the way from its own group to the
 * root. A group of version 1 writes "no limit" as a number near 2^63.
 *
 * @param read - files by absolute path, so that tests need no container
 * @param machineBytes - a memory limit at or above this limits nothing
 * @returns undefined where nothing is limited or the system has no control groups
 * @see the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/
 */
export function containerLimits(read: ReadText, machineBytes: number): Limits | undefined {
  const groups = parseGroups(read("/proc/self/cgroup") ?? "");
  const cpus: number[] = [];
  const memory: number[] = [];
  for (const { controllers, path } of groups) {
    const version2 = controllers.length === 0;
    const roots = version2 ? ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] : rootsOf(controllers);
    for (const folder of roots.flatMap((root) => lineage(root, path))) {
      if (version2) {
        push(cpus, quota(read(`${folder}/cpu.max`)));
        push(memory, positive(read(`${folder}/memory.max`)));
      } else {
        const period = read(`${folder}/cpu.cfs_period_us`);
        push(cpus, quota(`${read(`${folder}/cpu.cfs_quota_us`) ?? ""} ${period ?? ""}`));
        push(memory, positive(read(`${folder}/memory.limit_in_bytes`)));
      }
    }
  }
  const bytes = memory.filter((limit) => limit < machineBytes);
  const limits: Limits = {
    ...(cpus.length > 0 ? { cpus: Math.min(...cpus) } : {}),
    ...(bytes.length > 0 ? { memoryBytes: Math.min(...bytes) } : {}),
  };
  return Object.keys(limits).length > 0 ? limits : undefined;
}

interface Group {
  /** Empty for the one hierarchy of version 2. */
  readonly controllers: readonly string[];
  readonly path: string;
}

/** Lines `id:controllers:path`; only those that can hold a limit of ours. */
function parseGroups(text: string): readonly Group[] {
  return text
    .split("\n")
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, controllers = "", path = "/"]) => ({ controllers: controllers.split(",").filter(Boolean), path }))
    .filter(
      ({ controllers }) => controllers.length === 0 || controllers.includes("cpu") || controllers.includes("memory"),
    );
}

/** A hierarchy of version 1 is mounted under its controllers' joined name, or under each one's by links. */
const rootsOf = (controllers: readonly string[]): string[] => [
  ...new Set([controllers.join(","), ...controllers].map((name) => `/sys/fs/cgroup/${name}`)),
];

/** A group and those above it. Inside a container the path may name groups that only the host sees. */
function lineage(root: string, path: string): string[] {
  const steps = path.split("/").filter((step) => step !== "" && step !== "..");
  return Array.from({ length: steps.length + 1 }, (_, depth) => [root, ...steps.slice(0, depth)].join("/"));
}

function quota(text: string | undefined): number | undefined {
  const [granted, period] = (text ?? "").trim().split(/\s+/).map(Number);
  return granted !== undefined && period !== undefined && granted > 0 && period > 0 ? granted / period : undefined;
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text?.trim() || Number.NaN);
  return value > 0 ? value : undefined;
}

function push(values: number[], value: number | undefined): void {
  if (value !== undefined) values.push(value);
}
