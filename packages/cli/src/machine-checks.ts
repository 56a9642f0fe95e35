import { spawnSync } from "node:child_process";
import { addressesCanBeFixed } from "@mettle/bench";
import { formatQuantity } from "@mettle/core";
import type { Comparison, Environment } from "@mettle/results";

export type CheckState = "good" | "note" | "bad";

/** One line of `mettle doctor`. */
export interface MachineCheck {
  readonly name: string;
  readonly state: CheckState;
  /** What was found, and what it means where that is not plain. */
  readonly text: string;
}

const check = (name: string, state: CheckState, text: string): MachineCheck => ({ name, state, text });
/** `[−0.70, +0.72]`, in percent: the row has to fit 80 columns. */
const formatRatioInterval = ({ low, high }: { readonly low: number; readonly high: number }): string =>
  `[${[low, high].map((ratio) => `${ratio < 1 ? "−" : "+"}${Math.abs((ratio - 1) * 100).toFixed(2)}`).join(", ")}]`;
const percent = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;

/** By judgement: a tenth interrupted is felt in single runs; beyond a quarter even paired times are coarse. */
const INTERRUPTED = { note: 0.1, bad: 0.25 };
const CPU_WAIT = { note: 0.05, bad: 0.3 };
/** Smallest effect that a short run finds: above 5 % one needs longer runs; above 20 % the machine tells little. */
const DETECTABLE = { note: 0.05, bad: 0.2 };

/** Programs that want to run, for each core: above the first something else runs, above the second it is crowded. */
const LOAD = { note: 0.5, bad: 3 };

/**
 * A load average remembers a minute and counts programs of any priority. Where it says crowded, what was measured decides:
 * a probe that was not interrupted and a short run that finds small effects prove that the others do not disturb.
 */
function loadCheck(
  load: number,
  cores: number,
  noise: Environment["noise"],
  detectable: number | undefined,
): MachineCheck {
  const graded = grade(load / cores, LOAD);
  const text = `${load.toFixed(2)} over the last minute on ${cores} cores`;
  if (graded === "good") return check("load", "good", text);
  if (graded === "note") return check("load", "note", `${text}: something else is running`);
  const undisturbed =
    noise !== undefined &&
    grade(noise.interruptedShare, INTERRUPTED) === "good" &&
    grade(noise.cpuWaitShare ?? 0, CPU_WAIT) === "good" &&
    detectable !== undefined &&
    grade(detectable, DETECTABLE) === "good";
  return undisturbed
    ? check("load", "note", `${text}: crowded, and yet neither the probe nor the self-check was disturbed`)
    : check("load", "bad", `${text}: crowded; wait until it is below ${cores}`);
}

/**
 * What the environment says of how quiet and how steady the machine is.
 *
 * @param detectable - smallest effect, as a fraction, that a run just made can find
 */
export function environmentChecks(
  { node, noise, loadAverage1m, cpu, governor, container, memoryBytes }: Environment,
  detectable?: number,
): readonly MachineCheck[] {
  const cores = container?.cpus ?? cpu.cores;
  const checks = [
    check("node", "good", `${node.version}, V8 ${node.v8}`),
    check(
      "processor",
      cores < 2 ? "note" : "good",
      `${cpu.model}, ${cpu.cores} cores${cores < 2 ? ": one core is shared by everything that runs" : ""}`,
    ),
    check(
      "limits",
      "good",
      container
        ? `container with ${container.cpus === undefined ? "all" : container.cpus} cores, ${formatQuantity(container.memoryBytes ?? memoryBytes, "bytes")}`
        : `none, ${formatQuantity(memoryBytes, "bytes")} of memory`,
    ),
  ];
  if (governor !== undefined) {
    const steady = governor === "performance";
    checks.push(
      check(
        "governor",
        steady ? "good" : "note",
        steady ? governor : `${governor}: the clock rate changes while measuring; "performance" holds it`,
      ),
    );
  }
  if (loadAverage1m !== undefined) checks.push(loadCheck(loadAverage1m, cores, noise, detectable));
  if (noise) {
    const { interruptedShare, spread, cpuWaitShare } = noise;
    const graded = grade(interruptedShare, INTERRUPTED);
    checks.push(
      check("noise", graded, `${percent(interruptedShare)} of the probe interrupted, spread ${percent(spread)}`),
    );
    if (cpuWaitShare !== undefined) {
      checks.push(
        check(
          "waiting",
          grade(cpuWaitShare, CPU_WAIT),
          `${percent(cpuWaitShare)} of the time ready to run and not running`,
        ),
      );
    }
  }
  return checks;
}

const grade = (value: number, limits: { readonly note: number; readonly bad: number }): CheckState =>
  value > limits.bad ? "bad" : value > limits.note ? "note" : "good";

/** What is installed or allowed beside Node. Nothing here is needed to measure; some things need it. */
export function toolChecks(has: (command: string, ...args: string[]) => boolean = canRun): readonly MachineCheck[] {
  const optional = (name: string, found: boolean, without: string): MachineCheck =>
    check(name, found ? "good" : "note", found ? "there" : `not there: ${without}`);
  return [
    optional("git", has("git", "--version"), "no revisions in runs, and no --against REV"),
    check(
      "addresses",
      addressesCanBeFixed() ? "good" : "note",
      addressesCanBeFixed()
        ? "setarch -R is allowed: paired processes are alike"
        : "setarch -R is not allowed here: pairs of --against spread more",
    ),
    optional("valgrind", has("valgrind", "--version"), "no counts of instructions (mettle profile --instructions)"),
  ];
}

const canRun = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;

/**
 * What the same code measured twice says.
 *
 * @param comparison - of the two; undefined when it could not be made
 */
export function selfCheckChecks(comparison: Comparison | undefined): readonly MachineCheck[] {
  if (!comparison)
    return [check("self-check", "bad", "identical code could not be compared: too few processes ended in time")];
  const { ratio, interval, outcome, selfCheck } = comparison;
  const found = `${percent(Math.abs(ratio - 1))} apart ${formatRatioInterval(interval)}`;
  const words = {
    worse: "identical code looks different",
    better: "identical code looks different",
    same: "identical code looks the same",
    undecided: "no sure difference in identical code",
  } as const;
  const wrong = outcome === "worse" || outcome === "better";
  const checks = [check("self-check", wrong ? "bad" : "good", `${words[outcome]}: ${found}`)];
  if (selfCheck) {
    const graded = grade(selfCheck.detectable, DETECTABLE);
    checks.push(
      check(
        "detects",
        graded,
        `${percent(selfCheck.detectable)} and more, in 95 % of runs as short as this one${graded === "good" ? "" : "; longer runs find smaller effects"}`,
      ),
    );
  }
  return checks;
}

/** The answer in one sentence: what speaks against measuring here and now, or what a run can find. */
export function conclusion(checks: readonly MachineCheck[], detectable: number | undefined): string {
  const named = (wanted: CheckState): string =>
    checks.flatMap(({ name, state }) => (state === wanted ? [name] : [])).join(", ");
  if (named("bad") !== "") return `Not fit to measure on now: ${named("bad")}.`;
  const finds = detectable === undefined ? "" : `: a short run finds changes of ${percent(detectable)} and more`;
  return `This machine can measure${finds}.${named("note") === "" ? "" : ` Mind: ${named("note")}.`}`;
}
