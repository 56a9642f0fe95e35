import { ms } from "@mettle/core";
import { peakConcurrency } from "@mettle/load";
import { suitesErrors } from "../../errors.ts";
import { nthUser } from "../surface.ts";
import type { CheckContext, ServiceCheck } from "./check.ts";
import type { MetricsSnapshot } from "./open-metrics.ts";
import type { ServiceClient } from "./service-client.ts";

/** More than run at once, so that there is a queue. */
const queued = 130;
const waitedForMs = 120_000;
const askEvery = ms(100);

/** A text that takes longer to summarize than its step may take. */
const longText = Array.from(
  { length: 150 },
  (_, i) => `The mill number ${i} grinds wheat for baker ${i % 7}, who sells bread in street ${i % 13}.`,
).join(" ");

/**
 * An execution that takes its time without using the processor, as one that waits for a model does: its step runs out of time,
 * and is tried again after a second.
 */
const waiting = {
  agent_type: "workflow_orchestrator",
  task: {
    type: "run",
    input: {
      steps: [
        {
          id: "late",
          agent_type: "text_processor",
          task: { type: "summarize", input: longText, parameters: { max_length: 20 } },
          timeout_ms: 1,
          retries: 1,
          backoff_ms: 1500,
          on_failure: "continue",
        },
      ],
    },
    parameters: {},
  },
};

interface Ended {
  /** Unix ms. */
  readonly start: number;
  readonly end: number;
  readonly succeeded: boolean;
}

/** As many executions as an orchestrator is promised to run at once, and what each then takes. */
export const atOnce: ServiceCheck = {
  id: "service.at-once",
  suite: "service",
  group: "scalability_tests",
  title: "100 executions at once, with more of them waiting",
  requirement: ["S4-016", "S4-090"],
  seconds: { smoke: 5, ci: 5, full: 5, soak: 5 },
  share: 5,
  rules: {
    thresholds: {
      "service.executions.at-once": { threshold: "value>=100", requirement: ["S4-016", "S4-090"] },
      "service.executions.succeeded": { threshold: "rate>0.999", severity: "critical" },
      "service.execution.memory": { threshold: "mean<256MB", required: false, requirement: ["S4-092"] },
      "service.execution.cpu": { threshold: "mean<=0.1", required: false, requirement: ["S4-093"] },
    },
  },
  run: measure,
};

async function measure({ subject, record, clock, signal }: CheckContext): Promise<void> {
  const { client, credentials } = subject;
  const token = await client.logIn(nthUser(credentials.username, 1), nthUser(credentials.password, 1));
  const before = await client.metrics();
  const ids = await queueAll(client, token);
  const memory: number[] = [];
  const ended = new Map<string, Ended>();
  let after: MetricsSnapshot | undefined;
  for (const from = clock.now(); ended.size < ids.length; ) {
    signal.throwIfAborted();
    if ((clock.now() - from) / 1e6 > waitedForMs) break; // what has not ended by now counts as failed
    after = await client.metrics();
    const bytes = after?.value("process_resident_memory_bytes");
    if (bytes !== undefined) memory.push(bytes);
    for (const id of ids) if (!ended.has(id)) await look(client, token, id, ended);
    if (ended.size < ids.length) await clock.sleep(askEvery, signal);
  }
  const all = [...ended.values()];
  const most = peakConcurrency(all);
  record.value("service.executions.at-once", most, { unit: "count", direction: "higher" });
  record.rate("service.executions.succeeded", all.filter(({ succeeded }) => succeeded).length, ids.length);
  // The whole process is shared out among those that run: an upper bound of what one needs.
  const notes = ["of the whole process, shared out among the executions that ran at once"];
  if (memory.length > 0 && most > 0) {
    record.value("service.execution.memory", Math.max(...memory) / most, { unit: "bytes", direction: "lower", notes });
  }
  const cpu = cpuBetween(before, after);
  const runningSeconds = all.reduce((sum, { start, end }) => sum + (end - start) / 1000, 0);
  if (cpu !== undefined && runningSeconds > 0) {
    record.value("service.execution.cpu", cpu / runningSeconds, { unit: "1", direction: "lower", notes });
  }
}

async function queueAll(client: ServiceClient, token: string): Promise<readonly string[]> {
  const answers = await Promise.all(
    Array.from({ length: queued }, () =>
      client.call("POST", "/agents/execute", { token, body: waiting, headers: { prefer: "respond-async" } }),
    ),
  );
  return answers.map(({ status, body }) => {
    const id = body["execution_id"];
    if ((status === 202 || status === 200) && typeof id === "string") return id;
    throw suitesErrors.create("SCENARIO_FAILED", `An execution could not be queued: status ${status}.`, {
      details: { status },
    });
  });
}

async function look(client: ServiceClient, token: string, id: string, ended: Map<string, Ended>): Promise<void> {
  const { body } = await client.call("GET", `/agents/executions/${id}`, { token });
  const { started_at: started, ended_at: end, status } = body;
  if (typeof started !== "string" || typeof end !== "string") return;
  ended.set(id, { start: Date.parse(started), end: Date.parse(end), succeeded: status === "succeeded" });
}

function cpuBetween(before: MetricsSnapshot | undefined, after: MetricsSnapshot | undefined): number | undefined {
  const [from, to] = [before, after].map((snapshot) => snapshot?.value("process_cpu_seconds_total"));
  return from === undefined || to === undefined ? undefined : to - from;
}
