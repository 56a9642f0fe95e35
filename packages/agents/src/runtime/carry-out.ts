import type { Directive } from "../agent/directive.ts";
import type { Message } from "../agent/message.ts";
import type { AnyDefinition } from "../agent/definition-types.ts";
import type { AnyRef } from "../agent/ref.ts";
import type { Sensor } from "../agent/sensor.ts";
import type { SpawnOptions } from "../agent/spawn-options.ts";
import type { AgentCell } from "./agent-cell.ts";
import { STOPPED, STOPPING } from "./cell-base.ts";
import { FEW_CHILDREN } from "./cell-extras.ts";
import { agentErrors } from "./errors.ts";
import { queued } from "./instructions.ts";
import type { SignalPort } from "./ports.ts";
import { cancel, schedule } from "./schedules.ts";

/** What directives need of the thread. */
export interface Effects {
  readonly signals: SignalPort;
  spawn(definition: AnyDefinition, options: SpawnOptions): AnyRef;
  resolve(to: string): AnyRef | undefined;
  unknownAddress(to: string, message: Message): void;
}

/** What the agent would have going: nothing would ever end it for one that has ended. */
const begins: ReadonlySet<Directive["kind"]> = new Set(["spawn", "schedule", "start-sensor"]);

/**
 * Does what an action decided, in order. One that cannot be done fails the action; those before it stay done. An agent that
 * has ended, by one of them or while the action ran, begins nothing more.
 */
export function carryOut(cell: AgentCell, directives: readonly Directive[], effects: Effects): void {
  let ended = cell.phase >= STOPPED;
  for (const directive of directives) {
    if (ended && begins.has(directive.kind)) continue;
    carryOutOne(cell, directive, effects);
    ended ||= directive.kind === "stop";
  }
}

function carryOutOne(cell: AgentCell, directive: Directive, effects: Effects): void {
  switch (directive.kind) {
    case "emit":
      effects.signals.publish(directive.type, directive.data, cell.name ?? cell.address, directive.subject);
      return;
    case "send":
      send(directive.to, directive.message, effects);
      return;
    case "spawn":
      spawnChild(cell, directive, effects);
      return;
    case "stop-child":
      stopChild(cell, directive.name, directive.reason);
      return;
    case "schedule":
      schedule(cell, directive.name, directive.timing, directive.message);
      return;
    case "cancel":
      cancel(cell, directive.name);
      return;
    case "run":
      cell.send(queued(cell, directive.instruction));
      return;
    case "start-sensor":
      startSensor(cell, directive.sensor);
      return;
    case "stop-sensor":
      stopSensor(cell, directive.name);
      return;
    case "stop":
      cell.finish(directive.reason);
      return;
    default:
      directive satisfies never;
      throw agentErrors.create("AGENT_DEFINITION_INVALID", `${cell.label} returned a directive of no known kind.`);
  }
}

function send(to: AnyRef | string, message: Message, effects: Effects): void {
  const receiver = typeof to === "string" ? effects.resolve(to) : to;
  if (receiver === undefined) effects.unknownAddress(to as string, message);
  else receiver.send(message);
}

function spawnChild(cell: AgentCell, spawn: Extract<Directive, { kind: "spawn" }>, effects: Effects): void {
  const extras = cell.cold();
  extras.children ??= new Map();
  const known = extras.children.get(spawn.name);
  if (known !== undefined && known.status !== "stopped") {
    throw agentErrors.create("AGENT_NAME_TAKEN", `${cell.label} already has a child "${spawn.name}".`, {
      details: { address: cell.address, child: spawn.name },
    });
  }
  extras.children.set(spawn.name, effects.spawn(spawn.definition, spawn.options));
  if (extras.children.size >= extras.sweepChildrenAt) sweepChildren(extras);
}

/** Forgets children that have ended by themselves; looks again when there are twice as many as stayed. */
function sweepChildren(extras: NonNullable<AgentCell["extras"]>): void {
  const children = extras.children ?? new Map<string, AnyRef>();
  for (const [name, child] of children) if (child.status === "stopped") children.delete(name);
  extras.sweepChildrenAt = Math.max(FEW_CHILDREN, 2 * children.size);
}

function stopChild(cell: AgentCell, name: string, reason: string): void {
  const child = cell.extras?.children?.get(name);
  if (child === undefined) return;
  cell.extras?.children?.delete(name);
  void child.stop({ reason });
}

function startSensor(cell: AgentCell, sensor: Sensor): void {
  stopSensor(cell, sensor.name);
  const stop = sensor.start((message) => {
    if (cell.phase < STOPPING) cell.send(message);
  });
  const extras = cell.cold();
  extras.sensors ??= new Map();
  extras.sensors.set(sensor.name, stop ?? (() => undefined));
}

function stopSensor(cell: AgentCell, name: string): void {
  const stop = cell.extras?.sensors?.get(name);
  if (stop === undefined) return;
  cell.extras?.sensors?.delete(name);
  try {
    stop();
  } catch (error) {
    cell.host.observers.tell({ kind: "sensor-failed", agent: cell.address, sensor: name, error });
  }
}

/** Ends what an agent had going: schedules, sensors, children, the watch for idleness. */
export function endEffects(cell: AgentCell, reason: string): void {
  const { extras } = cell;
  if (extras === undefined) return;
  for (const name of extras.schedules?.keys() ?? []) cancel(cell, name);
  for (const name of extras.sensors?.keys() ?? []) stopSensor(cell, name);
  for (const name of extras.children?.keys() ?? []) stopChild(cell, name, `its parent: ${reason}`);
  if (extras.hibernation !== undefined && cell.phase >= STOPPING) cell.host.wheel.remove(extras.hibernation);
}
