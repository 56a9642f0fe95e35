import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { type History, openHistory } from "../../src/history/history.ts";
import type { Revision, Run } from "../../src/run.ts";
import { exampleEnvironment, exampleRun, runWith } from "../example-run.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const day = (index: number): string => new Date(Date.UTC(2026, 0, 1 + index)).toISOString();
/** Run `index` of a series: one a day, `a.time` with the given p95. */
const daily = (index: number, p95: number, parts: Partial<Run> = {}): Run =>
  runWith({ id: `run-${index}`, startedAt: day(index), ...parts }, { summary: { count: 3, p50: 0, p95 } });
const revision = (branch: string, commit = "c".repeat(40)): Revision => ({ commit, branch, dirty: false });

function memory(...runs: readonly Run[]): History {
  const history = openHistory(":memory:");
  for (const run of runs) history.append(run);
  return history;
}
const p95 = (history: History, query: object = {}): number[] =>
  history.series({ metric: "a.time", statistic: "p95", ...query }).map(({ value }) => value);

test("a run comes back whole", () => {
  using history = memory(exampleRun);
  expect(history.get(exampleRun.id)).toEqual(exampleRun);
  expect(history.get("other")).toBeUndefined();
});

test("appending the same run again changes nothing; another with its id is refused", () => {
  using history = memory(runWith());
  expect(history.append(runWith())).toEqual({ ordinal: 1, added: false });
  expect(() => history.append(runWith({ durationMs: 7 }))).toThrow(
    expect.objectContaining({ code: "HISTORY_RUN_CONFLICT" }),
  );
  expect(history.runs()).toHaveLength(1);
});

test("a run that no reader would accept is not stored", () => {
  using history = memory();
  expect(() => history.append(runWith({ durationMs: Number.NaN }))).toThrow(
    expect.objectContaining({ code: "RUN_INVALID" }),
  );
  expect(history.runs()).toEqual([]);
});

test("a series is in order of time, whatever the order of arrival, and a limit keeps the newest", () => {
  using history = memory(daily(2, 30), daily(0, 10), daily(1, 20));
  expect(p95(history)).toEqual([10, 20, 30]);
  expect(p95(history, { limit: 2 })).toEqual([20, 30]);
  expect(p95(history, { limit: 0 })).toEqual([]);
});

test("a point tells its run, the ratio to the control and the comparison's", () => {
  using history = memory(exampleRun);
  const query = { metric: "registry.lookup.time", tags: { agents: "1000" } };
  const [point] = history.series({ ...query, statistic: "med" });
  expect(point).toEqual({
    ordinal: 1,
    atMs: Date.parse(exampleRun.startedAt),
    value: 100,
    controlRatio: 1.25,
    ratio: 1.02,
  });
  expect(history.entry(point?.ordinal ?? 0)).toMatchObject({ id: exampleRun.id, branch: "main" });
  expect(history.series({ ...query, statistic: "controlRatio" })[0]?.value).toBe(1.25);
  expect(history.series({ ...query, statistic: "ratio" })[0]?.value).toBe(1.02);
});

test("a comparison without a measurement of its metric has points too", () => {
  using history = memory(
    runWith({ measurements: [], ...(exampleRun.comparisons && { comparisons: exampleRun.comparisons }) }),
  );
  const query = { metric: "registry.lookup.time", tags: { agents: "1000" } };
  expect(history.series({ ...query, statistic: "ratio" }).map(({ value }) => value)).toEqual([1.02]);
  expect(history.series({ ...query, statistic: "count" })).toEqual([]);
});

test("a statistic that a run did not measure gives no point, a zero gives one", () => {
  using history = memory(
    daily(0, 0),
    runWith({ id: "without", startedAt: day(1) }, { summary: { count: 1, mean: 5 } }),
  );
  expect(p95(history)).toEqual([0]);
});

test("other tags are another series", () => {
  using history = memory(daily(0, 10), runWith({ id: "tagged" }, { tags: { n: "5" } }));
  expect(p95(history)).toEqual([10]);
  expect(p95(history, { tags: { n: "5" } })).toEqual([3]);
  expect(p95(history, { tags: { n: "6" } })).toEqual([]);
  expect(history.metrics().map(({ key, tags }) => [key, tags])).toEqual([
    ["a.time", {}],
    ['a.time{n="5"}', { n: "5" }],
  ]);
});

