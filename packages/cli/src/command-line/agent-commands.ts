import type { CommandSpec, FlagSpec, FlagType } from "./command-spec.ts";

const text = (placeholder: string): FlagType => ({ kind: "text", placeholder });
const list = (placeholder: string): FlagType => ({ kind: "text", placeholder, repeatable: "whole" });
const whole = (placeholder: string, above: number): FlagType => ({ kind: "number", placeholder, above, integer: true });

const timing: readonly FlagSpec[] = [
  { name: "ttft", type: text("TIME"), help: "time to first token (lognormal(300ms, 150ms))" },
  { name: "gap", type: text("TIME"), help: "between tokens (lognormal(20ms, 5ms))" },
  { name: "output-tokens", type: text("COUNT"), help: "of an answer (lognormal(100, 60, 1..4000))" },
  { name: "reasoning-tokens", type: text("COUNT"), help: "before an answer (0)" },
  { name: "tokens-per-chunk", type: whole("N", 0), help: "sent in one event (1)" },
  { name: "cached-share", type: text("SHARE"), help: "of the input said to come from cache, 0-1 (0)" },
];

/** `mettle mock-model`. */
export const mockModel: CommandSpec = {
  name: "mock-model",
  summary: "a deterministic model, tool and agent server: OpenAI, MCP, A2A",
  arguments: [],
  flags: [
    { name: "port", type: whole("N", -1), help: "0 for any that is free (4010)", environment: true },
    { name: "host", type: text("ADDRESS"), help: "to listen on (127.0.0.1)" },
    {
      name: "seed",
      type: { kind: "number", placeholder: "N", integer: true },
      help: "the same seed, the same answers (1)",
    },
    ...timing,
    {
      name: "tool-calls",
      type: { kind: "number", placeholder: "0-1" },
      help: "chance that an answer is a tool call (0)",
    },
    {
      name: "mcp-tool",
      type: list("NAME=TIME"),
      help: "an MCP tool and how long it takes; repeatable (echo, search, calculate)",
    },
    { name: "mcp-reply", type: { kind: "choice", choices: ["json", "sse"] }, help: "how MCP answers (json)" },
    { name: "fault", type: list("KIND WHEN"), help: "what goes wrong, and when (see below); repeatable" },
  ],
  examples: [
    "mettle mock-model",
    "mettle mock-model --port 0 --ttft exponential(200ms) --mcp-tool search=1s --tool-calls 0.3",
  ],
  notes: [
    "TIME and COUNT: 20ms, uniform(1, 5), normal(38, 6, 25..57), lognormal(MEAN, SD), exponential(MEAN), empirical(1, 2, 5).",
    "Faults: 'status=429 5%', 'reset 1%', 'stall=5s #3,#7', 'truncate every 10', 'malformed 1% chat responses mcp a2a'.",
    "Ends with Ctrl-C, and says then what it served; meanwhile see /metrics.",
  ],
};

/** `mettle convert`. */
export const convert: CommandSpec = {
  name: "convert",
  summary: "make a load script of a HAR file, a Postman collection or an OpenAPI document",
  arguments: [{ name: "FILE", required: true }],
  flags: [
    {
      name: "input-format",
      type: { kind: "choice", choices: ["har", "postman", "openapi"] },
      help: "of FILE (told from what is in it)",
    },
  ],
  examples: ["mettle convert shop.har > shop.load.ts", "mettle convert api.yaml --input-format openapi"],
  notes: ["The script goes to stdout, what could not be converted to stderr. Secrets become environment variables."],
};
