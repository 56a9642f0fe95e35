import type { HttpClient } from "../http/exchange.ts";
import type { HttpOptions } from "../http/http-options.ts";
import type { LoadOptions } from "./load-options.ts";
import type { RunControl } from "./run-control.ts";
import type { Workload } from "./virtual-user.ts";

/** A load test as one thread holds it: what to do, and what its author asks of the engine. */
export interface LoadTest {
  readonly workload: Workload;
  readonly options: LoadOptions;
  /** Of the users' connections; each user has its own. */
  readonly http?: HttpOptions;
  /** Connections of one user, where the HTTP engine's are not wanted. */
  readonly client?: (user: { readonly id: number; readonly scenario: string }) => HttpClient;
  /** Called once in each worker, before anything of the workload. */
  readonly attach?: (run: RunControl) => void;
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