test("branch, machine, name and profile narrow a series", () => {
  const other = { ...exampleEnvironment, fingerprint: "other" };
  using history = memory(
    daily(0, 10, { revision: revision("main") }),
    daily(1, 20, { revision: revision("fix") }),
    daily(2, 30, { environment: other }),
    daily(3, 40, { name: "nightly" }),
    daily(4, 50, { profile: "full" }),
  );
  expect(p95(history, { branch: "main" })).toEqual([10]);
  expect(p95(history, { branch: "none" })).toEqual([]);
  expect(p95(history, { environmentFingerprint: "other" })).toEqual([30]);
  expect(p95(history, { name: "nightly" })).toEqual([40]);
  expect(p95(history, { profile: "full" })).toEqual([50]);
  expect(p95(history, { branch: "main", environmentFingerprint: "other" })).toEqual([]);
});

test("an invalid measurement is left out unless asked for", () => {
  const invalid = { validity: { state: "invalid" as const, reasons: ["starved"] } };
  using history = memory(daily(0, 10), daily(1, 99, invalid));
  expect(p95(history)).toEqual([10]);
  expect(p95(history, { includeInvalid: true })).toEqual([10, 99]);
});

test("a statistic that no summary holds is refused", () => {
  using history = memory(daily(0, 10));
  for (const statistic of ["p(97.5)", "speed", "value; DROP TABLE runs"]) {
    expect(() => history.series({ metric: "a.time", statistic })).toThrow(
      expect.objectContaining({ code: "STATISTIC_INVALID" }),
    );
  }
});

test("runs are listed newest first, by any filter", () => {
  using history = memory(
    daily(0, 1, { revision: revision("main", "abc123") }),
    daily(1, 1, { kind: "load", revision: revision("fix", "abd456") }),
    daily(2, 1),
  );
  const ids = (filter: object): string[] => history.runs(filter).map(({ id }) => id);
  expect(ids({})).toEqual(["run-2", "run-1", "run-0"]);
  expect(ids({ limit: 1 })).toEqual(["run-2"]);
  expect(ids({ kind: "load" })).toEqual(["run-1"]);
  expect(ids({ commit: "ab" })).toEqual(["run-1", "run-0"]);
  expect(ids({ commit: "abc" })).toEqual(["run-0"]);
  expect(ids({ commit: "abc123" })).toEqual(["run-0"]);
  expect(ids({ name: "' OR 1=1 --" })).toEqual([]);
  expect(history.runs({ branch: "main" })[0]).toEqual({
    ordinal: 1,
    id: "run-0",
    name: "example",
    kind: "bench",
    startedAt: day(0),
    durationMs: 1000,
    environmentFingerprint: exampleEnvironment.fingerprint,
    validity: "valid",
    commit: "abc123",
    branch: "main",
    dirty: false,
  });
});

test("S1-056: the newest run of a branch or commit is the baseline by revision", () => {
  using history = memory(
    daily(0, 1, { revision: revision("main") }),
    daily(1, 2, { revision: revision("main") }),
    daily(2, 3),
  );
  expect(history.latest({ branch: "main" })?.id).toBe("run-1");
  expect(history.latest({ commit: "cccc" })?.id).toBe("run-1");
  expect(history.latest({ branch: "gone" })).toBeUndefined();
});

test("pruning removes runs with their points and metrics, and nothing else", () => {
  using history = memory(
    ...Array.from({ length: 5 }, (_, index) => daily(index, index)),
    runWith({ id: "other", name: "other", startedAt: day(0) }, { metric: "b.time" }),
  );
  expect(history.prune({ keepPerName: 2 })).toBe(3);
  expect(p95(history)).toEqual([3, 4]);
  expect(history.prune({ beforeMs: Date.parse(day(1)) })).toBe(1);
  expect(history.metrics().map(({ key }) => key)).toEqual(["a.time"]);
  expect(history.prune({})).toBe(0);
  expect(history.check()).toEqual([]);
});

