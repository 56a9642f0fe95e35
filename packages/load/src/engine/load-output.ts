import type { LoadSnapshot } from "./load-snapshot.ts";
import type { SampleBatch } from "./protocol.ts";

/** A place that results go to while the load test runs. */
export interface LoadOutput {
  /** Every sample; only outputs that have this cost the workers anything. */
  samples?(worker: number, batch: SampleBatch): void;
  /** Once a second. */
  snapshot?(snapshot: LoadSnapshot): void;
  /**
   * After the end.
   *
   * @throws MettleError `LOAD_OUTPUT_FAILED` for what could not be written, then or earlier
   */
  close(last: LoadSnapshot): Promise<void>;
}
