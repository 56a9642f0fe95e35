import {
  type AgentDefinition,
  AgentPool,
  type AgentRef,
  ConnectionPool,
  defineAction,
  defineAgent,
  TaskPool,
  TimerWheel,
} from "@mettle/agents";
import { systemClock } from "@mettle/core";
import type { MettlePlatform } from "../../adapters/mettle/mettle-platform.ts";
import { contest } from "../../measure/contest.ts";
import { nextTurn, nowNs } from "../../measure/time.ts";
import { computeRounds } from "../../platform/work.ts";
import { type Scenario, type ScenarioContext, timesBeyondSmoke } from "../scenario.ts";
import { EchoServer, openConnection, type EchoConnection } from "./echo-server.ts";

const common = { suite: "system", group: "infrastructure_benchmarks", needs: ["mettle"] } as const;

interface ReadyProtocol {
  readonly ready: { readonly input: void; readonly reply: number };
}

/** An agent that prepares itself at its start: some tens of microseconds of work. */
const prepared: AgentDefinition<{ readonly value: number }, ReadyProtocol> = defineAgent({
  name: "prepared",
  state: () => ({ value: 0 }),
  start: "prepare",
  actions: {
    prepare: defineAction({
      run: (_state: { readonly value: number }) => ({ state: { value: computeRounds(20_000) } }),
    }),
    ready: defineAction({ mode: "read", run: (state: { readonly value: number }) => ({ reply: state.value }) }),
  },
});

const batch = 5;

const agentPool: Scenario = {
  ...common,
  id: "pools.agents",
  title: "Until a new agent answers: spawned when needed, and taken from a pool of 10",
  requirement: ["S3-012"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: {
      "pools.agents.speed-up": { threshold: "p(50) > 1", requirement: ["S3-012"] },
      "pools.agents.accounted": { threshold: "rate == 1", severity: "critical", requirement: ["S3-012"] },
    },
  },
  run: async ({ open, record, seconds, random, signal }) => {
    const { runtime } = (await open()) as MettlePlatform;
    const stop = (agent: AgentRef<ReadyProtocol>): void => void agent.stop();
    const pool = new AgentPool({ types: ["prepared"], spawn: () => runtime.spawn(prepared), stop });
    let used = 0;
    let accounted = 0;
    let rounds = 0;
    await contest(record, {
      metric: "pools.agents",
      operations: batch,
      seconds,
      random,
      signal,
      traditional: { name: "spawned", run: () => useEach(() => runtime.spawn(prepared), stop) },
      ours: {
        name: "pooled",
        run: async () => {
          await useEach(
            () => pool.get("prepared"),
            (agent) => pool.release(agent),
          );
          used += batch;
          rounds += 1;
          const { active, hits, overflowed, returned, refillsFailed } = pool.statistics;
          if (active === 0 && hits + overflowed === used && returned === used && refillsFailed === 0) accounted += 1;
        },
      },
    });
    // Emptied on purpose: what the pool does not have is spawned, counted, and the pool fills up again.
    const taken = Array.from({ length: 15 }, () => pool.get("prepared"));
    const overflowed = pool.statistics.overflowed;
    await nextTurn();
    await nextTurn();
    rounds += 1;
    if (overflowed >= 5 && pool.statistics.warm["prepared"] === 10 && pool.statistics.active === 15) accounted += 1;
    for (const agent of taken) pool.release(agent);
    pool.close();
    record.rate("pools.agents.accounted", accounted, rounds);
  },
};

async function useEach<Agent extends AgentRef<ReadyProtocol>>(
  get: () => Agent,
  giveBack: (agent: Agent) => void,
): Promise<void> {
  for (let i = 0; i < batch; i++) {
    const agent = get();
    await agent.ask({ type: "ready" });
    giveBack(agent);
  }
}

