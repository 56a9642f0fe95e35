import { countSampler, type Distribution, samplerOf, type Sampler } from "../agent/distribution.ts";
import { mockModelErrors } from "./errors.ts";
import { type Fault, faultProblem } from "./faults.ts";

/** A tool of the MCP server. */
export interface MockTool {
  readonly name: string;
  readonly description?: string;
  /** How long a call takes, ms. */
  readonly latency: Distribution;
  /** Chance that a call answers `isError: true`. @defaultValue 0 */
  readonly errorProbability?: number;
  /** Characters of text in the result. @defaultValue constant 40 */
  readonly resultCharacters?: Distribution;
}

export interface MockModelOptions {
  /** The same seed gives the n-th request of an endpoint the same answer, whatever the order or speed of the others. */
  readonly seed?: number;
  /** @defaultValue `127.0.0.1`: a mock has no business on a network */
  readonly host?: string;
  /** 0 for any that is free. */
  readonly port?: number;
  /** Names listed at `/v1/models`; any other is answered too. */
  readonly models?: readonly string[];
  /** From request to first token, ms. */
  readonly timeToFirstToken?: Distribution;
  /** Between tokens, ms. */
  readonly gap?: Distribution;
  /** Tokens of an answer. */
  readonly outputTokens?: Distribution;
  /** Tokens of reasoning before it. */
  readonly reasoningTokens?: Distribution;
  /** Tokens sent together in one event: a chunk is not a token. */
  readonly tokensPerChunk?: number;
  /** Share of the input reported as read from cache, 0–1. */
  readonly cachedShare?: Distribution;
  /** Chance that a request with tools is answered with a tool call. */
  readonly toolCallProbability?: number;
  /** After this many tool results in a conversation there are no more calls. */
  readonly maxToolRounds?: number;
  readonly tools?: readonly MockTool[];
  /** How MCP answers requests: one JSON object, or a stream of events. */
  readonly mcpReply?: "json" | "sse";
  /** MCP sessions kept; the oldest ends where one more begins. */
  readonly mcpSessions?: number;
  /** A2A tasks kept; the oldest is forgotten. */
  readonly a2aTasks?: number;
  readonly faults?: readonly Fault[];
  /** Longest request body, bytes. */
  readonly maxBodyBytes?: number;
}

const fast: Distribution = { kind: "lognormal", mean: 20, stddev: 20, max: 5000 };

/** A quick model of middling verbosity: 300 ms to the first token, 50 tokens a second. */
export const mockModelDefaults: Required<MockModelOptions> = {
  seed: 1,
  host: "127.0.0.1",
  port: 0,
  models: ["mock-model"],
  timeToFirstToken: { kind: "lognormal", mean: 300, stddev: 150 },
  gap: { kind: "lognormal", mean: 20, stddev: 5 },
  outputTokens: { kind: "lognormal", mean: 100, stddev: 60, min: 1, max: 4000 },
  reasoningTokens: { kind: "constant", value: 0 },
  tokensPerChunk: 1,
  cachedShare: { kind: "constant", value: 0 },
  toolCallProbability: 0,
  maxToolRounds: 4,
  tools: [
    { name: "echo", description: "Returns its input.", latency: { kind: "constant", value: 0 } },
    {
      name: "search",
      description: "Finds documents.",
      latency: { kind: "lognormal", mean: 200, stddev: 200, max: 10_000 },
    },
    { name: "calculate", description: "Computes.", latency: fast },
  ],
  mcpReply: "json",
  mcpSessions: 10_000,
  a2aTasks: 10_000,
  faults: [],
  maxBodyBytes: 16 * 2 ** 20,
};

export interface ResolvedTool {
  readonly tool: MockTool;
  readonly latency: Sampler;
  readonly resultCharacters: Sampler;
}

/** Everything checked and ready to draw from. */
export interface ResolvedMockModel extends Required<MockModelOptions> {
  readonly samplers: {
    readonly timeToFirstToken: Sampler;
    readonly gap: Sampler;
    readonly outputTokens: Sampler;
    readonly reasoningTokens: Sampler;
    readonly cachedShare: Sampler;
  };
  readonly toolsByName: ReadonlyMap<string, ResolvedTool>;
}

/** @throws MettleError `MOCK_OPTIONS_INVALID` with every problem, `DISTRIBUTION_INVALID` */
export function resolveMockModelOptions(options: MockModelOptions = {}): ResolvedMockModel {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const resolved: Required<MockModelOptions> = { ...mockModelDefaults, ...given };
  const problems = problemsOf(resolved);
  if (problems.length > 0) {
    throw mockModelErrors.create("MOCK_OPTIONS_INVALID", `Mock model: ${problems.join("; ")}.`, {
      details: { problems },
    });
  }
  return {
    ...resolved,
    samplers: {
      timeToFirstToken: samplerOf(resolved.timeToFirstToken, "time to first token"),
      gap: samplerOf(resolved.gap, "gap between tokens"),
      outputTokens: countSampler(resolved.outputTokens, "output tokens", 1),
      reasoningTokens: countSampler(resolved.reasoningTokens, "reasoning tokens"),
      cachedShare: samplerOf(resolved.cachedShare, "cached share"),
    },
    toolsByName: new Map(
      resolved.tools.map((tool) => [
        tool.name,
        {
          tool,
          latency: samplerOf(tool.latency, `latency of ${tool.name}`),
          resultCharacters: countSampler(
            tool.resultCharacters ?? { kind: "constant", value: 40 },
            `result of ${tool.name}`,
          ),
        },
      ]),
    ),
  };
}

function problemsOf(options: Required<MockModelOptions>): string[] {
  const problems: string[] = [];
  const whole = (
    name: "port" | "tokensPerChunk" | "maxToolRounds" | "mcpSessions" | "a2aTasks" | "maxBodyBytes",
    least: number,
  ): void => {
    const value = options[name];
    if (!(Number.isInteger(value) && value >= least))
      problems.push(`${name} must be a whole number ≥ ${least}, got ${value}`);
  };
  whole("port", 0);
  if (options.port > 65_535) problems.push(`port must be at most 65535, got ${options.port}`);
  whole("tokensPerChunk", 1);
  whole("maxToolRounds", 0);
  whole("mcpSessions", 1);
  whole("a2aTasks", 1);
  whole("maxBodyBytes", 1);
  if (!Number.isSafeInteger(options.seed)) problems.push(`seed must be a whole number, got ${options.seed}`);
  const { toolCallProbability } = options;
  if (!(toolCallProbability >= 0 && toolCallProbability <= 1))
    problems.push(`toolCallProbability is ${toolCallProbability}`);
  const names = options.tools.map(({ name }) => name);
  if (new Set(names).size < names.length) problems.push("two tools have the same name");
  if (
    !options.tools.every(
      ({ name, errorProbability = 0 }) => name !== "" && errorProbability >= 0 && errorProbability <= 1,
    )
  ) {
    problems.push("each tool needs a name and an errorProbability of 0–1");
  }
  options.faults.forEach((fault, index) => {
    const problem = faultProblem(fault);
    if (problem) problems.push(`fault ${index + 1}: ${problem}`);
  });
  return problems;
}
