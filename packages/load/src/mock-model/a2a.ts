import { randomUUID } from "node:crypto";
import { agentCard } from "./a2a-card.ts";
import { A2aTask } from "./a2a-task.ts";
import { type A2aWire, isTerminal, type TaskEvent, wire03, wire1 } from "./a2a-wire.ts";
import { EventStream } from "./event-stream.ts";
import {
  header,
  type MockContext,
  type MockExchange,
  requestNumber,
  sendJson,
  sendStatusFault,
  sendWhole,
  track,
} from "./exchange.ts";
import { readRpcCall, type RpcId, rpcCodes, rpcError, rpcResult } from "./json-rpc.ts";
import { isObject } from "./openai-chat.ts";
import { planReply } from "./reply-plan.ts";
import { malformedEvent } from "./reply-stream.ts";
import { asciiJson, estimatedTokens } from "./words.ts";

/** Errors of A2A, with the HTTP status that the REST binding gives them. */
const failures = {
  invalidParams: [rpcCodes.invalidParams, 400, "Invalid params"],
  methodNotFound: [rpcCodes.methodNotFound, 404, "Method not found"],
  taskNotFound: [-32001, 404, "Task not found"],
  taskNotCancelable: [-32002, 409, "Task cannot be canceled"],
  pushNotSupported: [-32003, 400, "Push notifications are not supported"],
  unsupportedOperation: [-32004, 400, "This operation is not supported"],
  versionNotSupported: [-32009, 400, "This protocol version is not supported"],
} as const satisfies Record<string, readonly [number, number, string]>;
type Failure = keyof typeof failures;

/** How an operation's answer leaves: in a JSON-RPC envelope or bare, in the words of 1.0 or 0.3. */
interface Binding {
  readonly wire: A2aWire;
  wrap(result: unknown): string;
  fail(failure: Failure, detail?: string): void;
  readonly contentType: string;
}

type Operation = "send" | "stream" | "get" | "list" | "cancel" | "subscribe" | "card" | "push";

/** A method's name in 1.0 and in 0.3. */
const operations: Readonly<Record<string, readonly [Operation, "1.0" | "0.3"]>> = {
  SendMessage: ["send", "1.0"],
  SendStreamingMessage: ["stream", "1.0"],
  GetTask: ["get", "1.0"],
  ListTasks: ["list", "1.0"],
  CancelTask: ["cancel", "1.0"],
  SubscribeToTask: ["subscribe", "1.0"],
  GetExtendedAgentCard: ["card", "1.0"],
  CreateTaskPushNotificationConfig: ["push", "1.0"],
  GetTaskPushNotificationConfig: ["push", "1.0"],
  ListTaskPushNotificationConfigs: ["push", "1.0"],
  DeleteTaskPushNotificationConfig: ["push", "1.0"],
  "message/send": ["send", "0.3"],
  "message/stream": ["stream", "0.3"],
  "tasks/get": ["get", "0.3"],
  "tasks/cancel": ["cancel", "0.3"],
  "tasks/resubscribe": ["subscribe", "0.3"],
  "agent/getAuthenticatedExtendedCard": ["card", "0.3"],
  "tasks/pushNotificationConfig/set": ["push", "0.3"],
  "tasks/pushNotificationConfig/get": ["push", "0.3"],
  "tasks/pushNotificationConfig/list": ["push", "0.3"],
  "tasks/pushNotificationConfig/delete": ["push", "0.3"],
};

/** A2A 1.0 by JSON-RPC and REST, and the methods of 0.3. */
export class A2aEndpoint {
  readonly #context: MockContext;
  readonly #tasks = new Map<string, A2aTask>();

  constructor(context: MockContext) {
    this.#context = context;
  }

  /** `GET /.well-known/agent-card.json`. */
  card(exchange: MockExchange): void {
    sendJson(exchange.response, 200, JSON.stringify(agentCard(`http://${header(exchange, "host") ?? "localhost"}`)));
  }

  /** `POST /a2a`. */
  rpc(exchange: MockExchange): void {
    const call = readRpcCall(exchange.body);
    if (!call || call.id === undefined) {
      this.#context.counters.of("a2a").rejected++;
      sendJson(exchange.response, 200, rpcError(null, rpcCodes.invalidRequest, "Invalid request"));
      return;
    }
    const [operation, version] = Object.hasOwn(operations, call.method) ? (operations[call.method] ?? []) : [];
    const binding = this.#rpcBinding(exchange, call.id, version === "0.3" ? wire03 : wire1);
    const asked = header(exchange, "a2a-version") ?? exchange.query.get("A2A-Version") ?? "";
    // An empty header means 0.3; the method's name says the same, so only a third version is refused.
    if (asked !== "" && asked !== "1.0" && asked !== "0.3") binding.fail("versionNotSupported", asked);
    else if (operation === undefined) binding.fail("methodNotFound", call.method);
    else this.#perform(exchange, operation, call.params, binding);
  }