const connectionPool: Scenario = {
  ...common,
  id: "pools.connections",
  title: "20 exchanges at a time over TCP: a connection for each, and a pool of 10 with 5 more",
  requirement: ["S3-036", "S3-041"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: {
      "pools.connections.speed-up": { threshold: "p(50) > 1", requirement: ["S3-041"] },
      "pools.connections.echoed": { threshold: "rate == 1", severity: "critical", requirement: ["S3-036"] },
      "pools.connections.open": { threshold: "max <= 15", severity: "critical", requirement: ["S3-036"] },
      "pools.connections.in-order": { threshold: "rate == 1", severity: "critical", requirement: ["S3-036"] },
    },
  },
  run: async ({ record, seconds, random, signal }: ScenarioContext) => {
    await using server = await EchoServer.listen();
    const wheel = new TimerWheel(systemClock);
    const pool = new ConnectionPool<EchoConnection>({
      open: () => openConnection(server.port),
      close: (connection) => connection.close(),
      timers: wheel,
    });
    const exchanged = { good: 0, all: 0 };
    let most = 0;
    const exchange = async (connection: EchoConnection, i: number): Promise<void> => {
      exchanged.all += 1;
      if ((await connection.echo(i)) === i) exchanged.good += 1;
    };
    const twenty = (each: (i: number) => Promise<void>): Promise<unknown> =>
      Promise.all(Array.from({ length: 20 }, (_, i) => each(i)));
    try {
      await contest(record, {
        metric: "pools.connections",
        operations: 20,
        seconds,
        random,
        signal,
        traditional: {
          name: "connection-each",
          run: () =>
            twenty(async (i) => {
              const connection = await openConnection(server.port);
              await exchange(connection, i);
              await connection.close();
            }),
        },
        ours: {
          name: "pooled",
          run: () =>
            twenty((i) =>
              pool.with((connection) => {
                const { inUse, idle, opening } = pool.statistics;
                most = Math.max(most, inUse + idle + opening);
                return exchange(connection, i);
              }),
            ),
        },
      });
      const { served, expected } = await waitersInOrder(pool);
      record.rate("pools.connections.in-order", served.join() === expected.join() ? 1 : 0, 1);
    } finally {
      await pool.close();
      wheel.close();
    }
    record.rate("pools.connections.echoed", exchanged.good, exchanged.all);
    record.value("pools.connections.open", most, { unit: "count", direction: "lower" });
  },
};

/** Takes all 15, lets 5 wait, gives back one after the other: the waiters are served as they came. */
async function waitersInOrder(
  pool: ConnectionPool<EchoConnection>,
): Promise<{ readonly served: readonly number[]; readonly expected: readonly number[] }> {
  const leases = await Promise.all(Array.from({ length: 15 }, () => pool.acquire()));
  const served: number[] = [];
  const waiting = Array.from({ length: 5 }, async (_, i) => {
    const lease = await pool.acquire();
    served.push(i);
    lease.release();
  });
  for (const lease of leases) lease.release();
  await Promise.all(waiting);
  return { served, expected: [0, 1, 2, 3, 4] };
}

const rounds = 2_000_000;

const taskPool: Scenario = {
  ...common,
  id: "pools.tasks",
  title: "8 tasks that compute: on the thread that asks, and on a worker for each core",
  requirement: ["S3-037"],
  seconds: { ci: 2, full: 10, soak: 40 },
  rules: {
    thresholds: {
      "pools.tasks.correct": { threshold: "rate == 1", severity: "critical", requirement: ["S3-037"] },
      // While others compute, this thread answers.
      "pools.tasks.turn.time{during:pooled}": { threshold: "p(50) < 5ms", requirement: ["S3-037"] },
    },
  },
  run: async ({ record, seconds, random, signal }: ScenarioContext) => {
    const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
    await using pool = new TaskPool<number, number>({
      module: new URL(`../../platform/work${extension}`, import.meta.url),
      task: "computeRounds",
    });
    const expected = computeRounds(rounds);
    let correct = 0;
    let all = 0;
    const turns = record.operation("pools.tasks.turn.time", { tags: { during: "pooled" } });
    await contest(record, {
      metric: "pools.tasks",
      operations: 8,
      seconds,
      atLeast: 8,
      random,
      signal,
      traditional: {
        name: "same-thread",
        run: () => {
          for (let i = 0; i < 8; i++) computeRounds(rounds);
        },
      },
      ours: {
        name: "pooled",
        run: async () => {
          const tasks = Promise.all(Array.from({ length: 8 }, () => pool.run(rounds)));
          let ended = false;
          const watched = tasks.finally(() => (ended = true));
          while (!ended) {
            const start = nowNs();
            await new Promise((resolve) => {
              setTimeout(resolve, 1);
            });
            turns.times.record(Math.max(0, nowNs() - start - 1e6));
          }
          for (const value of await watched) {
            all += 1;
            if (value === expected) correct += 1;
          }
        },
      },
    });
    record.rate("pools.tasks.correct", correct, all);
  },
};

/** Pools of S3 beside doing without: agents, connections, tasks. */
export const poolScenarios: readonly Scenario[] = [agentPool, connectionPool, taskPool];
