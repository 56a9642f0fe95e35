import { randomUUID } from "node:crypto";
import type { VirtualUser } from "../engine/virtual-user.ts";
import type { Driver, DriverSession, StepEvent, StepOutcome } from "./driver.ts";
import { driverErrors } from "./errors.ts";
import {
  below,
  checkHttpOptions,
  exchangeEvents,
  type HttpDriverOptions,
  jsonHeaders,
  OpenFlag,
  parseEvent,
  WHOLE_CHARACTERS,
} from "./http-step.ts";
import { endOf, isObject, type JsonObject, StepBuilder, plainText } from "./step-builder.ts";

export interface A2aStep {
  readonly text: string;
  /** Continues a conversation; without it each session has one of its own. */
  readonly contextId?: string;
  /** Adds to a task that asked for input. */
  readonly taskId?: string;
  readonly metadata?: JsonObject;
}

export interface A2aDriverOptions extends HttpDriverOptions {
  /** @defaultValue true */
  readonly stream?: boolean;
  /** JSON-RPC at `url`, or REST below it. @defaultValue jsonrpc */
  readonly binding?: "jsonrpc" | "rest";
  /** @defaultValue 1.0 */
  readonly version?: "1.0" | "0.3";
}

/** A2A: sends messages to an agent and follows the task to its end. */
export function a2a(options: A2aDriverOptions): Driver<A2aStep> {
  checkHttpOptions("a2a", options);
  if (options.version === "0.3" && options.binding === "rest") {
    throw driverErrors.create("DRIVER_OPTIONS_INVALID", "a2a: the REST binding needs version 1.0.");
  }
  return { name: "a2a", open: (user) => Promise.resolve(new A2aSession(user, options)) };
}

const endStates: Readonly<
  Record<string, "completed" | "failed" | "canceled" | "rejected" | "input-required" | "auth-required">
> = {
  TASK_STATE_COMPLETED: "completed",
  TASK_STATE_FAILED: "failed",
  TASK_STATE_CANCELED: "canceled",
  TASK_STATE_REJECTED: "rejected",
  TASK_STATE_INPUT_REQUIRED: "input-required",
  TASK_STATE_AUTH_REQUIRED: "auth-required",
  completed: "completed",
  failed: "failed",
  canceled: "canceled",
  rejected: "rejected",
  "input-required": "input-required",
  "auth-required": "auth-required",
};

class A2aSession implements DriverSession<A2aStep> {
  readonly #user: VirtualUser;
  readonly #options: A2aDriverOptions;
  readonly #headers: readonly (readonly [string, string])[];
  readonly #open = new OpenFlag("a2a");
  #contextId: string | undefined;
  #next = 1;

  constructor(user: VirtualUser, options: A2aDriverOptions) {
    this.#user = user;
    this.#options = options;
    const accept = (options.stream ?? true) ? "text/event-stream" : "application/json, application/a2a+json";
    this.#headers = [...jsonHeaders(options, accept), ["a2a-version", options.version ?? "1.0"]];
  }

  async send(step: A2aStep, onEvent: (event: StepEvent) => void): Promise<StepOutcome> {
    this.#open.require();
    const builder = new StepBuilder(onEvent);
    const { url, body } = this.#request(step);
    const rpc = this.#options.binding !== "rest";
    const read = (data: string, at: number): void => {
      const message = parseEvent(builder, data, at);
      if (message) this.#read(builder, message, rpc, at);
    };
    const request = { method: "POST", url, headers: this.#headers, body };
    const { response, text } = await exchangeEvents(
      this.#user,
      this.#options,
      request,
      builder,
      (data, _event, at) => read(data, at),
      WHOLE_CHARACTERS,
    );
    if (text !== "" && response.status >= 200 && response.status < 300 && !response.failure) {
      read(text, endOf(response.timings));
    }
    return builder.ofResponse(response, text);
  }

  close(): Promise<void> {
    this.#open.close();
    return Promise.resolve();
  }

  #request(step: A2aStep): { readonly url: string; readonly body: string } {
    const { stream = true, binding = "jsonrpc", version = "1.0", url } = this.#options;
    const contextId = step.contextId ?? this.#contextId;
    const old = version === "0.3";
    const message = {
      ...(old && { kind: "message" }),
      messageId: randomUUID(),
      role: old ? "user" : "ROLE_USER",
      parts: [old ? { kind: "text", text: step.text } : { text: step.text }],
      ...(contextId !== undefined && { contextId }),
      ...(step.taskId !== undefined && { taskId: step.taskId }),
    };
    const params = { message, ...(step.metadata && { metadata: step.metadata }) };
    if (binding === "rest") {
      return { url: below(url, stream ? "/message:stream" : "/message:send"), body: JSON.stringify(params) };
    }
    const method = old ? (stream ? "message/stream" : "message/send") : stream ? "SendStreamingMessage" : "SendMessage";
    return { url, body: JSON.stringify({ jsonrpc: "2.0", id: this.#next++, method, params }) };
  }

  #read(builder: StepBuilder, message: JsonObject, rpc: boolean, at: number): void {
    const error = message["error"];
    if (isObject(error)) {
      builder.fail(at, `RPC_${String(error["code"])}`, plainText(error["message"]));
      builder.done(at, "error");
      return;
    }
    const result = rpc ? message["result"] : message;
    if (isObject(result)) this.#readResult(builder, result, at);
    else builder.fail(at, "STREAM_MALFORMED", "an answer has neither result nor error");
  }

  /** 1.0 names what it sends by the member, 0.3 by `kind`. */
  #readResult(builder: StepBuilder, result: JsonObject, at: number): void {
    const kind = result["kind"];
    const of = (member: string, old: string): JsonObject | undefined => {
      const value = result[member];
      return isObject(value) ? value : kind === old ? result : undefined;
    };
    const task = of("task", "task");
    const update = of("statusUpdate", "status-update");
    const artifact = of("artifactUpdate", "artifact-update");
    const message = of("message", "message");
    if (artifact) builder.token(at, "content", partsText(artifact["artifact"]));
    else if (update) this.#status(builder, update, at);
    else if (task) {
      const artifacts: readonly unknown[] = Array.isArray(task["artifacts"]) ? task["artifacts"] : [];
      // A task in one piece brings its artifacts; in a stream they come as updates, and the first task has none.
      if (artifacts.length > 0) builder.token(at, "content", artifacts.map(partsText).join(""));
      this.#status(builder, task, at);
    } else if (message) {
      builder.token(at, "content", partsText(message));
      builder.done(at, "message");
    } else builder.fail(at, "STREAM_MALFORMED", "an answer is neither task, message nor update");
  }

  #status(builder: StepBuilder, holder: JsonObject, at: number): void {
    if (typeof holder["contextId"] === "string") this.#contextId = holder["contextId"];
    const status = holder["status"];
    const state = isObject(status) ? String(status["state"]) : "";
    const end = Object.hasOwn(endStates, state) ? endStates[state] : undefined;
    if (end === undefined) return;
    if (end === "failed" || end === "rejected" || end === "canceled") {
      builder.fail(at, "TASK_FAILED", `the task is ${end}`);
    }
    builder.done(at, end);
  }
}

function partsText(holder: unknown): string {
  const parts = isObject(holder) ? holder["parts"] : undefined;
  if (!Array.isArray(parts)) return "";
  return parts
    .map((part: unknown) => (isObject(part) && typeof part["text"] === "string" ? part["text"] : ""))
    .join("");
}
