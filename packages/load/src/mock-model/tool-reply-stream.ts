import { EventStream } from "./event-stream.ts";
import { type MockContext, type MockExchange, track } from "./exchange.ts";
import type { Fault } from "./faults.ts";
import { malformedEvent } from "./reply-stream.ts";
import { asciiJson } from "./words.ts";

/** A tool call answered as a stream of events: progress where it was asked for, then the result. */
export class ToolReplyStream {
  readonly #context: MockContext;
  readonly #exchange: MockExchange;
  readonly #delayMs: number;
  readonly #fault: Fault | undefined;
  readonly #progressToken: string | number | undefined;
  readonly #body: () => string;

  constructor(
    context: MockContext,
    exchange: MockExchange,
    delayMs: number,
    fault: Fault | undefined,
    progressToken: string | number | undefined,
    body: () => string,
  ) {
    this.#context = context;
    this.#exchange = exchange;
    this.#delayMs = delayMs;
    this.#fault = fault;
    this.#progressToken = progressToken;
    this.#body = body;
  }

  start(): void {
    const tracked = track(this.#context, "mcp", this.#exchange.response, this.#fault);
    const stream = new EventStream(this.#exchange.response);
    if (this.#progressToken !== undefined) {
      const params = { progressToken: this.#progressToken, progress: 0, total: 1 };
      stream.write(message({ jsonrpc: "2.0", method: "notifications/progress", params }));
    }
    const stall = this.#fault?.kind === "stall" ? (this.#fault.stallMs ?? Infinity) : 0;
    const cancel = this.#context.wheel.after(this.#delayMs + stall, () => {
      const kind = this.#fault?.kind;
      tracked.end(kind === "reset" || kind === "truncate" ? "faulted" : "completed", 0);
      if (kind === "reset") stream.reset();
      else if (kind === "truncate") stream.cut();
      else {
        stream.write((kind === "malformed" ? malformedEvent : "") + message(JSON.parse(this.#body())));
        stream.end();
      }
    });
    tracked.onLeave(cancel);
  }
}

const message = (value: unknown): string => `event: message\ndata: ${asciiJson(value)}\n\n`;
