import { ms } from "@mettle/core";
import { expect, test } from "vitest";
import { type AnyRef, defineAction, defineAgent, directives, type Message, type Sensor } from "../../src/index.ts";
import type { AgentCell } from "../../src/runtime/agent-cell.ts";
import { counter, Gates, runtimeForTest, settled, type Total } from "../support.ts";

const code = (ask: Promise<unknown>): Promise<unknown> =>
  ask.then(
    () => "replied",
    (error: { code?: string }) => error.code,
  );

test("a permanent agent that is being stopped ends, whatever it decides meanwhile", async () => {
  const { runtime } = runtimeForTest();
  const finishing = defineAgent({
    name: "finishing",
    state: () => ({}),
    actions: { finish: defineAction({ run: (_state: object) => ({ directives: [directives.stop("done")] }) }) },
  });
  const agent = runtime.spawn(finishing, { restart: "permanent" });
  agent.send({ type: "finish" });
  await agent.stop({ drain: true });
  expect(agent.status).toBe("stopped");
  await runtime.close();
});
