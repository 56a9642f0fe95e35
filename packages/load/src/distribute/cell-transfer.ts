import { Histogram, type EncodedHistogram } from "@mettle/stats";
import { requestMetrics } from "../agent/metric-names.ts";
import type { Flush } from "../engine/protocol.ts";
import { allocateCell, type CellHalf, type CellMemory, openReader, Tally } from "../metrics/cell.ts";
import type { MetricDefinition, Tags } from "../metrics/recorder.ts";
import type { CellAnnouncement } from "../metrics/worker-recorder.ts";

/** A cell without its memory, as another machine tells of it. */
interface CellDescription {
  readonly id: number;
  readonly definition: MetricDefinition;
  readonly part?: Tags;
  readonly submetrics: readonly number[];
}

/** What a cell held: a trend's histogram, or the words of a tally. */
type EncodedCell = readonly [id: number, held: EncodedHistogram | Float64Array];

/** What a thread recorded, with its contents in place of shared memory. */
export interface RemoteFlush extends Omit<Flush, "half" | "fresh"> {
  readonly fresh: readonly CellDescription[];
  readonly cells: readonly EncodedCell[];
}

/** Reads the memory of one thread's cells, empties it, and writes what was in it as plain data. */
export class CellReader {
  readonly #cells: (readonly [CellHalf, CellHalf])[] = [];

  /** What a thread let go, as it is sent. Only cells with samples take room. */
  read({ half, fresh, ...rest }: Flush): RemoteFlush {
    for (const cell of fresh) this.#cells[cell.id] = openReader(cell);
    const cells = this.#cells.flatMap((halves, id): EncodedCell[] => {
      const held = halves[half];
      if (held.count === 0 && held.rejected === 0) return [];
      const encoded = held instanceof Histogram ? held.encode() : held.words();
      held.reset();
      return [[id, encoded]];
    });
    return { ...rest, fresh: fresh.map(described), cells };
  }
}

const described = ({ id, definition, part, submetrics }: CellAnnouncement): CellDescription => ({
  id,
  definition,
  submetrics,
  ...(part && { part }),
});

/**
 * Puts what another machine's thread recorded into memory of the shape that a thread of this machine has, so that one
 * and the same code merges both. The memory is emptied by whoever reads it, at once: all threads afar share it.
 */
export class CellWriting {
  readonly #memory: Map<string, CellMemory[]>;
  readonly #cells: (readonly [CellMemory, CellHalf])[] = [];
  readonly #taken = new Map<string, number>();

  readonly #wallOffsetMs: () => number;

  /**
   * @param memory - shared by all threads whose flushes are read one at a time
   * @param wallOffsetMs - the other machine's wall clock minus this one's
   */
  constructor(memory: Map<string, CellMemory[]>, wallOffsetMs: () => number = () => 0) {
    this.#memory = memory;
    this.#wallOffsetMs = wallOffsetMs;
  }

  /** @throws what is wrong with a histogram that was not written by `CellReader` */
  write({ fresh, cells, ...rest }: RemoteFlush): Flush {
    const announced = fresh.map((cell): CellAnnouncement => {
      const memory = this.#memoryFor(cell.definition);
      this.#cells[cell.id] = [memory, openReader(memory)[0]];
      return { ...cell, ...memory };
    });
    for (const [id, held] of cells) {
      const [memory, into] = this.#cells[id] ?? [];
      if (into instanceof Histogram && !(held instanceof Float64Array)) into.merge(Histogram.decode(held));
      else if (into instanceof Tally && held instanceof Float64Array)
        into.merge(this.#tallyOf(held, memory?.definition));
      else throw new Error(`there is no cell ${id} of this kind`);
    }
    return { ...rest, half: 0, fresh: announced };
  }

  #tallyOf(held: Float64Array, definition: MetricDefinition | undefined): Tally {
    const tally = Tally.of(held);
    if (definition?.kind !== "gauge") return tally;
    return tally.onOwnTime(this.#wallOffsetMs(), definition.name === requestMetrics.activeAt.name);
  }

  /** The n-th cell of a kind has the n-th memory of that kind. */
  #memoryFor(definition: MetricDefinition): CellMemory {
    const kind = `${definition.kind} ${definition.contains}`;
    const all = this.#memory.get(kind) ?? [];
    this.#memory.set(kind, all);
    const number = this.#taken.get(kind) ?? 0;
    this.#taken.set(kind, number + 1);
    const known = all[number];
    if (known) return { definition, halves: known.halves };
    const { halves } = allocateCell(definition);
    // Nothing is recorded here while something is read: one half serves as both.
    const made: CellMemory = { definition, halves: [halves[0], halves[0]] };
    all.push(made);
    return made;
  }
}
