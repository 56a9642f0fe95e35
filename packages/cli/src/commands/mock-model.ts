import { exitCodes } from "@mettle/core";
import {
  type Distribution,
  type MockModelMetrics,
  type MockModelOptions,
  type MockTool,
  parseDistribution,
  parseFault,
  startMockModel,
} from "@mettle/load";
import { type CommandContext, note, printJson } from "../command-context.ts";
import { cliErrors } from "../errors.ts";
import { Interruption } from "../interrupt.ts";

const PORT = 4010;

/** `mettle mock-model`: serves until interrupted. */
export async function run(context: CommandContext): Promise<number> {
  await using model = await startMockModel(mockModelOptions(context));
  using interruption = new Interruption();
  const base = model.url;
  const addresses = {
    openai: `${base}/v1`,
    mcp: `${base}/mcp`,
    a2a: `${base}/a2a`,
    agentCard: `${base}/.well-known/agent-card.json`,
    metrics: `${base}/metrics`,
  };
  if (context.flags.on("json"))
    context.stdout.write(`${JSON.stringify({ kind: "listening", url: base, ...addresses })}\n`);
  else
    context.stdout.write(
      `${Object.entries(addresses)
        .map(([name, url]) => ` ${name.padEnd(9)}  ${url}`)
        .join("\n")}\n`,
    );
  note(context, "Serving until Ctrl-C.");
  await aborted(interruption.signal);
  const metrics = model.metrics();
  if (context.flags.on("json")) printJson(context, { kind: "served", ...metrics });
  else context.stdout.write(served(metrics));
  return exitCodes.pass;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function served({ endpoints, lateness }: MockModelMetrics): string {
  const lines = Object.entries(endpoints)
    .filter(([, counts]) => counts.requests + counts.rejected > 0)
    .map(([name, { requests, completed, disconnected, rejected, tokens, faults, peakActive }]) => {
      const struck = Object.values(faults).reduce((sum, count) => sum + count, 0);
      return ` ${name.padEnd(9)}  ${requests} requests (at most ${peakActive} at once): ${completed} completed, ${struck} with faults, ${disconnected} left early; ${rejected} refused; ${tokens} tokens`;
    });
  const late = lateness.p99 === undefined ? [] : [` timer      p99 ${lateness.p99.toFixed(2)} ms late`];
  return `${["", ...(lines.length > 0 ? [...lines, ...late] : [" Nothing was asked."])].join("\n")}\n`;
}

function mockModelOptions({ flags }: CommandContext): MockModelOptions {
  const distribution = (name: string, kind: "ms" | "count"): Distribution | undefined => {
    const given = flags.text(name);
    return given === undefined ? undefined : parseDistribution(given, kind);
  };
  const tools = flags.all("mcp-tool").map(readTool);
  const faults = flags.all("fault").map(parseFault);
  const host = flags.text("host");
  const mcpReply = flags.text("mcp-reply") as "json" | "sse" | undefined;
  const options = {
    port: flags.number("port") ?? PORT,
    host,
    seed: flags.number("seed"),
    timeToFirstToken: distribution("ttft", "ms"),
    gap: distribution("gap", "ms"),
    outputTokens: distribution("output-tokens", "count"),
    reasoningTokens: distribution("reasoning-tokens", "count"),
    tokensPerChunk: flags.number("tokens-per-chunk"),
    cachedShare: distribution("cached-share", "count"),
    toolCallProbability: flags.number("tool-calls"),
    tools: tools.length > 0 ? tools : undefined,
    mcpReply,
    faults,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function readTool(given: string): MockTool {
  const at = given.indexOf("=");
  if (at < 1) {
    throw cliErrors.create("USAGE_VALUE_INVALID", `--mcp-tool ${given} is not NAME=TIME.`, {
      next: "Write --mcp-tool search=200ms.",
    });
  }
  return { name: given.slice(0, at).trim(), latency: parseDistribution(given.slice(at + 1), "ms") };
}
