import { describe, expect, test } from "vitest";
import { type ConfigChange, ConfigStore } from "../../src/config/config-store.ts";
import type { StandardSchema } from "../../src/agent/standard-schema.ts";

const wholeNumber = (value: unknown): number => {
  if (!Number.isInteger(value)) throw new Error("not a whole number");
  return value as number;
};
/** As a schema library gives it. */
const region: StandardSchema<unknown, string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "string"
        ? { value: value.toUpperCase() }
        : { issues: [{ message: "no text" }, { message: "at all" }] },
  },
};
const initial = {
  dispatch: { concurrency: 8, retry: { attempts: 5 } },
  region: "eu",
  hosts: ["a", "b"],
  empty: null as string | null,
};
const make = () => new ConfigStore(initial, { "dispatch.concurrency": wholeNumber, region });
const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

describe("reading", () => {
  test("gives values and branches by path, with their types", () => {
    const config = make();
    const concurrency: number = config.get("dispatch.concurrency");
    const retry: { attempts: number } = config.get("dispatch.retry");
    expect([concurrency, retry.attempts, config.get("hosts"), config.get("empty")]).toEqual([8, 5, ["a", "b"], null]);
    // @ts-expect-error there is no such path
    expect(config.get("dispatch.speed")).toBeUndefined();
  });

  test.each([
    "",
    ".",
    "dispatch.",
    "__proto__",
    "constructor",
    "dispatch.__proto__.polluted",
    "hosts.length",
    "toString",
  ])("finds nothing at %j", (path) => {
    expect(make().lookup(path)).toBeUndefined();
  });

  test("what was handed out never changes", () => {
    const config = make();
    const before = config.get("dispatch");
    expect(() => {
      before.retry.attempts = 6;
    }).toThrow(TypeError);
    expect(() => config.get("hosts").push("c")).toThrow(TypeError);
    config.update("dispatch.concurrency", 9);
    expect([before.concurrency, config.get("dispatch.concurrency")]).toEqual([8, 9]);
    expect(config.get("dispatch").retry).toBe(before.retry);
    expect(initial.dispatch.concurrency).toBe(8);
  });
});

