import { messageOf } from "@mettle/core";
import type { AgentCell } from "../runtime/agent-cell.ts";
import { IDLE, RUNNING, STOPPED } from "../runtime/cell-base.ts";
import { comesBackAsItWas } from "../runtime/packable.ts";
import type { ShardPool } from "./shard-pool.ts";

const STRIKES = 3;
const WITHIN_MS = 1000;

/**
 * Counts a handler that computed longer than its budget. Three within a second make its agent greedy: that is reported, and
 * the agent moves to a thread of its own, with its state and what waits in its mailbox, so that its neighbours are rid
 * of it. References to it stay good.
 */
export function strike(cell: AgentCell, computedMs: number, pool: ShardPool | undefined): void {
  if (cell.phase >= STOPPED) return; // it ended in the turn that took too long
  const now = cell.host.clock.now() / 1e6;
  const extras = cell.cold();
  extras.strikes = [...(extras.strikes ?? []), now].filter((at) => now - at < WITHIN_MS).slice(-STRIKES);
  if (extras.strikes.length < STRIKES) return;
  extras.strikes = undefined;
  const report = { kind: "agent-greedy", agent: cell.address, computedMs } as const;
  const obstacle = pool === undefined ? "shards.moveGreedy is off" : obstacleOf(cell);
  if (pool === undefined || obstacle !== undefined) {
    cell.host.observers.tell({ ...report, keptBecause: obstacle ?? "" });
    return;
  }
  try {
    cell.host.observers.tell({ ...report, movedTo: move(cell, pool) });
  } catch (error) {
    cell.host.observers.tell({ ...report, keptBecause: messageOf(error) });
  }
}

/** What ties an agent to this thread. */
function obstacleOf(cell: AgentCell): string | undefined {
  const { extras, definition, parent } = cell;
  if (definition.module === undefined) return "its definition names no module to load it from in another thread";
  if (!parent.address.endsWith("/root")) return `the supervisor ${parent.address} restarts it together with others`;
  if (cell.phase !== IDLE && cell.phase !== RUNNING) return `it is ${cell.status}`;
  if ((extras?.running.size ?? 0) > 0 || (extras?.waiting.size ?? 0) > 0) return "an action of it is under way";
  const ties = {
    children: extras?.children,
    sensors: extras?.sensors,
    schedules: extras?.schedules,
    retries: extras?.retries,
    links: extras?.links,
  };
  const tie = Object.entries(ties).find(([, things]) => things !== undefined && things.size > 0);
  if (tie !== undefined) return `it has ${tie[0]} here`;
  return comesBackAsItWas(cell.state)
    ? undefined
    : "its state has parts that another thread would get as something else";
}

function move(cell: AgentCell, pool: ShardPool): number {
  const { name, module } = cell.definition;
  const state: unknown = structuredClone(cell.state); // throws here, not in the transfer, when it cannot go
  const { ref, host } = pool.adopt(cell, { name, module, compiled: cell.definition }, state);
  cell.moveTo(ref);
  host.monitor(ref, ({ reason, error, mayRestart }) => {
    if (mayRestart) return;
    ref.markStopped(reason);
    cell.terminate(reason, error);
  });
  return host.number;
}
