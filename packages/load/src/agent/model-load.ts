import { Random } from "@mettle/core";
import type { Driver, DriverSession } from "../drivers/driver.ts";
import type { HttpDriverOptions } from "../drivers/http-step.ts";
import type { ChatMessage } from "../drivers/openai-chat.ts";
import type { JsonObject } from "../drivers/step-builder.ts";
import { a2a, type A2aStep } from "../drivers/a2a.ts";
import { type ChatStep, openAiChat } from "../drivers/openai-chat.ts";
import { openAiResponses, type ResponsesStep } from "../drivers/openai-responses.ts";
import type { LoadOptions } from "../engine/load-options.ts";
import type { LoadTest } from "../engine/load-test.ts";
import type { HttpOptions } from "../http/http-options.ts";
import { defineLoad } from "../scenario/define-load.ts";
import type { LoadUser } from "../scenario/load-user.ts";
import type { TraceCall, TraceSession } from "../traces/dependencies.ts";
import { replaySession } from "../traces/replay.ts";
import { readTraceFile, type TraceFormat } from "../traces/trace-file.ts";
import type { AgentMetricsOptions } from "./agent-metrics.ts";
import { agentSessions, agentTask } from "./agent-scenario.ts";
import { CostModel, type PriceList } from "./cost.ts";
import { countSampler, type Distribution } from "./distribution.ts";
import type { RequestObjectives } from "./objectives.ts";
import { derivedSeed } from "./seed.ts";
import { textOfTokens } from "./session-workload.ts";

export const modelApis = ["chat", "responses", "a2a", "mcp"] as const;
export type ModelApi = (typeof modelApis)[number];

export interface ModelLoadParameters extends HttpDriverOptions {
  readonly api: ModelApi;
  readonly model: string;
  /** Of the prompt, about; of a turn where there are several. @defaultValue 256 */
  readonly inputTokens?: Distribution;
  /** Asked for as the most that may come; what comes is the server's to say. @defaultValue the server's */
  readonly outputTokens?: Distribution;
  /** Makes sessions of so many turns, each with what was said before. */
  readonly turns?: Distribution;
  /** Between turns, ms. @defaultValue none */
  readonly thinkMs?: Distribution;
  /** Members of every request body. */
  readonly body?: JsonObject;
  /** MCP: the tool that is called, and with what. */
  readonly tool?: string;
  readonly toolInput?: JsonObject;
  /** Recorded requests or sessions, each with the tokens that it had. */
  readonly trace?: {
    readonly file: string;
    readonly format?: TraceFormat;
    readonly speed: number;
    readonly limit?: number;
  };
  readonly objectives?: RequestObjectives;
  readonly prices?: PriceList;
  readonly seed: number;
  readonly options: LoadOptions;
  readonly http?: HttpOptions;
}

/**
 * A model, an agent or a server of tools at a URL as a load test, without a script: called in every thread.
 *
 * @throws MettleError `DRIVER_OPTIONS_INVALID`, `DISTRIBUTION_INVALID`, `SLO_INVALID`, `PRICE_INVALID`, and those of
 * `readTraceFile`
 */
export async function modelLoad(parameters: ModelLoadParameters): Promise<LoadTest> {
  const { options, http, objectives, prices, api } = parameters;
  const metrics: AgentMetricsOptions = {
    ...(objectives && { objectives }),
    ...(prices && { costs: new CostModel(prices) }),
  };
  const test = defineLoad({
    ...(http && { http }),
    agents: { ...metrics, ...(api === "mcp" && { mcp: parameters }) },
    // The name that the short form of options has.
    scenarios: { default: { run: await runOf(parameters, metrics) } },
  });
  // Who comes when is said as for a URL, in short form, and may still be changed by flags.
  return { ...test, options };
}

type Run = (user: LoadUser<undefined>) => Promise<unknown>;

function runOf(parameters: ModelLoadParameters, metrics: AgentMetricsOptions): Run | Promise<Run> {
  switch (parameters.api) {
    case "chat": {
      const { body, ...target } = parameters;
      const driver = openAiChat({ ...target, ...(body && { body }) });
      return runOfModel(driver, chatStep, parameters, metrics);
    }
    case "responses": {
      const { body, ...target } = parameters;
      const driver = openAiResponses({ ...target, ...(body && { body }) });
      return runOfModel(driver, responsesStep, parameters, metrics);
    }
    case "a2a":
      return runOfModel(a2a(parameters), a2aStep, parameters, metrics);
    case "mcp": {
      const { tool = "echo", toolInput = {} } = parameters;
      return (user) => user.tool(tool, toolInput);
    }
  }
}

/** What is asked in one turn, and what was said before it. */
interface Prompt {
  readonly text: string;
  /** Prompts and answers so far, in turns. */
  readonly before: readonly string[];
  readonly outputTokens?: number;
}

function chatStep({ text, before, outputTokens }: Prompt): ChatStep {
  const messages = [...before, text].map(
    (content, index): ChatMessage => ({ role: index % 2 === 0 ? "user" : "assistant", content }),
  );
  return { messages, ...(outputTokens !== undefined && { maxTokens: outputTokens }) };
}

