// Where other work shares the machine, METTLE_BENCH_PRIORITY=1 puts generator and server above it, which needs root: that a
// core is taken away is then the script's doing and nobody else's.
const aboveOthers = process.env["METTLE_BENCH_PRIORITY"] === "1";

/** A session of its own, which Linux weighs as a whole against others, and first among them. */
const firstOfAll = ["setsid", "sh", "-c", 'echo -20 >/proc/self/autogroup; exec nice -n -20 "$@"', "sh"];

/** A command on one core; above everything else that runs there, where that is asked for. */
export function onCore(
  core: number,
  command: readonly string[],
  above: boolean = aboveOthers,
): readonly [string, ...string[]] {
  return ["taskset", "-c", String(core), ...(above ? firstOfAll : []), ...command];
}
