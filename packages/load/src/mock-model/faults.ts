import { parseDurationMs, parseQuantity, Random } from "@mettle/core";
import { derivedSeed } from "../agent/seed.ts";
import { mockModelErrors } from "./errors.ts";

/** The parts of the server that count requests and can be made to fail on their own. */
export const endpoints = ["chat", "responses", "mcp", "a2a"] as const;
export type Endpoint = (typeof endpoints)[number];

const faultKinds = ["status", "reset", "stall", "truncate", "malformed"] as const;
export type FaultKind = (typeof faultKinds)[number];

/**
 * What goes wrong, and when. `status`: an error answer. `reset`: the connection is reset. `stall`: nothing more comes for
 * `stallMs`. `truncate`: the answer ends early, the connection closes. `malformed`: one event (or the body) is broken JSON.
 * In a stream the last four happen after `afterTokens` tokens, by default at a place drawn evenly over the reply.
 */
export interface Fault {
  readonly kind: FaultKind;
  /** Chance for each request, 0–1. */
  readonly probability?: number;
  /** Requests of the endpoint that it befalls, counted from 1. */
  readonly requests?: readonly number[];
  /** Every n-th request of the endpoint. */
  readonly every?: number;
  /** All where absent. */
  readonly endpoints?: readonly Endpoint[];
  /** Of `status`. @defaultValue 503 */
  readonly status?: number;
  /** Of `status`: sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Of `stall`. Absent: until the client gives up. */
  readonly stallMs?: number;
  readonly afterTokens?: number;
}

/** The first fault in the list that befalls this request. The same seed and request give the same answer always. */
export function faultFor(
  faults: readonly Fault[],
  seed: number,
  endpoint: Endpoint,
  request: number,
): { readonly fault: Fault; readonly place: number } | undefined {
  for (const [index, fault] of faults.entries()) {
    if (fault.endpoints && !fault.endpoints.includes(endpoint)) continue;
    // One generator for each fault and request: adding a fault leaves the others where they were.
    const random = new Random(derivedSeed(seed, "fault", index, endpoint, request));
    const chance = random.uniform();
    const hit =
      (fault.probability !== undefined && chance < fault.probability) ||
      fault.requests?.includes(request) === true ||
      (fault.every !== undefined && request % fault.every === 0);
    if (hit) return { fault, place: random.uniform() };
  }
  return undefined;
}

/**
 * Reads a fault as written on a command line: KIND, WHEN, and endpoints if not all: `status=429 5%`, `reset 1%`,
 * `stall=5s #3,#7`, `truncate every 10 chat responses`.
 *
 * @throws MettleError `MOCK_FAULT_INVALID`
 */
export function parseFault(text: string): Fault {
  const [first = "", ...words] = text.trim().split(/\s+/);
  const [kind = "", value] = first.split("=", 2);
  if (!isOneOf(faultKinds, kind)) throw invalid(text, `"${kind}" is none of ${faultKinds.join(", ")}`);
  const where = words.filter((word): word is Endpoint => isOneOf(endpoints, word));
  const when = words.filter((word) => !isOneOf(endpoints, word));
  const fault = {
    kind,
    ...detail(kind, value, text),
    ...readWhen(when, text),
    ...(where.length > 0 && { endpoints: where }),
  };
  const problem = faultProblem(fault);
  if (problem) throw invalid(text, problem);
  return fault;
}

/** What is wrong with a fault given as data. */
export function faultProblem(fault: Fault): string | undefined {
  const { kind, probability, requests, every, status, stallMs, afterTokens } = fault;
  if (!isOneOf(faultKinds, kind)) return `"${String(kind)}" is none of ${faultKinds.join(", ")}`;
  if (probability === undefined && requests === undefined && every === undefined) {
    return "it needs a probability, request numbers, or every";
  }
  if (probability !== undefined && !(probability >= 0 && probability <= 1)) return `its probability is ${probability}`;
  if (requests?.some((request) => !(Number.isInteger(request) && request >= 1))) return "requests are counted from 1";
  if (every !== undefined && !(Number.isInteger(every) && every >= 1)) return `every is ${every}`;
  if (status !== undefined && !(Number.isInteger(status) && status >= 400 && status <= 599)) {
    return `status ${status} is no error (400–599)`;
  }
  if (stallMs !== undefined && !(stallMs > 0)) return `stallMs is ${stallMs}`;
  if (afterTokens !== undefined && !(Number.isInteger(afterTokens) && afterTokens >= 0)) {
    return `afterTokens is ${afterTokens}`;
  }
  const unknown = fault.endpoints?.find((endpoint) => !isOneOf(endpoints, endpoint));
  return unknown === undefined ? undefined : `there is no endpoint ${String(unknown)}`;
}

function detail(kind: FaultKind, value: string | undefined, text: string): Partial<Fault> {
  if (value === undefined) return {};
  if (kind === "status") return { status: Number(value) };
  if (kind === "stall") {
    try {
      return { stallMs: parseDurationMs(value) };
    } catch (cause) {
      throw invalid(text, `"${value}" is not a duration`, cause);
    }
  }
  throw invalid(text, `${kind} takes no value`);
}

function readWhen(words: readonly string[], text: string): Partial<Fault> {
  const [first, second] = words;
  if (first === "every" && second !== undefined && words.length === 2) return { every: Number(second) };
  if (first === undefined || words.length !== 1) throw invalid(text, "it says not when: 1%, #3,#7 or every 10");
  if (first.startsWith("#")) return { requests: first.split(",").map((part) => Number(part.replace(/^#/, ""))) };
  try {
    return { probability: parseQuantity(first).value };
  } catch (cause) {
    throw invalid(text, `"${first}" is not a probability`, cause);
  }
}

const isOneOf = <Item extends string>(items: readonly Item[], item: string): item is Item =>
  (items as readonly string[]).includes(item);

function invalid(text: string, problem: string, cause?: unknown): Error {
  return mockModelErrors.create("MOCK_FAULT_INVALID", `"${text}" is not a fault: ${problem}.`, {
    details: { text, problem },
    ...(cause !== undefined && { cause }),
  });
}
