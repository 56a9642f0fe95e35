import { type Clock, ns } from "@mettle/core";
import { DurationHistogram } from "./duration-histogram.ts";

/** One histogram as it stands at /metrics. */
export interface Timing {
  readonly name: string;
  readonly help: string;
  /** Written out, as in `cache="users"`. */
  readonly labels: string;
  readonly times: DurationHistogram;
}

type Part =
  | "routing"
  | "tokenValidation"
  | "rateLimit"
  | "queueing"
  | "scheduling"
  | "switching"
  | "persisting"
  | "retrieving"
  | "embedding"
  | "similarity"
  | "scoring"
  | "context"
  | "userLookup"
  | "answerLookup"
  | "acquiring"
  | "querying";

/** What each timed part is called at /metrics, with what it takes in. */
const parts: Readonly<Record<Part, readonly [name: string, help: string, labels?: string]>> = {
  routing: [
    "gateway_routing_seconds",
    "From a request's arrival to its handler, without the time in which its body arrives: who asks, may they, is it valid.",
  ],
  tokenValidation: ["gateway_token_validation_seconds", "Finding out whose token it is, and whether it still counts."],
  rateLimit: ["gateway_rate_limit_seconds", "Evaluating and enforcing the rate limit of one request."],
  queueing: ["execution_queue_seconds", "From queueing an execution to an instance's taking it, at its first attempt."],
  scheduling: ["execution_scheduling_seconds", "From taking an execution to the first line of its task."],
  switching: ["execution_switch_seconds", "From where a task lets others run to where it goes on."],
  persisting: ["execution_persistence_seconds", "Storing an execution, a checkpoint of it, or its ending."],
  retrieving: ["execution_retrieval_seconds", "Reading one execution."],
  embedding: ["knowledge_embedding_seconds", "Turning the text of a question into a vector."],
  similarity: ["knowledge_similarity_seconds", "Finding the vectors nearest to one."],
  scoring: ["knowledge_scoring_seconds", "Putting the rankings by meaning and by words together."],
  context: ["knowledge_context_seconds", "Assembling a context from passages."],
  userLookup: ["cache_lookup_seconds", "Finding an entry in this process's level of a cache.", 'cache="users"'],
  answerLookup: ["cache_lookup_seconds", "Finding an entry in this process's level of a cache.", 'cache="knowledge"'],
  acquiring: ["db_connection_acquisition_time", "Waiting for a connection of the pool, in seconds."],
  querying: ["db_query_duration", "A statement, in seconds, without the wait for a connection."],
};

/** How long the parts of the service take. Each is recorded where the work is done. */
export class Timings {
  readonly parts: Readonly<Record<Part, DurationHistogram>>;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    const names = Object.keys(parts) as Part[];
    this.parts = Object.fromEntries(names.map((name) => [name, new DurationHistogram()])) as Timings["parts"];
  }

  /** Times what `work` takes, also when it fails. */
  async of<T>(part: Part, work: () => Promise<T>): Promise<T> {
    const from = this.#clock.now();
    try {
      return await work();
    } finally {
      this.parts[part].record(ns(this.#clock.now() - from));
    }
  }

  /** The same for what is done at once. */
  ofNow<T>(part: Part, work: () => T): T {
    const from = this.#clock.now();
    const result = work();
    this.parts[part].record(ns(this.#clock.now() - from));
    return result;
  }

  all(): readonly Timing[] {
    return (Object.entries(parts) as [Part, (typeof parts)[Part]][]).map(([part, [name, help, labels = ""]]) => ({
      name,
      help,
      labels,
      times: this.parts[part],
    }));
  }
}
