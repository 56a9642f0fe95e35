import { createHash } from "node:crypto";
import os from "node:os";
import { type Clock, systemClock } from "@mettle/core";
import { ciName, type EnvironmentVariables } from "./ci.ts";
import { containerLimits } from "./container-limits.ts";
import { probeNoise } from "./noise-probe.ts";
import type { Environment } from "./run.ts";
import { type ReadText, readTextFile } from "./text-file.ts";

/** What the operating system and the process say of themselves; tests replace it. */
export interface Machine {
  readonly os: Environment["os"];
  readonly cpus: readonly { readonly model: string; readonly speed: number }[];
  readonly parallelism: number;
  readonly memoryBytes: number;
  readonly loadAverage1m: number | undefined;
  readonly node: { readonly version: string; readonly v8: string; readonly flags: readonly string[] };
}

export interface CaptureOptions {
  /** Time a fixed loop for at most 0.1 s to see how quiet the machine is. @defaultValue true */
  readonly noiseProbe?: boolean | { readonly samples: number };
  readonly clock?: Clock;
  readonly env?: EnvironmentVariables;
  readonly read?: ReadText;
  readonly machine?: Machine;
}

/** Where this process runs. What cannot be read is absent. Takes at most 0.1 s, nearly all of it the noise probe. */
export function captureEnvironment(options: CaptureOptions = {}): Environment {
  const { noiseProbe = true, clock = systemClock, env = process.env, read = readTextFile } = options;
  const machine = options.machine ?? thisMachine(env);
  const container = containerLimits(read, machine.memoryBytes);
  const first = machine.cpus[0];
  const ci = ciName(env);
  const governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")?.trim();
  const noise =
    noiseProbe === false ? undefined : probeNoise({ clock, read, ...(noiseProbe === true ? {} : noiseProbe) });
  const facts: Omit<Environment, "fingerprint"> = {
    os: machine.os,
    cpu: {
      model: first?.model.trim() || "unknown",
      cores: machine.cpus.length || machine.parallelism,
      ...(first && first.speed > 0 ? { mhz: first.speed } : {}),
    },
    memoryBytes: machine.memoryBytes,
    node: machine.node,
    ...(container ? { container } : {}),
    ...(ci ? { ci } : {}),
    ...(machine.loadAverage1m === undefined ? {} : { loadAverage1m: machine.loadAverage1m }),
    ...(governor ? { governor } : {}),
    ...(noise ? { noise } : {}),
  };
  return { ...facts, fingerprint: environmentFingerprint(facts) };
}

function thisMachine(env: EnvironmentVariables): Machine {
  return {
    os: { platform: os.platform(), release: os.release(), arch: os.arch() },
    cpus: os.cpus(),
    parallelism: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    // Windows has no load average and answers zero.
    loadAverage1m: os.platform() === "win32" ? undefined : os.loadavg()[0],
    node: {
      version: process.version,
      v8: process.versions.v8,
      flags: [...(env["NODE_OPTIONS"] ?? "").split(/\s+/).filter(Boolean), ...process.execArgv],
    },
  };
}

/**
 * Twelve hexadecimal digits over what makes two machines comparable: operating system, architecture, CPU model, cores,
 * container limits, and the major version of Node.
 */
export function environmentFingerprint(environment: Omit<Environment, "fingerprint">): string {
  const { os: system, cpu, container, node } = environment;
  const identity = [
    system.platform,
    system.arch,
    cpu.model,
    cpu.cores,
    container?.cpus ?? null,
    container?.memoryBytes ?? null,
    nodeMajor(node.version),
  ];
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 12);
}

const nodeMajor = (version: string): string => /^v?(\d+)/.exec(version)?.[1] ?? version;

type Fact = string | number | undefined;
export interface EnvironmentDifference {
  /** Such as `cpu.model`. */
  readonly field: string;
  /** Absent where that environment does not say. */
  readonly a: Fact;
  readonly b: Fact;
  /** True when figures of the two should not be compared without saying so. */
  readonly matters: boolean;
}
export interface EnvironmentComparison {
  /** No difference that matters. */
  readonly same: boolean;
  /** Those that matter first. */
  readonly differences: readonly EnvironmentDifference[];
}

/** Relative differences below this do not matter; judged by probes of one machine under load, which agree within 5 %. */
const SPEED_MARGIN = 0.1;
const MEMORY_MARGIN = 0.1;
const differ = (a: Fact, b: Fact): boolean => a !== b;
const differBeyond =
  (margin: number) =>
  (a: Fact, b: Fact): boolean =>
    typeof a === "number" && typeof b === "number" && Math.abs(a - b) > margin * Math.min(a, b);
const never = (): boolean => false;

/** Each fact that is compared, and when a difference in it matters. */
const facts: readonly (readonly [string, (one: Environment) => Fact, (a: Fact, b: Fact) => boolean])[] = [
  ["os.platform", (one) => one.os.platform, differ],
  ["os.arch", (one) => one.os.arch, differ],
  ["cpu.model", (one) => one.cpu.model, differ],
  ["cpu.cores", (one) => one.cpu.cores, differ],
  ["container.cpus", (one) => one.container?.cpus, differ],
  ["container.memoryBytes", (one) => one.container?.memoryBytes, differ],
  ["node.major", (one) => nodeMajor(one.node.version), differ],
  ["node.flags", (one) => one.node.flags.join(" "), differ],
  // Absent means the system does not say, which is not a difference of machines.
  ["governor", (one) => one.governor, (a, b) => a !== undefined && b !== undefined],
  ["noise.medianNs", (one) => one.noise?.medianNs, differBeyond(SPEED_MARGIN)],
  ["memoryBytes", (one) => one.memoryBytes, differBeyond(MEMORY_MARGIN)],
  ["os.release", (one) => one.os.release, never],
  ["cpu.mhz", (one) => one.cpu.mhz, never],
  ["node.version", (one) => one.node.version, never],
  ["ci", (one) => one.ci, never],
];

/** What differs between two places of measurement, for the warning that a baseline came from another machine. */
export function compareEnvironments(a: Environment, b: Environment): EnvironmentComparison {
  const differences = facts
    .map(([field, fact, matters]) => ({ field, a: fact(a), b: fact(b), matters: matters(fact(a), fact(b)) }))
    .filter((difference) => difference.a !== difference.b)
    .sort((one, other) => Number(other.matters) - Number(one.matters));
  return { same: differences.every(({ matters }) => !matters), differences };
}