  /** Everything below `/a2a/rest`. */
  rest(exchange: MockExchange, path: string): void {
    const binding = this.#restBinding(exchange);
    const method = exchange.request.method ?? "";
    const body = isObject(exchange.body) ? exchange.body : {};
    const { query } = exchange;
    const asked = header(exchange, "a2a-version") ?? "";
    const [, id = "", verb] = /^\/tasks\/([^/:]+)(?::(\w+))?$/.exec(path) ?? [];
    const is = (verbs: string, where: string): boolean => verbs.split(" ").includes(method) && path === where;
    if (asked !== "" && asked !== "1.0") binding.fail("versionNotSupported", asked);
    else if (is("POST", "/message:send")) this.#perform(exchange, "send", body, binding);
    else if (is("POST", "/message:stream")) this.#perform(exchange, "stream", body, binding);
    else if (is("GET", "/tasks")) this.#perform(exchange, "list", Object.fromEntries(query), binding);
    else if (id !== "" && verb === undefined && method === "GET") this.#perform(exchange, "get", { id }, binding);
    else if (id !== "" && verb === "cancel" && method === "POST") this.#perform(exchange, "cancel", { id }, binding);
    // The specification's table says POST, its proto GET: both are served.
    else if (id !== "" && verb === "subscribe" && (method === "GET" || method === "POST")) {
      this.#perform(exchange, "subscribe", { id }, binding);
    } else if (is("GET", "/extendedAgentCard")) this.#perform(exchange, "card", {}, binding);
    else if (path.includes("/pushNotificationConfigs")) this.#perform(exchange, "push", {}, binding);
    else binding.fail("methodNotFound", `${method} ${path}`);
  }

