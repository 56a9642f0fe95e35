/**
 * What it costs two processes to hand a turn to each other by named pipes, left to the scheduler and held on one
 * processor (decision 0003). Rounds alternate; the medians are printed.
 *
 *   node -C mettle-source bench/detect/hand-over.ts [--rounds 7] [--turns 5000]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Random } from "@mettle/core";
import { median } from "@mettle/stats";
import { SharedProcessor } from "../../packages/bench/src/affinity.ts";
import { makePipes } from "../../packages/bench/src/relay.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    turns: { type: "string", default: "5000" },
    partner: { type: "string" },
  },
});
const turns = Number(values.turns);

/** Answers each byte with one of its own. */
function answer(folder: string): void {
  const [from, to] = [openSync(join(folder, "there"), "r+"), openSync(join(folder, "back"), "r+")];
  const byte = Buffer.alloc(1);
  for (let turn = 0; turn <= turns; turn++) {
    readSync(from, byte, 0, 1, null);
    writeSync(to, byte, 0, 1);
  }
}

interface Partner {
  readonly process: ChildProcess;
  readonly handOver: () => void;
  readonly close: () => Promise<void>;
}

function startPartner(): Partner {
  const folder = mkdtempSync(join(tmpdir(), "mettle-hand-over-"));
  makePipes([join(folder, "there"), join(folder, "back")]);
  const [to, from] = [openSync(join(folder, "there"), "r+"), openSync(join(folder, "back"), "r+")];
  const args = ["-C", "mettle-source", fileURLToPath(import.meta.url), "--partner", folder, "--turns", String(turns)];
  const process_ = spawn(process.execPath, args, { stdio: "inherit" });
  const byte = Buffer.alloc(1);
  return {
    process: process_,
    handOver: () => {
      writeSync(to, byte, 0, 1);
      readSync(from, byte, 0, 1, null);
    },
    close: async () => {
      await once(process_, "exit");
      closeSync(to);
      closeSync(from);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Microseconds of one hand-over: a round trip is two. */
async function round(processor: SharedProcessor | undefined, random: Random): Promise<number> {
  const partner = startPartner();
  partner.handOver(); // it has started
  const timed = (): Promise<number> => {
    const started = performance.now();
    for (let turn = 0; turn < turns; turn++) partner.handOver();
    return Promise.resolve(((performance.now() - started) * 1000) / turns / 2);
  };
  const pids = [process.pid, partner.process.pid ?? process.pid];
  const took = await (processor?.hold(pids, random, timed) ?? timed());
  await partner.close();
  return took;
}

if (values.partner !== undefined) {
  answer(values.partner);
} else {
  const random = new Random(1);
  const processor = SharedProcessor.find();
  const free: number[] = [];
  const held: number[] = [];
  for (let i = 0; i < Number(values.rounds); i++) {
    free.push(await round(undefined, random));
    if (processor) held.push(await round(processor, random));
  }
  console.log(`left alone: ${median(free).toFixed(1)} µs a hand-over`);
  console.log(
    processor ? `on one processor: ${median(held).toFixed(1)} µs` : "on one processor: not measured (taskset)",
  );
}
