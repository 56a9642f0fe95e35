import { spawn } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { compareBenchmarks } from "bench-node";
import { alpha, decisionOf, mannWhitney, welch } from "../decide.ts";
import { candidateOf, type Decision, type HarnessName, type Trial, type TrialRequest } from "../trial.ts";
import type { Arm } from "../workloads.ts";
import type { ArmSamples, ChildRequest } from "./child.ts";

type PeerName = Exclude<HarnessName, "mettle">;

/** The flags that each harness's readme tells its users to pass. */
const flags: Readonly<Record<PeerName, readonly string[]>> = {
  mitata: ["--expose-gc"],
  tinybench: [],
  "bench-node": ["--allow-natives-syntax"],
};

/** Runs one measuring process to its end. */
async function measureInProcess(harness: PeerName, request: ChildRequest): Promise<ArmSamples[]> {
  const script = fileURLToPath(new URL(`./${harness}.ts`, import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, ...flags[harness], script, JSON.stringify(request)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ending = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal));
  });
  if (ending !== 0) throw new Error(`${harness} ended with ${ending} on ${JSON.stringify(request)}.`);
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as ArmSamples[];
}

function samplesOf(results: readonly ArmSamples[], arm: Arm): ArmSamples {
  const found = results.find((result) => result.arm === arm);
  if (!found) throw new Error(`No samples of ${arm} came back.`);
  return found;
}

function decide(base: ArmSamples, candidate: ArmSamples): Trial["decisions"] {
  const decisions: [Decision, ...Decision[]] = [
    decisionOf("welch", welch(base.samples, candidate.samples)),
    decisionOf("rank", mannWhitney(base.samples, candidate.samples)),
  ];
  if (base.opsPerRun && candidate.opsPerRun) {
    // bench-node's own verdict; calls per second turn into a ratio of times.
    const { pValue } = compareBenchmarks([...candidate.opsPerRun], [...base.opsPerRun], alpha);
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    decisions.push(decisionOf("own", { ratio: mean(base.opsPerRun) / mean(candidate.opsPerRun), p: pValue }));
  }
  return decisions;
}

/** One comparison by one of the other harnesses, in one fresh process or in two, one after the other. */
export async function peerTrial(harness: PeerName, request: TrialRequest): Promise<Trial> {
  const { workload, pair, mode, settings, candidateFirst } = request;
  const candidate = candidateOf[pair];
  const order: Arm[] = candidateFirst ? [candidate, "base"] : ["base", candidate];
  const secondsPerArm = request.seconds / 2;
  const start = performance.now();
  const results: ArmSamples[] = [];
  for (const arms of mode === "together" ? [order] : order.map((arm) => [arm])) {
    results.push(...(await measureInProcess(harness, { workload, arms, settings, secondsPerArm })));
  }
  return {
    harness,
    workload,
    pair,
    mode,
    settings,
    candidateFirst,
    seconds: (performance.now() - start) / 1000,
    at: new Date().toISOString(),
    load: loadavg()[0]!,
    decisions: decide(samplesOf(results, "base"), samplesOf(results, candidate)),
  };
}
