import { getHeapStatistics, serialize, deserialize } from "node:v8";
import type { CompiledDefinition } from "../agent/definition.ts";
import { CallbackTimer } from "../timers/timer-wheel.ts";
import { type CellBase, HIBERNATED, IDLE } from "./cell-base.ts";
import { agentErrors } from "./errors.ts";
import { comesBackAsItWas } from "./packable.ts";
import { messageOfItem } from "./pending-ask.ts";
import { accountedSize } from "./size.ts";

const WARN_SHARE = 0.8;
/** Messages between two accounts of an agent's memory. */
const CHECK_EVERY = 1024;
/** Spawns between two looks at the heap: the look costs as much as many spawns. */
const HEAP_LOOK_EVERY = 1024;
/** The next look comes, at the latest, when states of this share of the room that was left have been added. */
const HEAP_LOOK_SHARE = 0.1;
/** Of the states that a definition makes itself one in so many is accounted, and stands for those up to the next. */
const STATE_ACCOUNT_EVERY = 64;

/** Accounted bytes of an agent's state and of what waits in its mailbox (counted as its oldest message times the rest). */
function accountedBytes(cell: CellBase): number {
  if (cell.extras?.packed !== undefined) return cell.extras.packed.byteLength;
  const oldest = cell.first ?? cell.box?.peek();
  const mailbox = oldest === undefined ? 0 : accountedSize(messageOfItem(oldest)) * cell.waiting;
  return accountedSize(cell.state) + mailbox;
}

/** Takes a snapshot when one is due and holds the agent's memory to its limit. Called between two of its messages. */
export function checkpoint(cell: CellBase, defaultLimitBytes: number): void {
  const { snapshotEvery } = cell.definition;
  if (snapshotEvery > 0) {
    cell.cold().snapshot = { state: cell.state };
    cell.extras?.onSnapshot?.(cell.state);
  }
  cell.untilCheckpoint = snapshotEvery > 0 ? snapshotEvery : CHECK_EVERY;
  holdToLimit(cell, defaultLimitBytes);
}

/** Warns at 80 % of the limit, once until it is below again; ends the agent at 100 %. */
export function holdToLimit(cell: CellBase, defaultLimitBytes: number): void {
  const limitBytes = cell.extras?.memoryLimitBytes ?? defaultLimitBytes;
  const bytes = accountedBytes(cell);
  if (bytes < limitBytes * WARN_SHARE) {
    if (cell.extras !== undefined) cell.extras.memoryWarned = false;
    return;
  }
  const { observers } = cell.host;
  if (bytes >= limitBytes) {
    const error = agentErrors.create(
      "AGENT_MEMORY_EXCEEDED",
      `${cell.label} keeps ${bytes} bytes; its limit is ${limitBytes}.`,
      { details: { address: cell.address, bytes, limitBytes } },
    );
    observers.tell({ kind: "memory-exceeded", agent: cell.address, bytes, limitBytes });
    cell.terminate("memory-exceeded", error);
    return;
  }
  if (cell.cold().memoryWarned) return;
  cell.cold().memoryWarned = true;
  const collected = cell.host.collectOnce();
  observers.tell({ kind: "memory-warning", agent: cell.address, bytes, limitBytes, collected });
}

/** Lets an agent give up its mailbox and pack its state whenever it had no message for `afterMs`. */
export function hibernateWhenIdle(cell: CellBase, afterMs: number): void {
  let processed = -1;
  const timer = new CallbackTimer(() => {
    if (cell.phase === IDLE && cell.processed === processed && (cell.extras?.running.size ?? 0) === 0) hibernate(cell);
    processed = cell.processed;
    cell.host.wheel.add(timer, afterMs);
  });
  cell.cold().hibernation = timer;
  cell.host.wheel.add(timer, afterMs);
}

function hibernate(cell: CellBase): void {
  cell.dropBox();
  // A state that would come back as another stays as it is; the mailbox is given up all the same.
  if (!comesBackAsItWas(cell.state)) return;
  let packed: Uint8Array;
  try {
    packed = serialize(cell.state);
  } catch {
    return; // of the rest, what the serializer refuses
  }
  cell.cold().packed = packed;
  cell.state = undefined;
  cell.phase = HIBERNATED;
  cell.host.observers.tell({ kind: "agent-hibernated", agent: cell.address, bytes: packed.byteLength });
}

/** Brings the state of a hibernated agent back. */
export function unpack(cell: CellBase): void {
  const packed = cell.extras?.packed;
  if (packed === undefined) return;
  cell.state = deserialize(packed);
  cell.cold().packed = undefined;
  cell.phase = IDLE;
}

type HeapInUse = Pick<ReturnType<typeof getHeapStatistics>, "used_heap_size" | "heap_size_limit">;

/**
 * Refuses new agents before the thread dies of them. The heap is looked at every 1024 spawns, and sooner when the states of
 * the agents that came since are large: a thousand agents of a megabyte each would otherwise be there before the next look.
 */
export class Ceiling {
  readonly #maxAgents: number;
  readonly #maxHeapShare: number;
  readonly #heap: () => HeapInUse;
  #untilLook = 0;
  /** Accounted bytes of new states until the next look. */
  #bytesUntilLook = 0;
  #heapShare = 0;

  constructor(maxAgents: number, maxHeapShare: number, heap: () => HeapInUse = getHeapStatistics) {
    this.#maxAgents = maxAgents;
    this.#maxHeapShare = maxHeapShare;
    this.#heap = heap;
  }

  /** @throws AGENT_CEILING_REACHED */
  admit(living: number): void {
    if (living >= this.#maxAgents) {
      throw agentErrors.create("AGENT_CEILING_REACHED", `${living} agents live here, which is the ceiling.`, {
        details: { living, maxAgents: this.#maxAgents },
      });
    }
    if (--this.#untilLook <= 0 || this.#bytesUntilLook <= 0) this.#look();
    if (this.#heapShare <= this.#maxHeapShare) return;
    this.#untilLook = 0; // the next spawn looks again: memory may have been freed
    throw agentErrors.create(
      "AGENT_CEILING_REACHED",
      `${Math.round(this.#heapShare * 100)} % of the heap limit is in use; new agents are refused above ${this.#maxHeapShare * 100} %.`,
      { details: { living, heapShare: this.#heapShare, maxHeapShare: this.#maxHeapShare } },
    );
  }

  #look(): void {
    const { used_heap_size: used, heap_size_limit: limit } = this.#heap();
    this.#heapShare = used / limit;
    this.#untilLook = HEAP_LOOK_EVERY;
    this.#bytesUntilLook = Math.max(limit * this.#maxHeapShare - used, 0) * HEAP_LOOK_SHARE;
  }

  /** Hot: once per spawn. A state that was given is accounted each time, one that the definition made now and then. */
  added(definition: CompiledDefinition, state: unknown, given: boolean): void {
    if (given) this.#bytesUntilLook -= accountedSize(state);
    else {
      if (--definition.untilAccount <= 0) {
        definition.untilAccount = STATE_ACCOUNT_EVERY;
        definition.stateBytes = accountedSize(state);
      }
      this.#bytesUntilLook -= definition.stateBytes;
    }
  }
}