describe("updating", () => {
  test("only what is declared, and only by its validator", () => {
    const config = make();
    expect(() => config.update("dispatch.retry.attempts", 6)).toThrow(code("SETTING_FIXED"));
    expect(() => config.update("dispatch", { concurrency: 1, retry: { attempts: 1 } })).toThrow(code("SETTING_FIXED"));
    expect(() => config.update("dispatch.concurrency", 1.5)).toThrow("dispatch.concurrency: not a whole number.");
    expect(() => config.updateAll({ region: 5 })).toThrow("region: no text; at all.");
    expect([config.version, config.all]).toEqual([0, { ...initial, region: "EU" }]);
    config.update("region", "us");
    expect([config.version, config.get("region")]).toEqual([1, "US"]);
  });

  test("several at once or none", () => {
    const config = make();
    expect(() => config.updateAll({ region: "us", "dispatch.concurrency": "many" })).toThrow(code("SETTING_INVALID"));
    expect(config.get("region")).toBe("EU");
    config.updateAll({ region: "us", "dispatch.concurrency": 2 });
    expect([config.get("region"), config.get("dispatch.concurrency"), config.version]).toEqual(["US", 2, 1]);
  });

  test("reaches no prototype", () => {
    const config = make();
    for (const path of ["__proto__.polluted", "constructor.prototype.polluted", "dispatch.__proto__.polluted"]) {
      expect(() => config.updateAll({ [path]: 1 })).toThrow(code("SETTING_FIXED"));
    }
    expect(() =>
      config.updateAll(JSON.parse('{"__proto__": {"polluted": 1}}') as object as Record<string, unknown>),
    ).toThrow(code("SETTING_FIXED"));
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("an own setting called __proto__ is a value like others", () => {
    const odd = JSON.parse('{"__proto__": {"x": 1}, "plain": 1}') as { plain: number };
    const config = new ConfigStore(odd, { plain: wholeNumber });
    config.update("plain", 2);
    expect([
      config.lookup("__proto__.x"),
      config.lookup("x"),
      Object.getPrototypeOf(config.all) === Object.prototype,
    ]).toEqual([1, undefined, true]);
  });

  test("a schema that is a function works; an asynchronous one is refused", () => {
    const callable = Object.assign(() => "called", region) as unknown as StandardSchema<unknown, string>;
    const config = new ConfigStore({ region: "eu" }, { region: callable });
    expect(config.get("region")).toBe("EU");
    const slow: StandardSchema<unknown, string> = {
      "~standard": { version: 1, vendor: "test", validate: () => Promise.resolve({ value: "x" }) },
    };
    expect(() => new ConfigStore({ region: "eu" }, { region: slow })).toThrow(/asynchronous/);
  });
});

describe("subscribers", () => {
  test("hear of the value, of what is within it and of what holds it, and of nothing else", () => {
    const config = make();
    const heard: [string, ConfigChange][] = [];
    config.subscribe("dispatch.concurrency", (change) => heard.push(["itself", change]));
    config.subscribe("dispatch", (change) => heard.push(["branch", change]));
    config.subscribe("region", (change) => heard.push(["other", change]));
    const stop = config.subscribe("dispatch.retry", (change) => heard.push(["sibling", change]));
    config.update("dispatch.concurrency", 9);
    config.update("dispatch.concurrency", 9);
    expect(heard.map(([who, { path, value, previous, version }]) => [who, path, value, previous, version])).toEqual([
      ["itself", "dispatch.concurrency", 9, 8, 1],
      ["branch", "dispatch", { concurrency: 9, retry: { attempts: 5 } }, initial.dispatch, 1],
    ]);
    stop();
  });

  test("one that throws stops neither the update nor the others", async () => {
    const config = make();
    const seen: number[] = [];
    const escaped = Promise.withResolvers<unknown>();
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", escaped.resolve);
    config.subscribe("dispatch.concurrency", () => {
      throw new Error("listener");
    });
    config.subscribe("dispatch.concurrency", ({ value }) => seen.push(value));
    config.update("dispatch.concurrency", 9);
    expect(seen).toEqual([9]);
    expect(await escaped.promise).toMatchObject({ message: "listener" });
    for (const listener of listeners) process.on("uncaughtException", listener);
  });
});

test.each([
  [
    "a path that is not there",
    () => new ConfigStore<{ a: number; b?: number }>({ a: 1 }, { b: wholeNumber }),
    "SETTINGS_INVALID",
  ],
  ["a value its validator refuses", () => new ConfigStore({ a: 1.5 }, { a: wholeNumber }), "SETTING_INVALID"],
  ["what is no data", () => new ConfigStore({ a: () => 1 }), "SETTINGS_INVALID"],
  ["a map, which would stay open to changes", () => new ConfigStore({ a: [new Map()] }), "SETTINGS_INVALID"],
  ["a set", () => new ConfigStore({ a: new Set() }), "SETTINGS_INVALID"],
  ["a date", () => new ConfigStore({ a: new Date(0) }), "SETTINGS_INVALID"],
  ["bytes", () => new ConfigStore({ a: new Uint8Array(1) }), "SETTINGS_INVALID"],
])("%s is refused at once", (_, make, expected) => {
  expect(make).toThrow(code(expected));
});

test("a setting whose branch is gone is refused, until there is a branch again", () => {
  const any = (value: unknown): never => value as never;
  const config = new ConfigStore<{ pool: { size: number } | null }>(
    { pool: { size: 1 } },
    { pool: any, "pool.size": wholeNumber },
  );
  for (const none of [null, [], 1]) {
    config.updateAll({ pool: none });
    expect(() => config.update("pool.size", 2)).toThrow(code("SETTING_INVALID"));
    expect(config.all).toEqual({ pool: none });
  }
  expect(() => config.updateAll({ pool: { size: new Map() } })).toThrow(code("SETTINGS_INVALID"));
  config.updateAll({ pool: {} });
  config.update("pool.size", 3);
  expect(config.all).toEqual({ pool: { size: 3 } });
});
