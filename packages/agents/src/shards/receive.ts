import { MettleError } from "@mettle/core";
import type { Message } from "../agent/message.ts";
import type { AnyRef } from "../agent/ref.ts";
import { agentErrors } from "../runtime/errors.ts";
import type { DeadLetterReason } from "../runtime/events.ts";
import type { Link } from "./link.ts";
import {
  ASK,
  type AskPayload,
  BROADCAST,
  type BroadcastPayload,
  CONTROL,
  type ControlPayload,
  SEND,
  type Target,
} from "./protocol.ts";

/** What arriving messages need of the thread they arrive in. */
export interface Arrivals {
  find(target: Target): AnyRef | undefined;
  /** Nobody can be thrown what a send met: its sender is in another thread and has gone on. */
  undelivered(to: string, message: Message, reason: DeadLetterReason, error: unknown): void;
}

/** Handles what another thread sent to agents of this one. Hot for SEND and ASK. */
export class Receiver {
  readonly #arrivals: Arrivals;

  constructor(arrivals: Arrivals) {
    this.#arrivals = arrivals;
  }

  /** True when the kind was one for agents. */
  receive(link: Link, kind: number, to: Target, request: number, payload: unknown): boolean {
    if (kind === SEND) this.#send(to, payload as Message);
    else if (kind === ASK) this.#ask(link, to, request, payload as AskPayload);
    else if (kind === BROADCAST) this.#broadcast(payload as BroadcastPayload);
    else if (kind === CONTROL) this.#control(link, to, request, payload as ControlPayload);
    else return false;
    return true;
  }

  #send(to: Target, message: Message): void {
    const agent = this.#arrivals.find(to);
    if (agent === undefined) {
      this.#arrivals.undelivered(String(to), message, "unknown-address", undefined);
      return;
    }
    try {
      agent.send(message);
    } catch (error) {
      const full = error instanceof MettleError && error.code === "AGENT_MAILBOX_FULL";
      this.#arrivals.undelivered(agent.address, message, full ? "mailbox-full" : "not-cloneable", error);
    }
  }

  #broadcast({ targets, message }: BroadcastPayload): void {
    for (const to of targets) this.#send(to, message);
  }

  #ask(link: Link, to: Target, request: number, { message, timeoutMs }: AskPayload): void {
    const agent = this.#arrivals.find(to);
    if (agent === undefined) {
      link.refuse(request, notFound(to));
      return;
    }
    // The asker keeps the deadline; here it only frees what nobody waits for any more.
    agent.ask(message, { timeout: timeoutMs }).then(
      (value) => link.answer(request, value),
      (error: unknown) => link.refuse(request, error),
    );
  }

  #control(link: Link, to: Target, request: number, { order, reason }: ControlPayload): void {
    const agent = this.#arrivals.find(to);
    if (agent === undefined) {
      link.answer(request, undefined); // it has stopped already
      return;
    }
    if (order === "pause") agent.pause();
    else if (order === "resume") agent.resume();
    else {
      void agent.stop({ reason, drain: order === "drain" }).then(() => link.answer(request, undefined));
      return;
    }
    link.answer(request, undefined);
  }
}

function notFound(to: Target): Error {
  return agentErrors.create("AGENT_NOT_FOUND", `There is no agent ${String(to)}.`, {
    details: { address: String(to) },
  });
}
