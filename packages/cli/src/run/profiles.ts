import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { cpuFlame, type FlameNode, heapFlame, safeFileName } from "@mettle/bench";
import { MettleError, messageOf } from "@mettle/core";
import type { PageProfile } from "@mettle/report";
import type { Measurement, Run } from "@mettle/results";
import { type CommandContext, warn } from "../command-context.ts";

/** Profiles in a page: each is some ten kilobytes of it. */
const MOST_PROFILES = 12;
/** Of a file: a minute under the profiler is a tenth of it. */
const MOST_BYTES = 200_000_000;

const kinds: readonly { readonly extension: string; readonly unit: PageProfile["unit"] }[] = [
  { extension: "cpuprofile", unit: "ms" },
  { extension: "heapprofile", unit: "bytes" },
];

/**
 * What `mettle profile` wrote of the run's benchmarks, found in the output folder by their names. The run document stays
 * small: it does not hold them. A file that is no profile is told and left out.
 */
export function profilesOf(run: Run, folder: string, context: CommandContext): readonly PageProfile[] {
  const titles = [...new Set(run.measurements.flatMap((measurement) => caseNames(measurement)))];
  const found = titles.flatMap((title) =>
    kinds.flatMap(({ extension, unit }) => {
      const file = join(folder, `${safeFileName(title)}.${extension}`);
      return existsSync(file) ? [{ title, unit, file }] : [];
    }),
  );
  return found.slice(0, MOST_PROFILES).flatMap(({ title, unit, file }) => {
    const root = readProfile(file, unit, context);
    return root ? [{ title, unit, root }] : [];
  });
}

function readProfile(file: string, unit: PageProfile["unit"], context: CommandContext): FlameNode | undefined {
  try {
    const { size } = statSync(file);
    if (size > MOST_BYTES) throw new RangeError(`it has ${size} bytes`);
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    // The page draws milliseconds.
    return unit === "ms"
      ? scaled(cpuFlame(content as Parameters<typeof cpuFlame>[0]), 1e-6)
      : heapFlame(content as Parameters<typeof heapFlame>[0]);
  } catch (error) {
    // No JSON, JSON of another shape, too large, or no samples.
    const isFault = [SyntaxError, TypeError, RangeError, MettleError].some((kind) => error instanceof kind);
    if (!isFault) throw error;
    warn(context, `${file} is left out of the page: ${messageOf(error)}`);
    return undefined;
  }
}

export const scaled = (node: FlameNode, factor: number): FlameNode => ({
  ...node,
  self: node.self * factor,
  total: node.total * factor,
  children: node.children.map((child) => scaled(child, factor)),
});

/** The whole names that a benchmark may have by its tags: `suite > title (size=64)`, in whatever order its parameters are. */
function caseNames({ tags }: Measurement): readonly string[] {
  const { suite, case: title, ...parameters } = tags;
  if (title === undefined) return [];
  const base = suite === undefined ? title : `${suite} > ${title}`;
  const written = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  if (written.length === 0) return [base];
  return orders(written).map((order) => `${base} (${order.join(", ")})`);
}

/** Every order of a few; of more only the one given. */
function orders(values: readonly string[]): readonly (readonly string[])[] {
  if (values.length < 2 || values.length > 3) return [values];
  return values.flatMap((first, i) => orders(values.filter((_, k) => k !== i)).map((rest) => [first, ...rest]));
}
