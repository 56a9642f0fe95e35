import { runHere } from "../agent/run-load-here.ts";
import { defineLoad } from "../../src/scenario/define-load.ts";
import { expect, test } from "vitest";
import type { StepEvent } from "../../src/drivers/driver.ts";
import { inProcess, type StepFunction } from "../../src/drivers/in-process.ts";
import { natsRequest, type NatsRequester } from "../../src/drivers/nats.ts";
import { fakeUser } from "../fake-user.ts";

async function ran(run: StepFunction<string>) {
  let now = 0;
  const session = await inProcess("agent", run, () => ++now).open(fakeUser());
  const events: StepEvent[] = [];
  const outcome = await session.send("hi", (event) => events.push(event));
  await session.close();
  await expect(session.send("hi", () => {})).rejects.toMatchObject({ code: "DRIVER_SESSION_CLOSED" });
  return { outcome, events };
}

test("a function's string is one token", async () => {
  const { outcome, events } = await ran((step) => Promise.resolve(`${step}!`));
  expect(outcome).toMatchObject({ ok: true, startedAt: 1, text: "hi!" });
  expect(events.map(({ type }) => type)).toEqual(["firstByte", "firstToken", "token", "done"]);
});

test("an iterable's strings are tokens, each with its time; empty ones are none", async () => {
  const { outcome, events } = await ran(async function* () {
    yield "";
    yield "a";
    yield await Promise.resolve("b");
  });
  expect(outcome.text).toBe("ab");
  const times = events.flatMap((event) => (event.type === "token" ? [event.at] : []));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(new Set(times).size).toBe(2);
});

test("a reporter's tool calls, reasoning and usage", async () => {
  const { outcome, events } = await ran((_step, reporter) => {
    reporter.token("hm", "reasoning");
    reporter.toolCall({ id: "1", name: "find", input: "{}" });
    reporter.toolResult("1", false);
    reporter.usage({ output: 3 });
    return "found";
  });
  expect(outcome).toMatchObject({
    text: "found",
    usage: { output: 3 },
    toolCalls: [{ id: "1", name: "find", input: "{}" }],
  });
  expect(events.map(({ type }) => type)).toContain("toolResult");
});

test("what is thrown is the outcome, non-errors too", async () => {
  const coded = Object.assign(new Error("no room"), { code: "FULL" });
  const failing: StepFunction<string> = () => Promise.reject(coded);
  expect((await ran(failing)).outcome).toMatchObject({ ok: false, error: { code: "FULL", message: "no room" } });
  const { outcome } = await ran(() => {
    throw "just text";
  });
  expect(outcome).toMatchObject({ ok: false, error: { code: "THREW", message: "just text" } });
});

test("NATS: one connection for all sessions, opened once and closed with the last", async () => {
  const log: string[] = [];
  const connection: NatsRequester = {
    request: (subject, payload, { timeout }) => {
      log.push(`${subject} ${String(payload)} ${timeout}`);
      if (subject !== "lost") return Promise.resolve({ string: () => "pong" });
      return Promise.reject(Object.assign(new Error("nobody listens"), { name: "NoRespondersError" }));
    },
    close: () => {
      log.push("closed");
      return Promise.resolve();
    },
  };
  const driver = natsRequest({
    subject: "agents.run",
    timeoutMs: 50,
    connect: () => {
      log.push("connected");
      return Promise.resolve(connection);
    },
  });
  const [first, second] = await Promise.all([driver.open(fakeUser()), driver.open(fakeUser())]);
  expect(await first.send({ payload: "ping" }, () => {})).toMatchObject({ ok: true, text: "pong" });
  expect(await second.send({ subject: "lost", payload: "x" }, () => {})).toMatchObject({
    ok: false,
    error: { code: "NATS_NoRespondersError" },
  });
  await first.close();
  await first.close();
  expect(log).not.toContain("closed");
  await second.close();
  expect(log).toEqual(["connected", "agents.run ping 50", "lost x 50", "closed"]);
});

test("NATS: a server that is not there, and a subject that is none", async () => {
  const driver = natsRequest({ subject: "a", connect: () => Promise.reject(new Error("refused")) });
  await expect(driver.open(fakeUser())).rejects.toMatchObject({ code: "DRIVER_OPEN_FAILED", retryable: true });
  expect(() => natsRequest({ subject: "a b" })).toThrow(expect.objectContaining({ code: "DRIVER_OPTIONS_INVALID" }));
});

test("a function that works without waiting for anything does not keep the run from ending", async () => {
  const busy = inProcess("busy", () => {
    const until = performance.now() + 2;
    while (performance.now() < until);
    return "done";
  });
  const run = await runHere(
    defineLoad({ scenarios: { s: { vus: 2, duration: "100ms", run: (user) => user.send(busy, undefined) } } }),
  );
  expect(run.errors).toEqual([]);
  expect(run.run.durationMs).toBeLessThan(10_000);
});