function responsesStep({ text, before, outputTokens }: Prompt): ResponsesStep {
  const input = [...before, text].map((content, index) => ({ role: index % 2 === 0 ? "user" : "assistant", content }));
  return { input, ...(outputTokens !== undefined && { maxTokens: outputTokens }) };
}

/** An agent remembers its conversation by itself. */
const a2aStep = ({ text }: Prompt): A2aStep => ({ text });

type StepOf<Step> = (prompt: Prompt) => Step;

async function runOfModel<Step>(
  driver: Driver<Step>,
  stepOf: StepOf<Step>,
  parameters: ModelLoadParameters,
  metrics: AgentMetricsOptions,
): Promise<Run> {
  const { trace, model, turns } = parameters;
  if (trace) {
    const { requests, sessions } = await readTraceFile(trace.file, trace);
    return sessions.length > 0
      ? replayingSessions(driver, stepOf, sessions, parameters, metrics)
      : (user) => user.send(driver, stepOf(promptOf(user, user.row(requests))), model);
  }
  if (turns) return conversations(driver, stepOf, turns, parameters, metrics);
  const draw = promptsOf(parameters);
  return (user) => user.send(driver, stepOf(promptOf(user, draw(user.iterationInScenario))), model);
}

interface Size {
  readonly inputTokens: number;
  readonly cachedInputTokens?: number;
  readonly outputTokens?: number;
}

/** Sizes by number: the same whichever worker sends the request. */
function promptsOf({ inputTokens = defaultInput, outputTokens, seed }: ModelLoadParameters): (number: number) => Size {
  const input = countSampler(inputTokens, "input tokens", 1);
  const output = outputTokens && countSampler(outputTokens, "output tokens", 1);
  return (number) => {
    const random = new Random(derivedSeed(seed, "prompt", number));
    return { inputTokens: input(random), ...(output && { outputTokens: output(random) }) };
  };
}

const defaultInput: Distribution = { kind: "constant", value: 256 };

/** A prompt of about the size; what the trace's cache held already begins all prompts alike, the rest is its own. */
function promptOf({ iterationInScenario }: LoadUser<undefined>, size: Size): Prompt {
  return {
    text: promptText(size, iterationInScenario),
    before: [],
    ...(size.outputTokens !== undefined && { outputTokens: Math.max(1, size.outputTokens) }),
  };
}

function promptText({ inputTokens, cachedInputTokens = 0 }: Size, number: number): string {
  const shared = cachedInputTokens > 0 ? `${textOfTokens(cachedInputTokens)} ` : "";
  const lead = `request ${number} `;
  const own = Math.max(1, inputTokens - cachedInputTokens - Math.ceil(lead.length / 4));
  return shared + lead + textOfTokens(own);
}

function conversations<Step>(
  driver: Driver<Step>,
  stepOf: StepOf<Step>,
  turns: Distribution,
  parameters: ModelLoadParameters,
  metrics: AgentMetricsOptions,
): Run {
  const { model, seed, inputTokens = defaultInput, outputTokens, thinkMs } = parameters;
  return agentSessions<Step>({
    ...metrics,
    name: model,
    model,
    seed,
    driver,
    profile: {
      turns,
      inputTokensPerTurn: inputTokens,
      ...(outputTokens && { outputTokensPerTurn: outputTokens }),
      toolCallProbability: 0,
      ...(thinkMs && { thinkMs }),
    },
    step: ({ turn, turns: earlier, number, answers }) =>
      stepOf({
        text: promptText(turn, number),
        before: answers.flatMap((answer, index) => [promptText(earlier[index] ?? { inputTokens: 1 }, index), answer]),
        ...(outputTokens && { outputTokens: turn.outputTokens }),
      }),
  });
}

/** Each iteration is one recorded session: its calls of models are made, its tools take the time that they took. */
function replayingSessions<Step>(
  driver: Driver<Step>,
  stepOf: StepOf<Step>,
  sessions: readonly TraceSession[],
  parameters: ModelLoadParameters,
  metrics: AgentMetricsOptions,
): Run {
  const speed = parameters.trace?.speed ?? 1;
  return async (user) => {
    const recorded = user.row(sessions);
    const task = agentTask(user, "replay", metrics);
    const session: DriverSession<Step> = await driver.open(user.virtualUser);
    const call = async ({ kind, name, durationMs, ...size }: TraceCall): Promise<boolean> => {
      if (kind === "tool") {
        await task.tool(name, () => user.sleep(durationMs / speed));
        return true;
      }
      const prompt = promptOf(user, { inputTokens: 1, ...size });
      return (await task.llm(parameters.model, session, stepOf(prompt))).ok;
    };
    const result = await replaySession(recorded, { speed, sleep: (time) => user.sleep(time), call });
    await session.close();
    if (user.signal.aborted) return;
    task.cancelled(result.cancelled);
    task.finish(result.failed + result.cancelled === 0);
    const [error] = result.errors;
    if (error !== undefined) throw error;
  };
}
