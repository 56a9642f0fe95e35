export type { Signal } from "./signals/signal.ts";
// The runtime
export {
  type Action,
  type ActionContext,
  type ActionMap,
  type ConcurrentOutcome,
  defineAction,
  type Outcome,
  type ReadOutcome,
} from "./agent/action.ts";
export { type AgentOptions, defineAgent, type RefOf } from "./agent/definition.ts";
export type { AgentDefinition, AnyDefinition } from "./agent/definition-types.ts";
export { type Directive, directives, type Instruction, type Timing } from "./agent/directive.ts";
export type { ActionMode, AgentStatus, AskOptions, FailurePolicy, Message, StopOptions } from "./agent/message.ts";
export { definePlugin, type Plugin } from "./agent/plugin.ts";
export type { AgentRef, AnyRef, MessageOf, Protocol, ReplyOf } from "./agent/ref.ts";
export type { Sensor } from "./agent/sensor.ts";
export type { IsolatedPlacement, Placement, RestartKind, SpawnOptions } from "./agent/spawn-options.ts";
export type { StandardSchema } from "./agent/standard-schema.ts";
export { type DeadLetter, DeadLetters } from "./runtime/dead-letters.ts";
export type { Down, DownListener } from "./runtime/down.ts";
export { type AgentErrorCode, agentErrors } from "./runtime/errors.ts";
export type { DeadLetterReason, RuntimeEvent } from "./runtime/events.ts";
export { type RuntimeOptions, runtimeDefaults, type ShardOptions } from "./runtime/options.ts";
export type { SignalPort, TelemetryPort, Transport } from "./runtime/ports.ts";
export {
  type CloseOptions,
  createRuntime,
  type Runtime,
  type RuntimeStats,
  type SupervisorOptions,
  type SupervisorRef,
} from "./runtime/runtime.ts";
export type { RestartLimits } from "./supervision/restart-window.ts";
export type { Strategy } from "./supervision/supervisor.ts";
export { allSwitches, type Switches } from "./switches/switches.ts";
export { CallbackTimer, TimerWheel, WheelTimer } from "./timers/timer-wheel.ts";
