import { describe, expect, expectTypeOf, test } from "vitest";
import { describeSuites } from "../src/arms.ts";
import {
  afterAll,
  type BenchBody,
  type BenchContext,
  Bench,
  beforeAll,
  bench,
  measure,
  suite,
} from "../src/authoring.ts";
import { activeCollector, caseId, type Collector, collect } from "../src/definition.ts";
import { bench as vitestBench } from "../src/compat/vitest.ts";

const body = (): number => 1;
const defined = (define: () => unknown): Promise<Collector> =>
  collect(async () => {
    await define();
  });
const ids = async (define: () => unknown, filter?: string, excluded: readonly string[] = []): Promise<string[]> =>
  describeSuites(await defined(define), excluded, filter).flatMap(({ cases }) => cases.map(({ id }) => id));
const invalid = { code: "BENCH_DEFINITION_INVALID", exitCode: 2 };

describe("a benchmark's options", () => {
  test("every problem is reported together", async () => {
    const options = {
      concurrency: 0,
      iterationsPerSample: 1.5,
      timeoutMs: Number.NaN,
      timing: "sometimes",
      setup: "yes",
      parameters: { size: [], case: [1], shape: [{}], ratio: [Number.NaN] },
      timeOutMs: 5,
    } as never;
    const error: unknown = await defined(() => bench("x", body, options)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(invalid);
    const { problems } = (error as { details: { problems: string[] } }).details;
    for (const word of [
      "concurrency",
      "iterationsPerSample",
      "timeoutMs must",
      "timing",
      "setup",
      "timeOutMs is no option",
    ]) {
      expect(
        problems.filter((problem) => problem.startsWith(word)),
        word,
      ).toHaveLength(1);
    }
    for (const name of ["size has no values", "named case", "parameter shape", "parameter ratio"]) {
      expect(problems.join("\n")).toContain(name);
    }
    expect(problems).toHaveLength(10);
  });

  test.each([
    ["beforeEach with concurrency", { concurrency: 2, beforeEach: body }],
    ["manual timing with concurrency", { concurrency: 2, timing: "manual" as const }],
    ["an infinite limit", { timeoutMs: Number.POSITIVE_INFINITY }],
  ])("%s is refused", async (_, options) => {
    await expect(defined(() => bench("x", body, options))).rejects.toMatchObject(invalid);
  });

  test("a record's options are its own", async () => {
    const units = { nodes: { unit: "furlongs", direction: "up" } } as never;
    await expect(defined(() => measure("x", body, { units }))).rejects.toThrow("units.nodes");
    await expect(defined(() => measure("x", body, { iterations: 0 }))).rejects.toThrow("iterations");
    await expect(defined(() => measure("x", body, { concurrency: 2 } as never))).rejects.toThrow("no option");
    await expect(defined(() => bench("x", body, { iterations: 5 } as never))).rejects.toThrow("no option");
  });

  test("title and body are needed", async () => {
    await expect(defined(() => bench("  ", body))).rejects.toMatchObject(invalid);
    await expect(defined(() => bench("x", 5 as never))).rejects.toMatchObject(invalid);
    await expect(defined(() => suite("", () => {}))).rejects.toMatchObject(invalid);
    await expect(defined(() => suite("x", {} as never))).rejects.toMatchObject(invalid);
    await expect(defined(() => suite("x", { compares: true } as never, () => {}))).rejects.toThrow("compares");
  });

  test("outside a measuring process nothing can be defined", () => {
    expect(() => bench("x", body)).toThrow(expect.objectContaining(invalid) as Error);
    expect(activeCollector()).toBeUndefined();
    expect(new Bench().add("x", body).tasks).toEqual([{ name: "x" }]);
  });
});

describe("names", () => {
  test("one case for each combination of parameters", async () => {
    const found = await ids(() => bench("sort", body, { parameters: { size: [1, 2], order: ["up", "down"] } }));
    expect(found).toEqual([
      "sort (size=1, order=up)",
      "sort (size=1, order=down)",
      "sort (size=2, order=up)",
      "sort (size=2, order=down)",
    ]);
  });

  test("two cases of one name are refused, also across suites and parameters", async () => {
    const twice = [
      (): void => [bench("x", body), bench("x", body)].forEach(() => {}),
      (): void => bench("x", body, { parameters: { size: [1, 1] } }),
      (): void => {
        suite("s", () => bench("x", body));
        suite("s", () => measure("x", body));
      },
      (): void => {
        bench("s > x", body);
        suite("s", () => bench("x", body));
      },
    ];
    for (const define of twice) {
      await expect(defined(define)).rejects.toMatchObject({
        ...invalid,
        message: expect.stringContaining("twice") as string,
      });
    }
    expect(await ids(() => [suite("a", () => bench("x", body)), suite("b", () => bench("x", body))])).toEqual([
      "a > x",
      "b > x",
    ]);
  });

  test("a case's name holds suites, title and parameters", () => {
    expect(caseId(["a", "b"], { title: "c", parameters: { n: 1, s: "x" } })).toBe("a > b > c (n=1, s=x)");
  });
});

describe("what runs", () => {
  test("skip and todo are left out", async () => {
    const found = await ids(() => {
      bench.skip("a", body);
      bench.todo("b");
      suite.skip("c", () => bench("d", body));
      suite.todo("e");
      bench("f", body);
    });
    expect(found).toEqual(["f"]);
  });

  test("only leaves the others of the file out, in every suite", async () => {
    expect(
      await ids(() => {
        bench("a", body);
        suite("s", () => [bench.only("b", body), bench("c", body)]);
        suite.only("t", () => suite("u", () => bench("d", body)));
        bench("after", body);
      }),
    ).toEqual(["s > b", "t > u > d"]);
  });

  test("the filter finds parts of full names in any case; excluded cases are left out", async () => {
    const define = (): void => suite("Registry", () => [bench("look up", body), bench("register", body)] as never);
    expect(await ids(define, "REGISTRY > look")).toEqual(["Registry > look up"]);
    expect(await ids(define, "", ["Registry > look up"])).toEqual(["Registry > register"]);
    expect(await ids(define, "nothing")).toEqual([]);
  });

  test("a suite compares from two timed cases on, unless told not to; loose cases never", async () => {
    const suites = describeSuites(
      await defined(() => {
        bench("a", body);
        bench("b", body);
        suite("one", () => [bench("c", body), measure("r", body)]);
        suite("two", () => [bench("d", body), bench("e", body, { baseline: true })]);
        suite("not", { compare: false }, () => [bench("f", body), bench("g", body)]);
      }),
      [],
    );
    expect(suites.map(({ titles, compare }) => [titles[0], compare])).toEqual([
      [undefined, false],
      ["one", false],
      ["two", true],
      ["not", false],
    ]);
    expect(suites[2]?.cases.map(({ baseline }) => baseline)).toEqual([false, true]);
  });

  test("indexes stay when cases are left out, so that runner and process mean the same suite", async () => {
    const collector = await defined(() => [suite("a", () => bench("x", body)), suite("b", () => bench("y", body))]);
    expect(describeSuites(collector, ["a > x"]).map(({ index }) => index)).toEqual([2]);
  });
});

describe("suites", () => {
  test("hooks come from outside in, and go from inside out, wherever they are defined", async () => {
    const seen: string[] = [];
    const hook = (name: string) => () => void seen.push(name);
    const collector = await defined(() => {
      suite("outer", { beforeAll: hook("outer option"), afterAll: hook("outer option closes") }, () => {
        suite("inner", () => {
          beforeAll(hook("inner"));
          afterAll(hook("inner closes"));
          afterAll(hook("inner closes first"));
          bench("x", body);
        });
        beforeAll(hook("outer, after the inner suite"));
      });
      beforeAll(hook("file"));
      afterAll(hook("file closes"));
    });
    const inner = collector.suites.find(({ titles }) => titles.includes("inner"));
    for (const run of [...(inner?.beforeAll ?? []), ...(inner?.afterAll ?? [])]) await run();
    expect(seen).toEqual([
      "file",
      "outer option",
      "outer, after the inner suite",
      "inner",
      "inner closes first",
      "inner closes",
      "outer option closes",
      "file closes",
    ]);
  });

  test("an async definition is refused, and leaves no suite open", async () => {
    const collector = await defined(() => {
      expect(() => suite("late", async () => {})).toThrow(expect.objectContaining(invalid) as Error);
      bench("x", body);
    });
    expect(collector.suites[0]?.cases).toHaveLength(1);
  });

  test("a collector ends with its load, also a failed one", async () => {
    await expect(defined(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(activeCollector()).toBeUndefined();
  });
});

describe("files of other harnesses", () => {
  test("a Bench of tinybench is defined when the file has loaded; unnamed ones are told apart", async () => {
    const found = await ids(() => {
      const [first, second] = [new Bench(), new Bench()];
      void first.run();
      second.add("one", body);
      first.add("one", body).add("two", body).add("gone", body).remove("gone");
      expect(new Bench({ name: "empty" }).tasks).toEqual([]);
      expect(first.getTask("two")).toEqual({ name: "two" });
      expect(first.getTask("gone")).toBeUndefined();
    });
    expect(found).toEqual(["bench > one", "bench > two", "bench 2 > one"]);
  });

  test("tinybench: a second task of a name replaces the first; hooks get the task", async () => {
    const seen: unknown[] = [];
    const collector = await defined(() => {
      const own = new Bench({ name: "b", setup: (task, mode) => void seen.push([task.name, mode]) });
      own
        .add("x", () => 1)
        .add("x", () => 2, {
          beforeAll() {
            seen.push(this.name);
          },
        });
    });
    const [found] = collector.suites[1]?.cases ?? [];
    expect(await found?.body({} as BenchContext)).toBe(2);
    await found?.options.setup?.();
    expect(seen).toEqual([["x", "run"], "x"]);
  });

  test("vitest's own options are accepted and have no effect", async () => {
    const options = { time: 100, iterations: 3, warmupTime: 1, throws: true, setup: () => {} };
    const collector = await defined(() => vitestBench("x", body, options));
    expect(Object.keys(collector.suites[0]?.cases[0]?.options ?? {})).toEqual(["setup"]);
  });
});

test("nothing in the authoring surface is any", () => {
  expectTypeOf<Parameters<BenchBody>[0]>().toEqualTypeOf<BenchContext>();
  expectTypeOf<ReturnType<BenchBody>>().toBeUnknown();
  expectTypeOf<BenchContext["parameters"]>().not.toBeAny();
  expectTypeOf<Parameters<typeof bench>[2]>().not.toBeAny();
  expectTypeOf<Parameters<typeof measure>[1]>().returns.not.toBeAny();
  expectTypeOf<ReturnType<BenchContext["event"]>>().toEqualTypeOf<Promise<unknown>>();
  expectTypeOf<Parameters<typeof suite>>().not.toBeAny();
});
