import { a2a, type A2aDriverOptions, type A2aStep } from "../drivers/a2a.ts";
import type { Driver, DriverSession, StepOutcome } from "../drivers/driver.ts";
import { mcp, type McpDriverOptions, type McpStep } from "../drivers/mcp.ts";
import { type ChatStep, openAiChat, type OpenAiDriverOptions } from "../drivers/openai-chat.ts";
import { openAiResponses, type ResponsesStep } from "../drivers/openai-responses.ts";
import type { JsonObject } from "../drivers/step-builder.ts";
import type { AgentMetricsOptions } from "./agent-metrics.ts";
import { agentMetrics, agentTask, type ScenarioUser } from "./agent-scenario.ts";
import { workloadErrors } from "./errors.ts";
import { recorded, type TaskRecorder } from "./task-recorder.ts";

/** Models, tools and agents that a load test talks to, and how its requests are judged and priced. */
export interface AgentDefaults extends AgentMetricsOptions {
  /** Chat completions, for `user.chat`. */
  readonly chat?: OpenAiDriverOptions;
  /** Responses, for `user.respond`. */
  readonly responses?: OpenAiDriverOptions;
  /** A server of tools, for `user.tool`. */
  readonly mcp?: McpDriverOptions;
  /** An agent, for `user.message`. */
  readonly a2a?: A2aDriverOptions;
}

/** The drivers of a load test. One for all users of a worker; a session is a user's own. */
export class AgentTargets {
  readonly metrics: AgentMetricsOptions;
  readonly #defaults: AgentDefaults;
  readonly #chat: Driver<ChatStep> | undefined;
  readonly #responses: Driver<ResponsesStep> | undefined;
  readonly #mcp: Driver<McpStep> | undefined;
  readonly #a2a: Driver<A2aStep> | undefined;

  /** @throws MettleError `DRIVER_OPTIONS_INVALID` */
  constructor(defaults: AgentDefaults = {}) {
    this.metrics = defaults;
    this.#defaults = defaults;
    this.#chat = defaults.chat && openAiChat(defaults.chat);
    this.#responses = defaults.responses && openAiResponses(defaults.responses);
    this.#mcp = defaults.mcp && mcp(defaults.mcp);
    this.#a2a = defaults.a2a && a2a(defaults.a2a);
  }

  get chat(): { readonly driver: Driver<ChatStep>; readonly model: string } {
    return { driver: required(this.#chat, "chat"), model: this.#defaults.chat?.model ?? "" };
  }

  get responses(): { readonly driver: Driver<ResponsesStep>; readonly model: string } {
    return { driver: required(this.#responses, "responses"), model: this.#defaults.responses?.model ?? "" };
  }

  get mcp(): Driver<McpStep> {
    return required(this.#mcp, "mcp");
  }

  get a2a(): Driver<A2aStep> {
    return required(this.#a2a, "a2a");
  }
}

function required<Value>(value: Value | undefined, name: keyof AgentDefaults): Value {
  if (value !== undefined) return value;
  throw workloadErrors.create("AGENT_TARGET_MISSING", `The load test does not say where ${name} is.`, {
    details: { target: name },
  });
}

/**
 * What one user does with models, tools and agents. Sessions open with the first step that needs them and are kept while
 * the user lives, but for conversations with an agent, of which each iteration has its own.
 */
export class UserAgents {
  readonly #user: ScenarioUser;
  readonly #targets: AgentTargets;
  readonly #sessions = new Map<Driver<never>, Promise<DriverSession<never>>>();
  #task: TaskRecorder | undefined;
  #due: number | undefined;

  constructor(user: ScenarioUser, targets: AgentTargets) {
    this.#user = user;
    this.#targets = targets;
  }

  begin(): void {
    this.#task = undefined;
    // The first request is what was due; those after it follow from its answer.
    this.#due = this.#user.scheduledAt;
    for (const driver of this.#sessions.keys()) if (driver.name === "a2a") this.#sessions.delete(driver);
  }

  chat(prompt: string | ChatStep): Promise<StepOutcome> {
    const { driver, model } = this.#targets.chat;
    const step = typeof prompt === "string" ? { messages: [{ role: "user", content: prompt } as const] } : prompt;
    return this.send(driver, step, step.model ?? model);
  }

  respond(prompt: string | ResponsesStep): Promise<StepOutcome> {
    const { driver, model } = this.#targets.responses;
    const step = typeof prompt === "string" ? { input: prompt } : prompt;
    return this.send(driver, step, step.model ?? model);
  }

  message(prompt: string | A2aStep): Promise<StepOutcome> {
    return this.send(this.#targets.a2a, typeof prompt === "string" ? { text: prompt } : prompt, "a2a");
  }

  tool(name: string, input: JsonObject = {}): Promise<StepOutcome> {
    const driver = this.#targets.mcp;
    return this.#recordTool(name, async () => {
      const session = await this.#session(driver);
      return await session.send({ tool: name, arguments: input }, ignore);
    });
  }

  /** A step of any driver, recorded as a request to `model`. */
  async send<Step>(driver: Driver<Step>, step: Step, model: string = driver.name): Promise<StepOutcome> {
    const session = await this.#session(driver);
    const scheduledAt = this.#due;
    this.#due = undefined;
    if (this.#task) return this.#task.llm(model, session, step, scheduledAt === undefined ? {} : { scheduledAt });
    const metrics = agentMetrics(this.#user, this.#targets.metrics);
    const recording = metrics.request(model, performance.now(), scheduledAt, undefined, this.#user.tags);
    const outcome = await recorded(recording, () => session.send(step, recording.onEvent));
    recording.finish(outcome);
    return outcome;
  }

  async task(name: string, part: () => unknown): Promise<boolean | undefined> {
    const outer = this.#task;
    const task = agentTask(this.#user, name, this.#targets.metrics);
    this.#task = task;
    try {
      const said = await part();
      const passed = typeof said === "boolean" ? said : undefined;
      // A run that ends cuts its tasks off; that says nothing of them.
      if (!this.#ending) task.finish(passed);
      return passed;
    } catch (thrown) {
      if (!this.#ending) task.finish(false);
      throw thrown;
    } finally {
      this.#task = outer;
    }
  }

  /** Ends the sessions of this user. */
  async close(): Promise<void> {
    // Whoever asked for a session that did not open has been told.
    const opened = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    await Promise.all(opened.flatMap((each) => (each.status === "fulfilled" ? [each.value.close()] : [])));
  }

  get #ending(): boolean {
    return this.#user.virtualUser.signal.aborted;
  }

  async #session<Step>(driver: Driver<Step>): Promise<DriverSession<Step>> {
    const key = driver as Driver<never>;
    let session = this.#sessions.get(key);
    if (!session) {
      session = driver.open(this.#user.virtualUser);
      this.#sessions.set(key, session);
      // One that could not be opened is tried again by the next step; whoever asked for this one is told.
      session.catch(() => this.#sessions.delete(key));
    }
    return await session;
  }

  async #recordTool(name: string, call: () => Promise<StepOutcome>): Promise<StepOutcome> {
    if (this.#task) return this.#task.tool(name, call);
    const start = performance.now();
    let failed = true;
    try {
      const outcome = await call();
      failed = !outcome.ok;
      return outcome;
    } finally {
      const metrics = agentMetrics(this.#user, this.#targets.metrics);
      metrics.tool({ name, start, end: performance.now(), failed }, this.#user.tags);
    }
  }
}

function ignore(): void {}
