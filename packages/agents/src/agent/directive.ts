import type { AnyDefinition } from "./definition-types.ts";
import type { Instruction } from "./instruction.ts";
import type { Message } from "./message.ts";
import type { AnyRef } from "./ref.ts";
import type { Sensor } from "./sensor.ts";
import type { SpawnOptions } from "./spawn-options.ts";

/** When a scheduled message comes: once, again and again, or by a calendar. */
export type Timing = { readonly afterMs: number } | { readonly everyMs: number } | { readonly cron: string };

/** An effect as data. An action returns it, the agent's server carries it out, so what an action decides can be tested. */
export type Directive =
  | { readonly kind: "emit"; readonly type: string; readonly data: unknown; readonly subject: string | undefined }
  | { readonly kind: "send"; readonly to: AnyRef | string; readonly message: Message }
  | {
      readonly kind: "spawn";
      readonly name: string;
      readonly definition: AnyDefinition;
      readonly options: SpawnOptions;
    }
  | { readonly kind: "stop-child"; readonly name: string; readonly reason: string }
  | { readonly kind: "schedule"; readonly name: string; readonly timing: Timing; readonly message: Message }
  | { readonly kind: "cancel"; readonly name: string }
  | { readonly kind: "run"; readonly instruction: Instruction }
  | { readonly kind: "start-sensor"; readonly sensor: Sensor }
  | { readonly kind: "stop-sensor"; readonly name: string }
  | { readonly kind: "stop"; readonly reason: string };

/** Makers of directives, one for each kind. */
export const directives = {
  /** Publishes a signal; its source is the agent. */
  emit: (type: string, data?: unknown, subject?: string): Directive => ({ kind: "emit", type, data, subject }),
  /** Sends to another agent, by reference, name or address. One that is gone makes a dead letter. */
  send: (to: AnyRef | string, message: Message): Directive => ({ kind: "send", to, message }),
  /** Starts a child, known to this agent by `name`; it stops when this agent stops. */
  spawn: (name: string, definition: AnyDefinition, options: SpawnOptions = {}): Directive => ({
    kind: "spawn",
    name,
    definition,
    options,
  }),
  stopChild: (name: string, reason: string = "stopped by its parent"): Directive => ({
    kind: "stop-child",
    name,
    reason,
  }),
  /** Sends this agent a message later. One schedule of a name: a new one replaces it. Ends when the agent stops. */
  schedule: (name: string, timing: Timing, message: Message): Directive => ({
    kind: "schedule",
    name,
    timing,
    message,
  }),
  cancel: (name: string): Directive => ({ kind: "cancel", name }),
  /** Queues an instruction at the end of this agent's own mailbox. */
  run: (instruction: Instruction): Directive => ({ kind: "run", instruction }),
  startSensor: (sensor: Sensor): Directive => ({ kind: "start-sensor", sensor }),
  stopSensor: (name: string): Directive => ({ kind: "stop-sensor", name }),
  /**
   * Stops this agent after the directives before it; what waits in its mailbox ends with AGENT_STOPPED. A permanent agent
   * begins again instead, with its mailbox.
   */
  stop: (reason: string = "finished"): Directive => ({ kind: "stop", reason }),
} as const;
