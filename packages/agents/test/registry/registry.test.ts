import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AgentEntry, AgentMetadata } from "../../src/registry/entry.ts";
import type { AgentQuery } from "../../src/registry/query.ts";
import { AgentRegistry, type RegistryChange } from "../../src/registry/registry.ts";
import { SlotSet } from "../../src/registry/slot-set.ts";

type Entry = AgentEntry<string>;

const metadata = (more: Partial<AgentMetadata> = {}): AgentMetadata => ({ type: "worker", ...more });
const register = (
  registry: AgentRegistry<string>,
  name: string,
  more: Partial<AgentMetadata> = {},
  namespace = "n",
): Entry => registry.register({ namespace, name, agent: `agent ${name}`, metadata: metadata(more) });
const names = (entries: readonly Entry[]): string[] => entries.map(({ name }) => name).toSorted();
const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

/** The oracle: a query asked of one entry. */
function holds(query: AgentQuery, entry: Entry): boolean {
  const any = (wanted: string | readonly string[] | undefined, has: string | undefined): boolean =>
    wanted === undefined || (has !== undefined && [wanted].flat().includes(has));
  return (
    any(query.namespace, entry.namespace) &&
    any(query.type, entry.type) &&
    any(query.health, entry.health) &&
    any(query.region, entry.region) &&
    any(query.node, entry.node) &&
    any(query.status, entry.status) &&
    [query.capability ?? []].flat().every((capability) => entry.capabilities.includes(capability)) &&
    Object.entries(query.resources ?? {}).every(
      ([resource, least]) => (entry.resources[resource] ?? Number.NaN) >= least,
    ) &&
    (query.and ?? []).every((part) => holds(part, entry)) &&
    (query.or === undefined || query.or.some((part) => holds(part, entry))) &&
    (query.not === undefined || !holds(query.not, entry))
  );
}

const few = (...values: string[]) => fc.constantFrom(...values);
const health = fc.constantFrom("healthy" as const, "degraded" as const, "unhealthy" as const, "unknown" as const);
const resources = fc.dictionary(
  few("cpu", "memory"),
  fc.integer({ min: 0, max: 4 }).map((n) => n / 4),
);
const anyMetadata: fc.Arbitrary<AgentMetadata> = fc.record(
  {
    type: few("coder", "planner"),
    capabilities: fc.array(few("plan", "code", "test"), { maxLength: 4 }),
    health,
    region: few("eu", "us"),
    node: few("n1", "n2"),
    status: few("idle", "running"),
    resources,
  },
  { requiredKeys: ["type"] },
);
const terms = {
  namespace: few("a", "b"),
  type: fc.oneof(few("coder", "planner"), fc.array(few("coder", "planner", "none"), { maxLength: 2 })),
  capability: fc.oneof(few("plan", "fly"), fc.array(few("plan", "code", "test"), { maxLength: 2 })),
  health: fc.oneof(health, fc.array(health, { maxLength: 3 })),
  region: few("eu", "asia"),
  node: few("n1", "n2"),
  status: few("idle", "running"),
  resources,
};
/** Few terms in each part, so that queries often match something. */
function queryOf(depth: number): fc.Arbitrary<AgentQuery> {
  const keys = Object.keys(terms) as (keyof typeof terms)[];
  const plain = fc
    .tuple(fc.record(terms), fc.subarray(keys, { maxLength: 2 }))
    .map(([all, chosen]): AgentQuery => Object.fromEntries(chosen.map((key) => [key, all[key]])));
  if (depth === 0) return plain;
  const part = queryOf(depth - 1);
  const parts = fc.array(part, { maxLength: 3 });
  const composite = fc.oneof(
    fc.record({ and: parts }),
    fc.record({ or: parts }),
    fc.record({ not: part }),
    fc.record({ or: parts, not: part }),
  );
  return fc.oneof(
    plain,
    fc.tuple(plain, composite).map(([one, other]): AgentQuery => ({ ...one, ...other })),
  );
}
const query = queryOf(3);