  #perform(
    exchange: MockExchange,
    operation: Operation,
    params: Readonly<Record<string, unknown>>,
    binding: Binding,
  ): void {
    const id = params["id"];
    const task = typeof id === "string" ? this.#tasks.get(id) : undefined;
    switch (operation) {
      case "send":
      case "stream":
        this.#send(exchange, params, binding, operation === "stream");
        return;
      case "push":
        binding.fail("pushNotSupported");
        return;
      case "card":
        binding.fail("unsupportedOperation", "there is no extended card");
        return;
      case "list":
        this.#list(exchange, params, binding);
        return;
      case "get":
        if (task) sendJson(exchange.response, 200, binding.wrap(binding.wire.task(task.view())), type(binding));
        else binding.fail("taskNotFound", String(id));
        return;
      case "cancel":
        if (!task) binding.fail("taskNotFound", String(id));
        else if (task.cancel()) {
          sendJson(exchange.response, 200, binding.wrap(binding.wire.task(task.view())), type(binding));
        } else binding.fail("taskNotCancelable", task.state);
        return;
      case "subscribe":
        if (!task) binding.fail("taskNotFound", String(id));
        else if (isTerminal(task.state)) binding.fail("unsupportedOperation", `the task is ${task.state}`);
        else this.#follow(new EventStream(exchange.response), task, binding, true);
    }
  }

  #send(exchange: MockExchange, params: Readonly<Record<string, unknown>>, binding: Binding, stream: boolean): void {
    const message = readMessage(params["message"]);
    if (typeof message === "string") {
      this.#context.counters.of("a2a").rejected++;
      binding.fail("invalidParams", message);
      return;
    }
    const known = message.taskId === undefined ? undefined : this.#tasks.get(message.taskId);
    if (message.taskId !== undefined) {
      // The mock's tasks ask for nothing, so there is never anything to add to one.
      if (known) binding.fail("unsupportedOperation", `the task is ${known.state}`);
      else binding.fail("taskNotFound", message.taskId);
      return;
    }
    const { model, clock, wheel, counters } = this.#context;
    const number = requestNumber(exchange, counters.begin("a2a"));
    const inputTokens = estimatedTokens(message.text.length, 1);
    const plan = planReply(model, {
      endpoint: "a2a",
      number,
      inputTokens,
      tools: [],
      toolChoice: "none",
      toolRounds: 0,
    });
    if (sendStatusFault(this.#context, "a2a", exchange, plan.fault)) return;
    const task = new A2aTask({
      id: randomUUID(),
      contextId: message.contextId ?? randomUUID(),
      messageId: message.messageId,
      input: message.text,
      plan,
      tokensPerChunk: model.tokensPerChunk,
      clock,
    });
    this.#keep(task);
    if (stream) this.#streamNew(exchange, task, binding);
    else this.#answerWhole(exchange, task, binding, returnsAtOnce(params["configuration"]));
    task.start(wheel);
  }

  #answerWhole(exchange: MockExchange, task: A2aTask, binding: Binding, atOnce: boolean): void {
    const { fault } = task.plan;
    const reply = {
      exchange,
      endpoint: "a2a" as const,
      delayMs: 0,
      // The task itself stalls; what is left of the fault strikes the answer.
      fault: fault?.kind === "stall" ? undefined : fault,
      headers: type(binding),
      body: () => binding.wrap(binding.wire.sent(task.view())),
    };
    if (atOnce) sendWhole(this.#context, { ...reply, tokens: 0 });
    else {
      const stop = task.listen(({ task: view }) => {
        if (!isTerminal(view.state)) return;
        stop();
        sendWhole(this.#context, { ...reply, tokens: task.tokens });
      });
    }
  }

  #streamNew(exchange: MockExchange, task: A2aTask, binding: Binding): void {
    const tracked = track(this.#context, "a2a", exchange.response, task.plan.fault);
    const stream = new EventStream(exchange.response);
    this.#follow(stream, task, binding, true, (outcome) => tracked.end(outcome, task.tokens));
  }

  /** Sends what happens to a task from now on, until it ends or its fault strikes. */
  #follow(
    stream: EventStream,
    task: A2aTask,
    binding: Binding,
    withTask: boolean,
    onEnd?: (outcome: "completed" | "faulted") => void,
  ): void {
    const send = (event: TaskEvent): void =>
      stream.write(`data: ${asciiJson(JSON.parse(binding.wrap(binding.wire.event(event))))}\n\n`);
    if (withTask) send({ kind: "task", task: task.view() });
    let struck = false;
    const stop = task.listen((event) => {
      if (!stream.open) {
        stop();
        return;
      }
      const { fault, faultAfter } = task.plan;
      if (onEnd && fault && !struck && fault.kind !== "stall" && task.tokens > faultAfter) {
        struck = true;
        if (fault.kind === "malformed") stream.write(malformedEvent);
        else {
          stop();
          if (fault.kind === "reset") stream.reset();
          else stream.cut();
          onEnd("faulted");
          return;
        }
      }
      send(event);
      if (isTerminal(event.task.state)) {
        stop();
        stream.end();
        onEnd?.("completed");
      }
    });
  }

  #list(exchange: MockExchange, params: Readonly<Record<string, unknown>>, binding: Binding): void {
    const size = Math.min(100, Math.max(1, Number(params["pageSize"] ?? 50) || 50));
    const from = Math.max(0, Number(params["pageToken"] ?? 0) || 0);
    const context = params["contextId"];
    const found = [...this.#tasks.values()]
      .toReversed()
      .filter((task) => context === undefined || task.contextId === context);
    const tasks = found.slice(from, from + size).map((task) => binding.wire.task(task.view(), false));
    const nextPageToken = from + size < found.length ? String(from + size) : "";
    const result = { tasks, nextPageToken, pageSize: size, totalSize: found.length };
    sendJson(exchange.response, 200, binding.wrap(result), type(binding));
  }

  #keep(task: A2aTask): void {
    this.#tasks.set(task.id, task);
    const oldest = this.#tasks.keys().next();
    if (this.#tasks.size > this.#context.model.a2aTasks && !oldest.done) this.#tasks.delete(oldest.value);
  }

  #rpcBinding({ response }: MockExchange, id: RpcId, wire: A2aWire): Binding {
    return {
      wire,
      contentType: "application/json",
      wrap: (result) => rpcResult(id, result),
      fail: (failure, detail) => {
        const [code, , message] = failures[failure];
        sendJson(response, 200, rpcError(id, code, detail === undefined ? message : `${message}: ${detail}`));
      },
    };
  }

  #restBinding({ response }: MockExchange): Binding {
    return {
      wire: wire1,
      contentType: "application/a2a+json",
      wrap: (result) => JSON.stringify(result),
      fail: (failure, detail) => {
        const [code, status, message] = failures[failure];
        const text = detail === undefined ? message : `${message}: ${detail}`;
        const error = { code: status, status: failure, message: text, details: [{ reason: failure, code }] };
        sendJson(response, status, JSON.stringify({ error }));
      },
    };
  }
}

const type = (binding: Binding): Readonly<Record<string, string>> => ({ "content-type": binding.contentType });

interface ReadMessage {
  readonly messageId: string;
  readonly text: string;
  readonly contextId?: string;
  readonly taskId?: string;
}

function readMessage(message: unknown): ReadMessage | string {
  if (!isObject(message)) return "message is required";
  const { messageId, parts, contextId, taskId, role } = message as Record<string, unknown>;
  if (typeof messageId !== "string" || messageId === "") return "message.messageId is required";
  if (typeof role !== "string") return "message.role is required";
  if (!Array.isArray(parts) || parts.length === 0) return "message.parts needs at least one part";
  const texts = parts.map((part: unknown) => (isObject(part) && typeof part["text"] === "string" ? part["text"] : ""));
  return {
    messageId,
    text: texts.join(""),
    ...(typeof contextId === "string" && contextId !== "" && { contextId }),
    ...(typeof taskId === "string" && taskId !== "" && { taskId }),
  };
}

/** 1.0 says `returnImmediately`, 0.3 `blocking`. */
function returnsAtOnce(configuration: unknown): boolean {
  return (
    isObject(configuration) && (configuration["returnImmediately"] === true || configuration["blocking"] === false)
  );
}
