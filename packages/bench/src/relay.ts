import { spawnSync } from "node:child_process";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { Random } from "@mettle/core";
import { benchErrors } from "./errors.ts";
import type { ArmId, RelayPlan } from "./protocol.ts";

// Several processes that measure in turn, never two at once. The runner is not asked between turns: its event loop and
// the messages to and from it cost ten times the hand-over itself, and in that time the machine becomes another.

export interface Turn {
  readonly block: number;
  readonly arm: ArmId;
  readonly side: number;
}

/** All turns in their order. Within a block every arm runs on each side once, the sides in an order of chance. */
export function turnsOf({ seed, blocks, arms, sides, reference }: RelayPlan): readonly Turn[] {
  const random = new Random(seed);
  const order = Array.from({ length: sides }, (_, side) => side);
  const turns: Turn[] = [];
  for (let block = 0; block < blocks; block++) {
    for (const arm of arms) {
      random.shuffle(order);
      for (const side of order) turns.push({ block, arm, side });
    }
    if (block % reference.every === 0) turns.push({ block, arm: reference.arm, side: random.below(sides) });
  }
  return turns;
}

/**
 * Makes the pipes that a relay hands its turns over by, one to each side, at the given paths.
 *
 * @throws MettleError `BENCH_RELAY_UNSUPPORTED` where the system has no named pipes
 */
export function makePipes(paths: readonly string[]): void {
  const made = spawnSync("mkfifo", ["-m", "600", ...paths], { encoding: "utf8" });
  if (made.status === 0) return;
  throw benchErrors.create(
    "BENCH_RELAY_UNSUPPORTED",
    `Named pipes cannot be made here (mkfifo: ${made.error?.message ?? made.stderr.trim()}).`,
  );
}

const go = 1;
const end = 0;

/** One side's end of a relay: waits for its turn without running, and hands over to the next. */
export class Baton {
  readonly #place: number;
  readonly #pipes: readonly number[];
  readonly #byte: Buffer = Buffer.alloc(1);

  /** @param paths - the pipes of all sides, this one's at `place` */
  constructor(paths: readonly string[], place: number) {
    this.#place = place;
    // For reading and writing, so that opening waits for nobody.
    this.#pipes = paths.map((path) => openSync(path, "r+"));
  }

  /** Called by every side before the first turn: returns on `first` once all the others have called it. */
  gather(first: number): void {
    if (this.#place !== first) this.pass(first);
    else for (let side = 1; side < this.#pipes.length; side++) this.#read();
  }

  /** Waits until the turn is handed to this side. False: another side has ended the relay. */
  receive(): boolean {
    return this.#read() === go;
  }

  pass(side: number): void {
    this.#write(side, go);
  }

  /** Called by the side whose turn it is: nobody runs any more. */
  end(): void {
    for (const side of this.#pipes.keys()) if (side !== this.#place) this.#write(side, end);
  }

  close(): void {
    for (const pipe of this.#pipes) closeSync(pipe);
  }

  /** Blocks the thread: a process that waits must not run. */
  #read(): number {
    readSync(this.#pipes[this.#place] as number, this.#byte, 0, 1, null);
    return this.#byte[0] as number;
  }

  #write(side: number, value: number): void {
    this.#byte[0] = value;
    writeSync(this.#pipes[side] as number, this.#byte, 0, 1);
  }
}