describe("discovery against a scan", () => {
  const step = fc.record({
    what: fc.constantFrom("register", "register", "register", "unregister", "update"),
    namespace: few("a", "b"),
    name: few("x", "y", "z", "u", "v", "w"),
    metadata: anyMetadata,
  });

  test("finds the same after any sequence of writes", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.array(query, { minLength: 1, maxLength: 10 }),
        (steps, queries) => {
          const registry = new AgentRegistry<string>();
          const model = new Map<string, Entry>();
          for (const { what, namespace, name, metadata } of steps) {
            const key = `${namespace}/${name}`;
            if (what === "unregister") expect(registry.unregister(namespace, name)).toBe(model.delete(key));
            else if (what === "register" && !model.has(key)) {
              model.set(key, registry.register({ namespace, name, agent: key, metadata }));
            } else if (model.has(key)) model.set(key, registry.update(namespace, name, metadata));
          }
          expect(registry.size).toBe(model.size);
          for (const one of queries) {
            const expected = [...model.values()].filter((entry) => holds(one, entry));
            const found = registry.discover(one);
            expect(new Set(found)).toEqual(new Set(expected));
            expect(found).toHaveLength(expected.length);
            expect(registry.count(one)).toBe(expected.length);
            expect(registry.discover(one, { limit: 2 })).toHaveLength(Math.min(2, expected.length));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  /** Over several pages, where sets are bitsets and zones are skipped. */
  const random = new Random(7);
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)]!;
  const large = new AgentRegistry<number>();
  const all: AgentEntry<number>[] = [];
  for (let i = 0; i < 9000; i++) {
    const entry = large.register({
      namespace: pick(["a", "b"]),
      name: `agent-${i}`,
      agent: i,
      metadata: {
        type: pick(["coder", "planner", "rare"].slice(0, i % 50 === 0 ? 3 : 2)),
        capabilities: ["plan", "code", "test", "deploy"].filter(() => random.uniform() < 0.2),
        health: pick(["healthy", "healthy", "degraded", "unhealthy"]),
        region: i < 4500 ? "eu" : "us",
        ...(random.uniform() < 0.9 ? { resources: { cpu: random.below(50) / 50, memory: random.uniform() } } : {}),
      },
    });
    all.push(entry);
  }
  for (const entry of all.splice(2000, 3000)) large.unregister(entry.namespace, entry.name);
  for (let i = 0; i < 1000; i++) {
    const at = random.below(all.length);
    const { namespace, name } = all[at]!;
    all[at] = large.update(namespace, name, {
      resources: { cpu: random.below(50) / 50 },
      health: pick(["healthy", "unknown"]),
    });
  }

  test("finds the same among thousands, on pages that are full, thin and empty", () => {
    fc.assert(
      fc.property(query, fc.constantFrom(1, 10, 5000), (one, limit) => {
        const expected = all.filter((entry) => holds(one, entry as unknown as Entry));
        expect(large.count(one)).toBe(expected.length);
        const found = large.discover(one, { limit });
        expect(found).toHaveLength(Math.min(limit, expected.length));
        expect(found.every((entry) => holds(one, entry as unknown as Entry))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  test("orders as a sort does: by resource, unknown last, then by registration", () => {
    const resource = fc.constantFrom("cpu", "memory", "gpu");
    const direction = fc.constantFrom("ascending" as const, "descending" as const);
    const limit = fc.constantFrom(0, 1, 10, 128, 129, 6000);
    fc.assert(
      fc.property(query, resource, direction, limit, (one, by, way, most) => {
        const value = (entry: AgentEntry<number>): number =>
          entry.resources[by] === undefined
            ? Number.NEGATIVE_INFINITY
            : way === "descending"
              ? entry.resources[by]
              : -entry.resources[by];
        const expected = all
          .filter((entry) => holds(one, entry as unknown as Entry))
          .sort((a, b) => (value(a) === value(b) ? a.registration - b.registration : value(b) - value(a)));
        const found = large.discover(one, { limit: most, orderBy: { resource: by, direction: way } });
        expect(found.map(({ agent }) => agent)).toEqual(expected.slice(0, most).map(({ agent }) => agent));
      }),
      { numRuns: 150 },
    );
  });
});

test("a set of slots is a set", () => {
  const slot = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 10_000 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), slot), { maxLength: 120 }), (steps) => {
      const [slots, model] = [new SlotSet(), new Set<number>()];
      for (const [add, one] of steps) {
        if (add) slots.add(one);
        else slots.delete(one);
        if (add) model.add(one);
        else model.delete(one);
        expect(slots.has(one)).toBe(model.has(one));
        expect(slots.size).toBe(model.size);
      }
      const page = new Int32Array(64);
      const listed: number[] = [];
      for (let index = 0; index < 5; index++) {
        if (!slots.fill(index, page)) continue;
        for (let i = 0; i < 2048; i++) if ((page[i >>> 5]! & (1 << (i & 31))) !== 0) listed.push(index * 2048 + i);
      }
      expect(listed).toEqual([...model].toSorted((a, b) => a - b));
    }),
  );
});

describe("names", () => {
  test("are unique in their namespace", () => {
    const registry = new AgentRegistry<string>();
    register(registry, "ada");
    register(registry, "ada", {}, "other");
    expect(() => register(registry, "ada")).toThrow(code("REGISTRY_NAME_TAKEN"));
    expect([registry.whereis("n", "ada"), registry.whereis("n", "bob"), registry.whereis("none", "ada")]).toEqual([
      "agent ada",
      undefined,
      undefined,
    ]);
    expect(registry.unregister("n", "ada")).toBe(true);
    expect(registry.unregister("n", "ada")).toBe(false);
    expect(register(registry, "ada").registration).toBe(3);
  });

  test("many are registered all or not at all", () => {
    const registry = new AgentRegistry<string>({ maxAgents: 5 });
    register(registry, "c");
    const several = (...list: string[]) =>
      list.map((name) => ({ namespace: "n", name, agent: name, metadata: metadata() }));
    expect(() => registry.registerAll(several("a", "b", "a", "c"))).toThrow("Taken: n/a, n/c.");
    expect(() => registry.registerAll(several("a", "b", "d", "e", "f"))).toThrow(code("REGISTRY_FULL"));
    expect(() =>
      registry.registerAll([...several("a"), { namespace: "n", name: "", agent: "", metadata: metadata() }]),
    ).toThrow(code("REGISTRY_METADATA_INVALID"));
    expect(registry.size).toBe(1);
    expect(names(registry.registerAll(several("a", "b")))).toEqual(["a", "b"]);
  });

  test("of many that race for one, one wins", async () => {
    const registry = new AgentRegistry<string>();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, async (_, i) => {
        await Promise.resolve();
        return register(registry, `agent-${i % 10}`, { capabilities: [`c${i}`] });
      }),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    expect(registry.count({})).toBe(10);
    expect(registry.discover({ capability: "c3" })).toHaveLength(1);
    expect(registry.discover({ capability: "c13" })).toEqual([]);
  });
});

describe("life", () => {
  function mortals() {
    const watchers = new Map<string, Set<() => void>>();
    const watch = (agent: string, gone: () => void) => {
      const own = watchers.get(agent) ?? new Set();
      watchers.set(agent, own.add(gone));
      return () => void own.delete(gone);
    };
    const kill = (agent: string) => {
      for (const gone of watchers.get(agent) ?? []) gone();
    };
    return { watch, kill, watched: (agent: string) => watchers.get(agent)?.size ?? 0 };
  }

  test("every entry of an agent vanishes when it dies, and says so", () => {
    const { watch, kill } = mortals();
    const registry = new AgentRegistry<string>({ watch });
    const changes: RegistryChange<string>[] = [];
    const stop = registry.onChange((change) => changes.push(change));
    for (const name of ["a", "b"]) registry.register({ namespace: "n", name, agent: "shared", metadata: metadata() });
    register(registry, "other");
    kill("shared");
    expect(names(registry.discover({}))).toEqual(["other"]);
    expect(changes.map(({ kind, entry }) => `${kind} ${entry.name}`)).toEqual([
      "registered a",
      "registered b",
      "registered other",
      "died a",
      "died b",
    ]);
    stop();
    registry.unregister("n", "other");
    expect(changes).toHaveLength(5);
  });

  test("a death told late takes no successor, and who unregisters is watched no longer", () => {
    const { watch, kill, watched } = mortals();
    const late: (() => void)[] = [];
    const registry = new AgentRegistry<string>({
      watch: (agent, gone) => {
        late.push(gone);
        return watch(agent, gone);
      },
    });
    register(registry, "ada");
    registry.update("n", "ada", { status: "running" });
    registry.unregister("n", "ada");
    expect(watched("agent ada")).toBe(0);
    register(registry, "ada");
    late[0]?.();
    expect(registry.size).toBe(1);
    kill("agent ada");
    expect(registry.size).toBe(0);
  });

  test("an agent that is dead already is registered for an instant", () => {
    const registry = new AgentRegistry<string>({
      watch: (_, gone) => {
        gone();
        return () => undefined;
      },
    });
    register(registry, "ghost");
    expect([registry.size, registry.count({})]).toEqual([0, 0]);
  });

  test("a runtime that cannot watch leaves no entry", () => {
    const registry = new AgentRegistry<string>({
      watch: () => {
        throw new Error("no such agent");
      },
    });
    expect(() => register(registry, "x")).toThrow("no such agent");
    expect([registry.size, registry.lookup("n", "x")]).toEqual([0, undefined]);
  });
});

describe("metadata", () => {
  test("is a snapshot that nobody can change", () => {
    const registry = new AgentRegistry<string>();
    const capabilities = ["plan", "plan"];
    const before = register(registry, "ada", { capabilities, resources: { cpu: 0.5 } });
    capabilities.push("fly");
    expect(before.capabilities).toEqual(["plan"]);
    expect(() => (before.capabilities as string[]).push("fly")).toThrow(TypeError);
    const after = registry.update("n", "ada", { health: "healthy", resources: undefined });
    expect([before.health, after.health, after.resources, before.resources]).toEqual([
      "unknown",
      "healthy",
      {},
      { cpu: 0.5 },
    ]);
    expect([after.capabilities, after.registration, after.agent]).toEqual([["plan"], 1, "agent ada"]);
    expect(registry.discover({ resources: { cpu: 0 } })).toEqual([]);
  });

  test.each([
    [{ type: "" }, /type must be a text/],
    [{ health: "fine" as "healthy" }, /health is none of the known/],
    [{ region: "x".repeat(256) }, /region must be a text of 1 to 255/],
    [{ capabilities: ["ok", ""] }, /a capability must be a text/],
    [{ capabilities: Array.from({ length: 257 }, String) }, /at most 256/],
    [{ resources: { cpu: Number.NaN, memory: -1 } }, /resource cpu .*; resource memory/],
  ])("%j is refused", (more, message) => {
    const registry = new AgentRegistry<string>();
    expect(() => register(registry, "x", more)).toThrow(message);
    expect(() => registry.update("n", "x", more)).toThrow(code("REGISTRY_NOT_FOUND"));
    register(registry, "x");
    expect(() => registry.update("n", "x", more)).toThrow(code("REGISTRY_METADATA_INVALID"));
    expect(registry.count({ type: "worker" })).toBe(1);
  });

  test("names of prototypes are names like others", () => {
    const registry = new AgentRegistry<string>();
    const odd = JSON.parse('{"__proto__": 1, "constructor": 2}') as Record<string, number>;
    register(registry, "__proto__", { capabilities: ["constructor"], resources: odd }, "__proto__");
    expect(registry.whereis("__proto__", "__proto__")).toBe("agent __proto__");
    expect(registry.discover({ capability: "constructor", resources: odd })).toHaveLength(1);
    expect(registry.discover({ resources: { toString: 0 } as object as Record<string, number> })).toEqual([]);
    expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
  });

  test("kinds of resources are bounded", () => {
    const registry = new AgentRegistry<string>();
    for (let i = 0; i < 64; i++) register(registry, `a${i}`, { resources: { [`r${i}`]: 1 } });
    expect(() => register(registry, "one more", { resources: { r64: 1 } })).toThrow(/64 kinds/);
    registry.unregister("n", "a0");
    register(registry, "one more", { resources: { r64: 1 } });
  });
});

describe("queries", () => {
  const registry = new AgentRegistry<string>();
  const deep = (levels: number): AgentQuery => (levels === 0 ? {} : { not: deep(levels - 1) });
  test.each<[unknown, RegExp]>([
    [{ colour: "red" }, /there is no "colour"/],
    [JSON.parse('{"__proto__": {}}'), /there is no "__proto__"/],
    [{ type: 1 }, /type must be a text/],
    [{ capability: [1] }, /capability must be a text/],
    [{ resources: { cpu: "1" } }, /resources.cpu must be a number/],
    [{ and: {} }, /and must be a list/],
    [{ or: [null] }, /a query must be an object/],
    [deep(16), /nested deeper than 16/],
    [{ type: Array.from({ length: 257 }, String) }, /more than 256 terms/],
  ])("%j is refused", (bad, message) => {
    expect(() => registry.discover(bad as AgentQuery)).toThrow(message);
    expect(() => registry.count(bad as AgentQuery)).toThrow(code("REGISTRY_QUERY_INVALID"));
  });

  test.each([-1, 1.5, Number.NaN])("a limit of %d is refused", (limit) => {
    expect(() => registry.discover({}, { limit })).toThrow(code("REGISTRY_QUERY_INVALID"));
  });

  test("the deepest query allowed is answered", () => {
    const deepest = new AgentRegistry<string>();
    register(deepest, "x");
    expect([deepest.count(deep(15)), deepest.count(deep(14))]).toEqual([0, 1]);
  });
});
