import type { HttpClient } from "../http/exchange.ts";
import type { LoadOptions } from "./load-options.ts";
import type { Workload } from "./virtual-user.ts";

/** A load test as one thread holds it: what to do, and what its author asks of the engine. */
export interface LoadTest {
  readonly workload: Workload;
  readonly options: LoadOptions;
  /** Connections of one user. @defaultValue a client of its own for each user */
  readonly http?: (user: { readonly id: number; readonly scenario: string }) => HttpClient;
  /**
   * Names of k6's whose end-of-test summary the author writes; called once, on the main thread, with k6's summary data.
   * Returns texts by file name, `stdout` or `stderr`.
   */
  readonly summary?: (data: unknown) => Promise<Readonly<Record<string, string>>>;
}

/**
 * Where threads get a load test from: each imports `module` and calls its export `factory` with `parameters`. Plain data,
 * as it crosses to other threads.
 */
export interface LoadSource {
  /** A URL, such as `file:///…/script.ts`. */
  readonly module: string;
  readonly factory: string;
  readonly parameters: unknown;
}

export type LoadTestFactory = (parameters: never) => LoadTest | Promise<LoadTest>;
