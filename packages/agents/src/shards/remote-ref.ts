import { markAsUncloneable } from "node:worker_threads";
import type { AgentStatus, AskOptions, Message, StopOptions } from "../agent/message.ts";
import type { AnyRef } from "../agent/ref.ts";
import { agentErrors } from "../runtime/errors.ts";
import type { PendingAsk } from "../runtime/pending-ask.ts";
import type { Link } from "./link.ts";
import type { ControlPayload, Target } from "./protocol.ts";

/** What a reference to an agent of another thread needs of its own thread. */
export interface RemoteContext {
  readonly askTimeoutMs: number;
  /** The way to the agent as of now: it changes when its thread is started again. */
  link(): Link;
  control(ref: RemoteRef, order: ControlPayload["order"], reason: string): Promise<void>;
  deadLetter(to: string, message: Message): void;
}

/** An agent of another thread. Its status is as last heard. */
export class RemoteRef implements AnyRef {
  readonly address: string;
  readonly name: string | undefined;
  readonly target: Target;
  readonly #context: RemoteContext;
  #status: AgentStatus = "running";
  /** Why it ended. */
  #reason = "";

  constructor(address: string, name: string | undefined, target: Target, context: RemoteContext) {
    this.address = address;
    this.name = name;
    this.target = target;
    this.#context = context;
    markAsUncloneable(this);
  }

  get status(): AgentStatus {
    return this.#status;
  }

  /** The news has come that it ended. */
  markStopped(reason: string): void {
    this.#status = "stopped";
    this.#reason = reason;
  }

  /** Its thread has died: it begins again as any agent, not paused. What is ordered from here on goes to the next thread. */
  markLost(): void {
    if (this.#status === "paused") this.#status = "running";
  }

  send(message: Message): void {
    if (this.#status === "stopped") this.#context.deadLetter(this.address, message);
    else this.#context.link().send(this.target, message);
  }

  ask(message: Message, options: AskOptions = {}): Promise<unknown> {
    if (this.#status === "stopped") {
      return Promise.reject(
        agentErrors.create("AGENT_STOPPED", `Agent ${this.name ?? this.address} has stopped: ${this.#reason}.`, {
          details: { address: this.address, reason: this.#reason },
        }),
      );
    }
    return this.#context
      .link()
      .ask(this.target, this, message, options.timeout ?? this.#context.askTimeoutMs, options.signal);
  }

  /** The way to it while it lives. */
  get link(): Link | undefined {
    return this.#status === "stopped" ? undefined : this.#context.link();
  }

  /** Passes on a request that was made before the agent lived there. */
  forward(ask: PendingAsk): void {
    this.#context.link().forward(this.target, ask);
  }

  async stop({ reason = "stopped", drain = false }: StopOptions = {}): Promise<void> {
    if (this.#status !== "stopped") await this.#context.control(this, drain ? "drain" : "stop", reason);
  }

  pause(): void {
    if (this.#status === "stopped") return;
    this.#status = "paused";
    void this.#context.control(this, "pause", "");
  }

  resume(): void {
    if (this.#status !== "paused") return;
    this.#status = "running";
    void this.#context.control(this, "resume", "");
  }
}