test("pruning makes the file smaller", () => {
  const path = join(temporaryFolder(), "history.db");
  const pages = (): number => {
    using database = new DatabaseSync(path);
    return Number(database.prepare("PRAGMA page_count").get()?.["page_count"]);
  };
  using history = openHistory(path);
  for (let index = 0; index < 300; index++) history.append(daily(index, index));
  const before = pages();
  history.prune({ keepPerName: 1 });
  expect(pages()).toBeLessThan(before / 2);
});

test("a file made in a new folder is opened again, and closing twice is fine", () => {
  const path = join(temporaryFolder(), "new", "history.db");
  const history = openHistory(path);
  history.append(daily(0, 10));
  history.close();
  history.close();
  using again = openHistory(path);
  expect(p95(again)).toEqual([10]);
  expect(again.append(daily(1, 20))).toEqual({ ordinal: 2, added: true });
});

test("no warning of SQLite's being experimental reaches the user, other warnings do", async () => {
  const warnings: string[] = [];
  const hear = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", hear);
  openHistory(":memory:").close();
  process.emitWarning("heard");
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", hear);
  expect(warnings).toEqual(["heard"]);
});

test.each<[string, (path: string) => void, string]>([
  [
    "text",
    (path) => writeFileSync(path, "not a database, just some text that is long enough to be read as a header"),
    "HISTORY_CORRUPT",
  ],
  [
    "another program's database",
    (path) => {
      using other = new DatabaseSync(path);
      other.exec("CREATE TABLE theirs (a)");
    },
    "HISTORY_CORRUPT",
  ],
  [
    "another program's empty database, signed",
    (path) => {
      using other = new DatabaseSync(path);
      other.exec("PRAGMA application_id = 7");
    },
    "HISTORY_CORRUPT",
  ],
  [
    "a newer schema",
    (path) => {
      openHistory(path).close();
      using newer = new DatabaseSync(path);
      newer.exec("PRAGMA user_version = 99");
    },
    "HISTORY_VERSION_UNSUPPORTED",
  ],
  ["a folder", (path) => mkdirSync(path), "HISTORY_UNREADABLE"],
])("%s is refused and left as it is", (_, make, code) => {
  const path = join(temporaryFolder(), "history.db");
  make(path);
  const content = (): string => (code === "HISTORY_UNREADABLE" ? "a folder" : readFileSync(path, "latin1"));
  const before = content();
  expect(() => openHistory(path)).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  expect(content() === before).toBe(true);
});

test("a damaged page is reported as such, with advice", () => {
  const path = join(temporaryFolder(), "history.db");
  {
    using history = openHistory(path);
    for (let index = 0; index < 200; index++) history.append(daily(index, index));
  }
  const bytes = readFileSync(path);
  bytes.fill(0xaa, 8192);
  writeFileSync(path, bytes);
  const use = (): unknown => {
    using history = openHistory(path);
    return [history.check(), history.runs(), p95(history), history.get("run-1")];
  };
  expect(use).toThrow(
    expect.objectContaining({ code: "HISTORY_CORRUPT", next: expect.stringContaining("Move the file aside") }),
  );
});

test("a path below a file is unreadable", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  expect(() => openHistory(join(folder, "file", "history.db"))).toThrow(
    expect.objectContaining({ code: "HISTORY_UNREADABLE" }),
  );
});

test("a writer that waits too long for another is told so, and may try again", () => {
  const path = join(temporaryFolder(), "history.db");
  using history = openHistory(path, { busyTimeoutMs: 1 });
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  expect(() => history.append(daily(0, 1))).toThrow(expect.objectContaining({ code: "HISTORY_BUSY", retryable: true }));
  expect(p95(history)).toEqual([]);
  other.exec("COMMIT");
  expect(history.append(daily(0, 1)).added).toBe(true);
});

test("a full disk fails the append and keeps what was stored", () => {
  const path = join(temporaryFolder(), "history.db");
  openHistory(path).close();
  let stored = 0;
  {
    using history = openHistory(path, { maxPages: 60 });
    expect(() => {
      for (; stored < 10_000; stored++) history.append(daily(stored, stored));
    }).toThrow(expect.objectContaining({ code: "HISTORY_WRITE_FAILED", retryable: true }));
  }
  using again = openHistory(path);
  expect(stored).toBeGreaterThan(0);
  expect(p95(again)).toHaveLength(stored);
  expect(again.check()).toEqual([]);
});
