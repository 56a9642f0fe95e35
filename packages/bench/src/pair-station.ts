import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "@mettle/core";
import { SharedProcessor } from "./affinity.ts";
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
import { makePipes } from "./relay.ts";
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

/** Blocks of one draw, shared by the cases; fewer than the least have no median worth the name. */
const blockTurns = 40;
const leastBlocks = 14;
/** The reference workload runs in one block of so many. */
const controlEvery = 4;

/** One side of the comparison: a folder, and the file as it stands in that folder. */
export interface Side {
  readonly name: "candidate" | "baseline" | "twin";
  readonly suffix: string;
  readonly host: HostOptions;
  readonly file: (candidateFile: string) => string;
}

type Samples = Readonly<Record<ArmId, Float32Array>>;

interface Manned extends Side {
  readonly process: Host;
}

/**
 * Three processes that hold two builds: the candidate, the baseline, and the baseline again as the hidden twin. They
 * have the same seeds of V8 and never measure at once: turns are handed from one to the other.
 */
export class PairStation implements Station {
  readonly #sides: readonly Manned[];
  /** Which of the sides is the candidate. */
  readonly #candidate: number;
  readonly #folder: string;
  readonly #pipes: readonly string[];
  readonly #processor: SharedProcessor | undefined = SharedProcessor.find();

  /** @throws MettleError `BENCH_RELAY_UNSUPPORTED` */
  constructor(sides: readonly Side[], random: Random) {
    this.#candidate = sides.findIndex(({ name }) => name === "candidate");
    this.#folder = mkdtempSync(join(tmpdir(), "mettle-relay-"));
    this.#pipes = sides.map(({ name }) => join(this.#folder, name));
    makePipes(this.#pipes);
    // One seed for hashes and one for everything else that V8 draws: what differs between the sides is their code.
    const seeds = [`--hash-seed=${1 + random.below(2 ** 30)}`, `--random-seed=${1 + random.below(2 ** 30)}`];
    this.#sides = sides.map((side) => ({
      ...side,
      process: new Host({ ...side.host, nodeFlags: [...seeds, ...side.host.nodeFlags] }),
    }));
  }

  async draw(request: DrawRequest): Promise<DrawReply> {
    const opened = await this.#openAll(request);
    const left: string[] = [];
    const failures = opened.flatMap((open) => open.failures);
    const reply = { records: {}, failedRecords: [], left, failures };
    if (failures.length > 0) return { ...reply, iterations: request.iterations };
    const iterations = opened[this.#candidate]?.iterations ?? {};
    const relay = (): Promise<Samples> => this.#relay(request, opened, failures);
    const pids = this.#sides.flatMap(({ process: { pid } }) => pid ?? []);
    const samples = await (this.#processor?.hold(pids, new Random(request.seed), relay) ?? relay());
    if (failures.some(isLethal)) return { ...reply, iterations };
    const records = await this.#records(request, opened);
    for (const [i, side] of this.#sides.entries()) {
      const finish = { type: "finish", suite: opened[i]?.suite.index ?? 0, keepCode: request.keepCode } as const;
      const finished = await side.process.ask(finish, hookStallMs);
      if (i === this.#candidate) left.push(...finished.left);
      failures.push(...finished.failures.map((failure) => named(side, failure)));
    }
    return { ...reply, iterations, samples, records: records.values, failedRecords: records.failures };
  }

  /**
   * Opens the suite on every side: at once, as nothing is measured yet. Only before the counts of iterations are known
   * the candidate goes first, as its counts hold for all: arms that do the same must do it equally often.
   */
  async #openAll(request: DrawRequest): Promise<readonly Opened[]> {
    const candidate = this.#sides[this.#candidate];
    if (!candidate) return [];
    const known = timedCases(request).every(({ id }) => request.iterations[id] !== undefined);
    const first = known ? undefined : await this.#open(candidate, request);
    const iterations = first?.iterations ?? request.iterations;
    return Promise.all(
      this.#sides.map(async (side) =>
        side === candidate && first ? first : this.#open(side, { ...request, iterations }),
      ),
    );
  }

  /** Recorded quantities are not compared: the candidate's alone are taken. */
  async #records(
    { suite, recordMs }: DrawRequest,
    opened: readonly Opened[],
  ): Promise<Pick<Reply & { type: "records" }, "values" | "failures">> {
    const [side, open] = [this.#sides[this.#candidate], opened[this.#candidate]];
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

  async #relay(request: DrawRequest, opened: readonly Opened[], failures: CaseFailure[]): Promise<Samples> {
    const cases = timedCases(request);
    if (cases.length === 0) return {};
    const plan = {
      seed: request.seed,
      blocks: Math.max(leastBlocks, Math.round(blockTurns / cases.length)),
      arms: cases.map(({ id }) => id),
      sides: this.#sides.length,
      reference: { arm: controlArm, every: controlEvery },
    };
    // A side waits while the others run: all samples may take as long as they are allowed.
    const waitMs = hookStallMs + cases.reduce((total, { timeoutMs = 0 }) => total + timeoutMs, 0);
    const replies = await Promise.all(
      this.#sides.map(async (side, place) => {
        const suite = opened[place]?.suite.index ?? 0;
        return this.#ask(side, { type: "relay", suite, place, pipes: this.#pipes, ...plan }, waitMs);
      }),
    );
    const samples: Record<ArmId, Float32Array> = {};
    for (const [place, side] of this.#sides.entries()) {
      const reply = replies[place];
      if (!reply) continue;
      failures.push(...reply.failures.map((failure) => named(side, failure)));
      for (const [arm, values] of Object.entries(reply.samples)) {
        if (arm === controlArm) samples[arm] = together(samples[arm], values);
        else samples[arm + side.suffix] = values;
      }
    }
    return samples;
  }

  async #ask(side: Manned, request: Request & { type: "relay" }, stallMs: number): Promise<Reply & { type: "relay" }> {
    try {
      return await side.process.ask(request, stallMs);
    } catch (error) {
      throw error instanceof ProcessFailure ? new ProcessFailure(named(side, error.failure)) : error;
    }
  }

  async allocations(request: DrawRequest, durationMs: number): ReturnType<Station["allocations"]> {
    const candidate = this.#sides[this.#candidate];
    if (!candidate) return { found: {}, failures: [] };
    return allocationsIn(candidate.process, { ...request, file: candidate.file(request.file) }, durationMs);
  }

  async slopes(request: DrawRequest): Promise<SlopesReply> {
    const candidate = this.#sides[this.#candidate];
    if (!candidate) return { found: {}, failures: [] };
    return slopesIn(candidate.process, { ...request, file: candidate.file(request.file) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sides.map(({ process }) => process.close()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Samples of an arm that ran on one side in each block: on the others it has no time. */
const together = (some: Float32Array | undefined, others: Float32Array): Float32Array =>
  some ? some.map((value, block) => (Number.isNaN(value) ? (others[block] as number) : value)) : others;

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
