import { ManualClock, ms } from "@mettle/core";
import { expect, test } from "vitest";
import { lookMeanwhile } from "../../../src/service/validate/look-meanwhile.ts";

type Context = Parameters<typeof lookMeanwhile>[0];

/** A service with some executions, of which it answers with a status; after so many looks the load is over. */
function service(executions: unknown, statusOf: (id: string) => number, looks: number) {
  const clock = new ManualClock();
  const over = new AbortController();
  const asked: string[] = [];
  const client = {
    logIn: () => Promise.resolve("token"),
    call: (_method: string, path: string) => {
      const [, id] = /executions\/(.+)$/.exec(path) ?? [];
      if (id === undefined) return Promise.resolve({ status: 200, body: { executions } });
      asked.push(id);
      if (asked.length === looks) over.abort();
      else setImmediate(() => void clock.advance(ms(50))); // once it sleeps
      return Promise.resolve({ status: statusOf(id), body: {} });
    },
  };
  const credentials = { username: "u{n}", password: "p{n}", users: 1 };
  const context = { clock, subject: { client, credentials } } as unknown as Context;
  return { asked, run: () => lookMeanwhile(context, over.signal) };
}
const three = ["a", "b", "c"].map((id) => ({ execution_id: id }));

test("looks at one execution after the other until the load is over", async () => {
  const { asked, run } = service(three, () => 200, 5);
  await run();
  expect(asked).toEqual(["a", "b", "c", "a", "b"]);
});

test("one that cannot be looked at is told", async () => {
  const { run } = service(three, (id) => (id === "b" ? 404 : 200), 5);
  await expect(run()).rejects.toMatchObject({ code: "SCENARIO_FAILED", details: { status: 404 } });
});

test.each([[], undefined, "none", [{ id: 1 }, null]])("where there are none it looks at nothing: %j", async (given) => {
  const { asked, run } = service(given, () => 200, 5);
  await run();
  expect(asked).toEqual([]);
});
