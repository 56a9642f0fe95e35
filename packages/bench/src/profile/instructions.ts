import { coreErrors } from "@mettle/core";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface InstructionsOptions {
  /**
   * Arguments of a Node process that runs the body `iterations` times after warming it up, and ends; see
   * {@link moduleArguments}. All but the iterations must be the same in every process.
   */
  readonly argumentsFor: (iterations: number) => readonly string[];
  /** The two numbers of iterations whose difference counts. @defaultValue 20 000 and 120 000 */
  readonly iterations?: readonly [number, number];
  /** Pairs of processes. @defaultValue 3 */
  readonly repeats?: number;
  /** Of one process; valgrind slows Node down some fiftyfold. @defaultValue 120 000 */
  readonly timeoutMs?: number;
  /** @defaultValue "valgrind", looked up in PATH */
  readonly valgrind?: string;
  /** @defaultValue the Node that runs this */
  readonly node?: string;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
}

/** Machine instructions, the body's share of collections and compilation included. They repeat; they are not time. */
export type InstructionsMeasurement =
  | {
      readonly state: "measured";
      /** Median over the pairs. */
      readonly instructionsPerOperation: number;
      /** Smallest and largest pair. */
      readonly spread: { readonly low: number; readonly high: number };
      readonly pairs: readonly number[];
      readonly iterations: readonly [number, number];
    }
  | { readonly state: "absent"; readonly reason: string };

export const instructionsDefaults: {
  readonly iterations: readonly [number, number];
  readonly repeats: number;
  readonly timeoutMs: number;
} = { iterations: [20_000, 120_000], repeats: 3, timeoutMs: 120_000 };

/**
 * What makes V8 do the same in every process: one thread, for compiling and collecting beside the program would fall
 * into one process and not into another, and fixed seeds. The code is compiled and optimized as always.
 */
const deterministicFlags = ["--single-threaded", "--predictable-gc-schedule", "--hash-seed=1", "--random-seed=1"];

/** Warm-up long enough for V8's last tier: by then neither number of iterations meets a compilation of the body. */
const WARMUP_ITERATIONS = 20_000;
/** One long call would be optimized in mid-loop only, and the next call begin in a lower tier again. */
const WARMUP_CALLS = 100;

/**
 * Node arguments that import a module and call one of its exports with a number of iterations, after a warm-up.
 *
 * @param module - URL of the module, `file:` or `data:`
 * @param exportName - of a function `(iterations: number) => void | Promise<void>`
 */
export function moduleArguments(
  module: string,
  exportName: string,
  warmupIterations: number = WARMUP_ITERATIONS,
): (iterations: number) => readonly string[] {
  const script =
    "const [url, name, warmup, iterations] = process.argv.slice(1);" +
    "const run = (await import(url))[name];" +
    `for (let call = 0; call < ${WARMUP_CALLS}; call++) await run(Math.ceil(Number(warmup) / ${WARMUP_CALLS}));` +
    "await run(Number(iterations));";
  return (iterations) => [
    "--input-type=module",
    "--eval",
    script,
    "--",
    module,
    exportName,
    String(warmupIterations),
    // Padded, so that the length of the arguments is the same in every process.
    String(iterations).padStart(16, "0"),
  ];
}

/**
 * Instructions per operation, by callgrind: (count for the many iterations − count for the few) / (difference in
 * iterations), so that starting Node, loading and warming up cancel. About ten seconds a pair.
 *
 * @returns `absent` with the reason where valgrind is missing, fails or takes too long
 * @throws MettleError `OPTIONS_INVALID`; the reason of `signal`
 */
export async function measureInstructions(options: InstructionsOptions): Promise<InstructionsMeasurement> {
  const { iterations, repeats } = { ...instructionsDefaults, ...options };
  const [few, many] = iterations;
  if (!(few >= 1 && many > few && Number.isInteger(repeats) && repeats >= 1)) {
    const message = `Instructions: two ascending numbers of iterations and at least one repeat, got ${few}, ${many}, ${repeats}.`;
    throw coreErrors.create("OPTIONS_INVALID", message, { details: { iterations, repeats } });
  }
  const pairs: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const counts: number[] = [];
    for (const count of iterations) {
      const result = await countInstructions(options, count);
      if (typeof result === "string") return { state: "absent", reason: result };
      counts.push(result.instructions);
    }
    pairs.push(((counts[1] ?? Number.NaN) - (counts[0] ?? Number.NaN)) / (many - few));
  }
  const sorted = pairs.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)] ?? Number.NaN;
  const high = sorted[Math.ceil(middle)] ?? Number.NaN;
  return {
    state: "measured",
    instructionsPerOperation: (low + high) / 2,
    spread: { low: sorted[0] ?? Number.NaN, high: sorted.at(-1) ?? Number.NaN },
    pairs,
    iterations,
  };
}

/** @returns the count, or in words why there is none */
async function countInstructions(
  options: InstructionsOptions,
  iterations: number,
): Promise<{ readonly instructions: number } | string> {
  const folder = await mkdtemp(join(tmpdir(), "mettle-callgrind-"));
  try {
    const outFile = join(folder, "callgrind.out");
    const failure = await runValgrind(options, iterations, outFile);
    options.signal?.throwIfAborted();
    if (failure !== undefined) return failure;
    const total = /^(?:totals|summary):\s*(\d+)/m.exec(await readFile(outFile, "utf8"));
    return total ? { instructions: Number(total[1]) } : "callgrind wrote no total";
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns in words what went wrong, if anything did */
function runValgrind(options: InstructionsOptions, iterations: number, outFile: string): Promise<string | undefined> {
  const valgrind = options.valgrind ?? "valgrind";
  const timeout = options.timeoutMs ?? instructionsDefaults.timeoutMs;
  const args = [
    "--tool=callgrind",
    `--callgrind-out-file=${outFile}`,
    // V8 writes code into memory it has run before; without this valgrind would go on running what was there.
    "--smc-check=all-non-file",
    options.node ?? process.execPath,
    ...deterministicFlags,
    ...options.argumentsFor(iterations),
  ];
  return new Promise((resolve) => {
    const child = execFile(
      valgrind,
      args,
      {
        timeout,
        // valgrind replaces itself by the tool under the same id, and traces no children: one process to kill.
        killSignal: "SIGKILL",
        maxBuffer: 64 * 1024 * 1024,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        ...(options.signal ? { signal: options.signal } : {}),
      },
      (error, _stdout, stderr) => {
        if (!error) resolve(undefined);
        else if (error.code === "ENOENT") resolve(`${valgrind} is not installed`);
        else if (error.killed && child.signalCode === "SIGKILL")
          resolve(`took longer than ${timeout} ms under valgrind`);
        else resolve(`valgrind failed: ${stderr.trimEnd().split("\n").slice(-3).join(" | ") || error.message}`);
      },
    );
  });
}
