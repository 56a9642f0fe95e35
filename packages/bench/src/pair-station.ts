import { Random } from "@mettle/core";
import { median } from "@mettle/stats";
import { Host, type HostOptions, ProcessFailure } from "./host.ts";
import {
  type ArmId,
  baselineSuffix,
  type CaseFailure,
  controlArm,
  type LoadedCase,
  type Reply,
  type Request,
  twinSuffix,
} from "./protocol.ts";
import {
  type SlopesReply,
  slopesIn,
  allocationsIn,
  type DrawReply,
  type DrawRequest,
  hookStallMs,
  isLethal,
  type Opened,
  openSuite,
  remainingCases,
  type Station,
} from "./station.ts";

/** Samples in one turn; their median is the block's value. */
const samplesPerTurn = 3;
const blocks = 14;

/** One side of the comparison: a folder, and the file as it stands in that folder. */
export interface Side {
  readonly name: "candidate" | "baseline" | "twin";
  readonly suffix: string;
  readonly host: HostOptions;
  readonly file: (candidateFile: string) => string;
}

interface Manned extends Side {
  readonly process: Host;
}

/**
 * Three processes that hold two builds: the candidate, the baseline, and the baseline again as the hidden twin. They
 * have the same seeds of V8 and never run at once: turns are handed from one to the other.
 */
export class PairStation implements Station {
  readonly #sides: readonly Manned[];

  constructor(sides: readonly Side[], random: Random) {
    // One seed for hashes and one for everything else that V8 draws: what differs between the sides is their code.
    const seeds = [`--hash-seed=${1 + random.below(2 ** 30)}`, `--random-seed=${1 + random.below(2 ** 30)}`];
    this.#sides = sides.map((side) => ({
      ...side,
      process: new Host({ ...side.host, nodeFlags: [...seeds, ...side.host.nodeFlags] }),
    }));
  }

  async draw(request: DrawRequest): Promise<DrawReply> {
    const opened: Opened[] = [];
    let { iterations } = request;
    const notes: string[] = [];
    const failures: CaseFailure[] = [];
    const reply = { records: {}, failedRecords: [], notes, failures };
    for (const side of this.#sides) {
      const open = await this.#open(side, { ...request, iterations });
      if (open.failures.length > 0) return { ...reply, iterations: request.iterations, failures: open.failures };
      // The candidate's counts hold for all: arms that do the same must do it equally often.
      if (side.name === "candidate") iterations = open.iterations;
      opened.push(open);
    }
    const samples = await this.#turns(request, opened, failures);
    if (failures.some(isLethal)) return { ...reply, iterations };
    const records = await this.#records(request, opened);
    for (const [i, side] of this.#sides.entries()) {
      const finish = { type: "finish", suite: opened[i]?.suite.index ?? 0 } as const;
      const finished = await side.process.ask(finish, hookStallMs);
      if (side.name === "candidate") notes.push(...finished.notes);
      failures.push(...finished.failures.map((failure) => named(side, failure)));
    }
    return { ...reply, iterations, samples, records: records.values, failedRecords: records.failures };
  }

  /** Recorded quantities are not compared: the candidate's alone are taken. */
  async #records(
    { suite, recordMs }: DrawRequest,
    opened: readonly Opened[],
  ): Promise<Pick<Reply & { type: "records" }, "values" | "failures">> {
    const index = this.#sides.findIndex(({ name }) => name === "candidate");
    const [side, open] = [this.#sides[index], opened[index]];
    if (!side || !open || !suite.cases.some(({ kind }) => kind === "record")) return { values: {}, failures: [] };
    return side.process.ask({ type: "records", suite: open.suite.index, durationMs: recordMs }, hookStallMs);
  }

  /** Opens the suite in one side's process; a failure there is the case's, with the side named. */
  async #open(side: Manned, request: DrawRequest): Promise<Opened> {
    try {
      const open = await openSuite(side.process, { ...request, file: side.file(request.file), twin: false });
      return { ...open, failures: open.failures.map((failure) => named(side, failure)) };
    } catch (error) {
      throw error instanceof ProcessFailure ? new ProcessFailure(named(side, error.failure)) : error;
    }
  }

  async #turns(
    request: DrawRequest,
    opened: readonly Opened[],
    failures: CaseFailure[],
  ): Promise<Readonly<Record<ArmId, Float32Array>>> {
    const random = new Random(request.seed);
    const samples: Record<ArmId, Float32Array> = {};
    const arms = timedCases(request);
    const order = [...this.#sides.keys()];
    for (let block = 0; block < blocks; block++) {
      for (const { id } of arms) {
        random.shuffle(order);
        for (const index of order) {
          const side = this.#sides[index];
          const suite = opened[index]?.suite;
          if (!side || !suite) continue;
          const turn = { type: "turn", suite: suite.index, arm: id, samples: samplesPerTurn } as const;
          const { samples: times, failures: failed } = await this.#ask(side, turn);
          failures.push(...failed.map((failure) => named(side, failure)));
          if (failed.some(isLethal)) return samples;
          (samples[id + side.suffix] ??= new Float32Array(blocks))[block] =
            times.length > 0 ? median(times) : Number.NaN;
        }
      }
      if (block % 4 === 0) await this.#control(opened, samples, block);
    }
    return samples;
  }

  async #ask(side: Manned, turn: Request & { type: "turn" }): Promise<Reply & { type: "turn" }> {
    try {
      return await side.process.ask(turn, hookStallMs);
    } catch (error) {
      throw error instanceof ProcessFailure ? new ProcessFailure(named(side, error.failure)) : error;
    }
  }

  /** The reference workload runs in the candidate's process only: it relates the machine, not the builds. */
  async #control(opened: readonly Opened[], samples: Record<ArmId, Float32Array>, block: number): Promise<void> {
    const index = this.#sides.findIndex(({ name }) => name === "candidate");
    const [side, suite] = [this.#sides[index], opened[index]?.suite];
    if (!side || !suite) return;
    const turn = { type: "turn", suite: suite.index, arm: controlArm, samples: 1 } as const;
    const { samples: times } = await this.#ask(side, turn);
    (samples[controlArm] ??= new Float32Array(blocks).fill(Number.NaN))[block] = times[0] ?? Number.NaN;
  }

  async allocations(request: DrawRequest, durationMs: number): ReturnType<Station["allocations"]> {
    const candidate = this.#sides.find(({ name }) => name === "candidate");
    if (!candidate) return { found: {}, failures: [] };
    return allocationsIn(candidate.process, { ...request, file: candidate.file(request.file) }, durationMs);
  }

  async slopes(request: DrawRequest): Promise<SlopesReply> {
    const candidate = this.#sides.find(({ name }) => name === "candidate");
    if (!candidate) return { found: {}, failures: [] };
    return slopesIn(candidate.process, { ...request, file: candidate.file(request.file) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sides.map(({ process }) => process.close()));
  }
}

const timedCases = (request: DrawRequest): LoadedCase[] =>
  remainingCases(request).filter(({ kind }) => kind === "time");

const named = (side: Side, failure: CaseFailure): CaseFailure => ({
  ...failure,
  message: side.name === "candidate" ? failure.message : `in the baseline: ${failure.message}`,
});

export const pairSuffixes: Readonly<Record<Side["name"], string>> = {
  candidate: "",
  baseline: baselineSuffix,
  twin: twinSuffix,
};
