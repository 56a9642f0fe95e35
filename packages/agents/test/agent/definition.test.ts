import { describe, expect, expectTypeOf, test } from "vitest";
import { defineAction, defineAgent, definePlugin, type RefOf, type StandardSchema } from "../../src/index.ts";
import { runtimeForTest } from "../support.ts";

interface Total {
  readonly total: number;
}

/** A validator by the Standard Schema convention that takes numbers and their texts. */
const numeric: StandardSchema<number | string, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      return typeof number === "number" && !Number.isNaN(number)
        ? { value: number }
        : { issues: [{ message: "expected a number", path: ["amount", { key: 0 }] }] };
    },
  },
};

describe("an action's schema", () => {
  const account = defineAgent({
    name: "account",
    state: (): Total => ({ total: 0 }),
    actions: {
      deposit: defineAction({
        input: numeric,
        run: (state: Total, amount) => ({ state: { total: state.total + amount }, reply: state.total + amount }),
      }),
      total: defineAction({ mode: "read", run: (state: Total) => ({ reply: state.total }) }),
    },
  });

  test("gives the sender its input type, the action its output, and the value as the schema returns it", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(account);
    expectTypeOf<Parameters<typeof agent.send>[0]>().toEqualTypeOf<
      | { readonly type: "deposit"; readonly data: string | number }
      | { readonly type: "total"; readonly data?: undefined }
    >();
    expect(await agent.ask({ type: "deposit", data: "40" })).toBe(40);
    expect(await agent.ask({ type: "deposit", data: 2 })).toBe(42);
    await runtime.close();
  });

  test("refuses with every issue, before the action runs; the agent is none the worse", async () => {
    const { runtime, kinds } = runtimeForTest();
    const agent = runtime.spawn(account);
    const loose = runtime.find(agent.address)!;
    await expect(loose.ask({ type: "deposit", data: "much" })).rejects.toMatchObject({
      code: "AGENT_INPUT_INVALID",
      details: { problems: ["amount.0: expected a number"] },
    });
    loose.send({ type: "deposit", data: null });
    expect(await agent.ask({ type: "total" })).toBe(0);
    await loose.ask({ type: "deposit", data: 1 });
    expect(runtime.deadLetters.count("input-invalid")).toBe(1);
    expect(kinds()).not.toContain("agent-failed");
    await runtime.close();
  });

  test("that answers with a promise is refused, as a message cannot wait for it", async () => {
    const slow: StandardSchema<number, number> = {
      "~standard": { version: 1, vendor: "slow", validate: (value) => Promise.resolve({ value: value as number }) },
    };
    const agent = defineAgent({
      name: "x",
      state: () => ({}),
      actions: { go: defineAction({ input: slow, run: (_state: object, n) => ({ reply: n }) }) },
    });
    const { runtime } = runtimeForTest();
    await expect(runtime.spawn(agent).ask({ type: "go", data: 1 })).rejects.toMatchObject({
      code: "AGENT_DEFINITION_INVALID",
    });
    await runtime.close();
  });

  test("of the state is asked when a state is given", () => {
    const { runtime } = runtimeForTest();
    const strict = defineAgent({
      name: "strict",
      state: () => 7,
      schema: numeric,
      actions: { get: defineAction({ mode: "read", run: (state: number) => ({ reply: state }) }) },
    });
    expect(() => runtime.spawn(strict, { state: Number.NaN })).toThrow(
      expect.objectContaining({
        code: "AGENT_STATE_INVALID",
        details: { definition: "strict", problems: ["amount.0: expected a number"] },
      }),
    );
    expect(runtime.stats().agents).toBe(0);
  });
});

describe("plugins", () => {
  const audit = definePlugin({
    name: "audit",
    state: () => ({ lines: [] as readonly string[] }),
    actions: {
      log: defineAction({
        run: (state: { readonly lines: readonly string[] }, line: string) => ({
          state: { lines: [...state.lines, line] },
        }),
      }),
      lines: defineAction({
        mode: "read",
        run: (state: { readonly lines: readonly string[] }) => ({ reply: state.lines }),
      }),
    },
  });
  const withAudit = defineAgent({
    name: "with audit",
    state: (): Total => ({ total: 0 }),
    plugins: [audit],
    actions: {
      add: defineAction({
        run: (state: Total, by: number) => ({ state: { total: state.total + by }, reply: state.total + by }),
      }),
      addLater: defineAction({
        mode: "concurrent",
        run: async (_state: Total, by: number) => ({ update: (state: Total) => ({ total: state.total + by }) }),
      }),
      total: defineAction({ mode: "read", run: async (state: Total) => ({ reply: state.total }) }),
    },
  });

  test("bring actions with a slice of state; neither side touches the other's", async () => {
    const { runtime } = runtimeForTest();
    const agent: RefOf<typeof withAudit> = runtime.spawn(withAudit, { state: { total: 10 } });
    await agent.ask({ type: "audit.log", data: "one" });
    expect(await agent.ask({ type: "add", data: 5 })).toBe(15);
    await agent.ask({ type: "addLater", data: 1 });
    await agent.ask({ type: "audit.log", data: "two" });
    const lines = await agent.ask({ type: "audit.lines" });
    expectTypeOf(lines).toEqualTypeOf<readonly string[]>();
    expect([lines, await agent.ask({ type: "total" })]).toEqual([["one", "two"], 16]);
    // @ts-expect-error the plugin has no such action
    await expect(agent.ask({ type: "audit.clear" })).rejects.toMatchObject({ code: "AGENT_ACTION_UNKNOWN" });
    await runtime.close();
  });
});

test("a definition that cannot work names every problem", () => {
  const go = defineAction({ run: (_state: object) => undefined });
  const plugin = definePlugin({ name: "p", state: () => ({}), actions: {} });
  const loose = defineAgent as unknown as (options: object) => unknown;
  const make = () =>
    loose({
      name: "",
      state: () => ({}),
      actions: { go },
      plugins: [plugin, plugin],
      signals: { "a.b": "constructor" },
      start: "begin",
      snapshotEvery: -1,
    });
  expect(make).toThrow(
    expect.objectContaining({
      code: "AGENT_DEFINITION_INVALID",
      details: {
        name: "",
        problems: [
          "name must not be empty",
          "plugins named twice: p",
          'there is no action "constructor"',
          'there is no action "begin"',
          "snapshotEvery must be a whole number",
        ],
      },
    }),
  );
});
