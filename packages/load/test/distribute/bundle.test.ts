import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { allowedFiles, receivedFiles } from "../../src/distribute/bundle-store.ts";
import { bundleLimits, type FileEntry, hashOf, makeBundle } from "../../src/distribute/bundle.ts";
import { gatherFiles } from "../../src/distribute/gather-files.ts";
import { filesOf, localSource, portableSource } from "../../src/distribute/portable-source.ts";
import { csvRows } from "../../src/scenario/data-files.ts";
import { loadSource } from "../../src/scenario/load-source.ts";
import { declarativeLoad } from "../../src/scenario/declarative.ts";
import { k6Load } from "../../src/k6/load-test.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function project(files: Readonly<Record<string, string>>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "mettle-bundle-")));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const entry = (path: string, text = "x"): FileEntry => ({
  path,
  sha256: hashOf(Buffer.from(text)),
  bytes: text.length,
});

describe("the files of a load test", () => {
  test("are named by where they lie below the working folder, or below what they have in common", () => {
    const folder = project({ "tests/a.js": "a", "data/b.csv": "b", "data/copy.csv": "b" });
    const files = ["tests/a.js", "data/b.csv", "data/copy.csv"].map((file) => join(folder, file));
    const bundle = makeBundle([...files, files[0]!], folder);
    expect(bundle.entries).toEqual([
      { path: "data/b.csv", sha256: hashOf(Buffer.from("b")), bytes: 1 },
      { path: "data/copy.csv", sha256: hashOf(Buffer.from("b")), bytes: 1 },
      { path: "tests/a.js", sha256: hashOf(Buffer.from("a")), bytes: 1 },
    ]);
    expect(Buffer.from(bundle.content(hashOf(Buffer.from("b")))).toString()).toBe("b");
    expect(makeBundle(files.slice(1), join(folder, "tests")).entries.map(({ path }) => path)).toEqual([
      "b.csv",
      "copy.csv",
    ]);
    expect(makeBundle(files, join(folder, "tests")).root).toBe(folder);
  });

  test("behind links, as a mounted configuration has them, are found by both names", () => {
    const folder = project({ "..data_1/main.js": "a", "..data_1/users.csv": "b" });
    for (const name of ["main.js", "users.csv"]) symlinkSync(join("..data_1", name), join(folder, name));
    const bundle = makeBundle([join(folder, "main.js"), join(folder, "users.csv")], folder);
    expect(bundle.entries.map(({ path }) => path)).toEqual([
      "..data_1/main.js",
      "..data_1/users.csv",
      "main.js",
      "users.csv",
    ]);
    const source = loadSource("declarative", { file: join(folder, "main.js"), env: {} });
    expect(filesOf(source)).toEqual([join(folder, "main.js")]);
    expect(portableSource(source, bundle, {}).files).toEqual({ file: "..data_1/main.js" });
    using store = receivedFiles(bundle.entries, tmpdir());
    expect(store.needed).toHaveLength(2);
  });

  test("what is missing, no file, or too much is said with a code", () => {
    const folder = project({ "a.js": "a" });
    const code = "LOAD_BUNDLE_INVALID";
    expect(() => makeBundle([join(folder, "b.js")], folder)).toThrow(expect.objectContaining({ code }));
    expect(() => makeBundle([folder], folder)).toThrow(expect.objectContaining({ code }));
    expect(() => makeBundle([join(folder, "a.js")], folder).content("0".repeat(64))).toThrow(
      expect.objectContaining({ code }),
    );
    const many = Array.from({ length: bundleLimits.files + 1 }, (_, i) => join(folder, String(i)));
    expect(() => makeBundle(many, folder)).toThrow(/5001 files/);
  });

  test("are found by loading: imports, data, package.json; not packages, not Mettle", async () => {
    const folder = project({
      "package.json": '{ "type": "module" }',
      "tests/main.js": 'import "./lib/helper.js"; import "dependency"; export default 1;',
      "tests/lib/helper.js": "export {};",
      "tests/unused.js": "",
      "data/users.csv": "name\nann\n",
      "node_modules/dependency/package.json": '{ "name": "dependency", "main": "index.js" }',
      "node_modules/dependency/index.js": "",
      "mettle/dist/index.js": "export {};",
    });
    const load = async (): Promise<string> => {
      await import(pathToFileURL(join(folder, "mettle/dist/index.js")).href);
      await import(pathToFileURL(join(folder, "tests/main.js")).href);
      csvRows(join(folder, "data/users.csv"));
      return "loaded";
    };
    const { result, files } = await gatherFiles(load, (file) => file.startsWith(join(folder, "mettle")));
    expect(result).toBe("loaded");
    const wanted = ["data/users.csv", "package.json", "tests/lib/helper.js", "tests/main.js"];
    // Under the test runner only its own importer sees the modules; what Node itself loads is tested with the command.
    expect(files.filter((file) => file.startsWith(folder)).map((file) => file.slice(folder.length + 1))).toEqual(
      expect.arrayContaining(wanted.filter((file) => !file.startsWith("tests/"))),
    );
    expect(
      files.some((file) => file.includes("node_modules") || file.includes("unused") || file.includes("mettle/dist")),
    ).toBe(false);
  });

  test("of a YAML scenario and of a script of k6 are all that it opens", async () => {
    const folder = project({
      "shop.yaml": "data: { users: users.csv }\nscenarios: { a: { iterations: 1, steps: [{ think: 1ms }] } }\n",
      "users.csv": "name\nann\n",
      "k6.js":
        'import { SharedArray } from "k6/data"; import { x } from "./part.js"; const d = new SharedArray("d", () => JSON.parse(open("./data.json"))); export default function () { d[x]; }',
      "part.js": "export const x = 0;",
      "data.json": "[1]",
    });
    const names = async (load: () => Promise<unknown>): Promise<string[]> =>
      (await gatherFiles(load, () => false)).files
        .filter((file) => file.startsWith(folder))
        .map((file) => file.slice(folder.length + 1));
    expect(await names(() => Promise.resolve(declarativeLoad({ file: join(folder, "shop.yaml"), env: {} })))).toEqual([
      "shop.yaml",
      "users.csv",
    ]);
    expect(await names(() => k6Load({ script: join(folder, "k6.js"), environment: {} }))).toEqual([
      "data.json",
      "k6.js",
      "part.js",
    ]);
  });
});

describe("a worker's copy", () => {
  test("holds what was sent, can import the machine's packages, and goes with the run", () => {
    const packages = project({ "node_modules/dependency/index.js": "" });
    const store = receivedFiles([entry("a/b.js", "one"), entry("c.js", "one"), entry("d.js", "two")], packages);
    expect(store.needed).toEqual([hashOf(Buffer.from("one")), hashOf(Buffer.from("two"))]);
    store.put(store.needed[0]!, Buffer.from("one"));
    store.put(store.needed[1]!, Buffer.from("two"));
    expect(["a/b.js", "c.js", "d.js"].map((path) => readFileSync(join(store.root, path), "utf8"))).toEqual([
      "one",
      "one",
      "two",
    ]);
    expect(existsSync(join(store.root, "../node_modules/dependency/index.js"))).toBe(true);
    store[Symbol.dispose]();
    expect(existsSync(store.root)).toBe(false);
    expect(existsSync(join(packages, "node_modules/dependency/index.js"))).toBe(true);
  });

  test("takes only what it asked for", () => {
    using store = receivedFiles([entry("a.js", "one")], tmpdir());
    const code = "LOAD_BUNDLE_INVALID";
    expect(() => store.put(hashOf(Buffer.from("two")), Buffer.from("two"))).toThrow(expect.objectContaining({ code }));
    expect(() => store.put(store.needed[0]!, Buffer.from("two"))).toThrow(expect.objectContaining({ code }));
  });

  test.each(["../a.js", "/etc/passwd", "a/../../b", "", ".", "a//b", "a\\..\\b", "a\0b", "x".repeat(1001)])(
    "a path that leads elsewhere is refused: %j",
    (path) => {
      expect(() => receivedFiles([entry(path)], tmpdir())).toThrow(
        expect.objectContaining({ code: "LOAD_BUNDLE_INVALID" }),
      );
    },
  );

  test("any path that is accepted stays below the folder", () => {
    const part = fc.constantFrom("a", "..", ".", "b", "", "c\\d", "~");
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const path = parts.join("/");
        try {
          using store = receivedFiles([entry(path)], tmpdir());
          expect(join(store.root, path).startsWith(`${store.root}/`)).toBe(true);
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "LOAD_BUNDLE_INVALID" });
        }
      }),
      { numRuns: 60 },
    );
  });

  test("too much, twice the same, sizes and hashes that are none", () => {
    const refused = (entries: readonly FileEntry[]): void => {
      expect(() => receivedFiles(entries, tmpdir())).toThrow(expect.objectContaining({ code: "LOAD_BUNDLE_INVALID" }));
    };
    refused([entry("a"), entry("a")]);
    refused([{ ...entry("a"), bytes: -1 }]);
    refused([{ ...entry("a"), bytes: bundleLimits.bytes + 1 }]);
    refused([{ ...entry("a"), sha256: "../../x" }]);
    refused(Array.from({ length: 2 * bundleLimits.files + 1 }, (_, i) => entry(String(i))));
  });
});

describe("a worker that allows only a folder of its own", () => {
  const code = "LOAD_WORKER_REFUSED";

  test("runs what lies there, the same to the byte, and asks for nothing", () => {
    const folder = project({ "tests/a.js": "one" });
    const store = allowedFiles([entry("tests/a.js", "one")], folder);
    expect(store).toMatchObject({ root: folder, needed: [] });
    expect(() => store.put("x", Buffer.from("x"))).toThrow(/not asked for/);
    store[Symbol.dispose]();
    expect(existsSync(join(folder, "tests/a.js"))).toBe(true);
  });

  test("refuses what is missing, differs, leads out by a link, or is no file at all", () => {
    const secret = project({ "secret.js": "one" });
    const folder = project({ "a.js": "changed" });
    symlinkSync(join(secret, "secret.js"), join(folder, "link.js"));
    for (const path of ["a.js", "b.js", "link.js"]) {
      expect(() => allowedFiles([entry(path, "one")], folder)).toThrow(expect.objectContaining({ code }));
    }
    expect(() => allowedFiles([], folder)).toThrow(expect.objectContaining({ code }));
    expect(() => allowedFiles([entry("../x.js")], folder)).toThrow(
      expect.objectContaining({ code: "LOAD_BUNDLE_INVALID" }),
    );
  });
});

describe("a source for another machine", () => {
  const there = { "@mettle/load": "file:///there/load.js", mettle: "file:///there/mettle.js" };

  test("files are where they lie there, modules of Mettle are the machine's own, secrets stay", () => {
    const folder = project({ "tests/a.js": "a" });
    const script = join(folder, "tests/a.js");
    const bundle = makeBundle([script], folder);
    const k6 = loadSource("k6", { script, environment: { SECRET: "x" }, flags: { vus: "3" }, urlCopies: folder });
    const sent = portableSource(k6, bundle, { BASE: "http://x" });
    expect(filesOf(k6)).toEqual([script]);
    expect(JSON.stringify(sent)).not.toContain("SECRET");
    expect(JSON.stringify(sent)).not.toContain(folder);
    const environment = { SECRET: "theirs", BASE: "http://x" };
    expect(localSource(sent, "/work", there, { SECRET: "theirs", BASE: "http://y" })).toEqual(
      loadSource("k6", { script: "/work/tests/a.js", urlCopies: "/work", flags: { vus: "3" }, environment }),
    );
    const own = loadSource("script", { script: pathToFileURL(script).href, env: {}, own: { mettle: "file:///here" } });
    expect(filesOf(own)).toEqual([script]);
    expect(localSource(portableSource(own, bundle, {}), "/work", there, {})).toEqual(
      loadSource("script", { script: "file:///work/tests/a.js", env: {}, own: there }),
    );
  });

  test("files deep in parameters are sent and found too", () => {
    const folder = project({ "trace.jsonl": "{}" });
    const trace = { file: join(folder, "trace.jsonl"), speed: 2 };
    const model = loadSource("model", {
      api: "chat",
      model: "m",
      baseUrl: "http://x",
      seed: 1,
      options: {},
      trace,
    } as never);
    const bundle = makeBundle(filesOf(model), folder);
    const sent = portableSource(model, bundle, {});
    expect(sent).toMatchObject({
      files: { "trace.file": "trace.jsonl" },
      parameters: { trace: { speed: 2 }, seed: 1 },
    });
    expect(localSource(sent, "/work", there, {}).parameters).toMatchObject({
      trace: { file: "/work/trace.jsonl", speed: 2 },
    });
  });

  test("what cannot be sent is refused, on either side", () => {
    const bundle = { root: "/", entries: [], content: () => new Uint8Array(0) };
    const code = "LOAD_NOT_PORTABLE";
    const { module } = loadSource("url", {} as never);
    for (const source of [
      { module, factory: "constructor", parameters: {} },
      { module: "file:///other.js", factory: "urlLoad", parameters: {} },
      { module, factory: "urlLoad", parameters: undefined },
    ]) {
      expect(() => portableSource(source, bundle, {})).toThrow(expect.objectContaining({ code }));
      expect(() => filesOf(source)).toThrow(expect.objectContaining({ code }));
    }
    const strange = { kind: "constructor" as never, parameters: {}, files: {} };
    expect(() => localSource(strange, "/", there, {})).toThrow(expect.objectContaining({ code }));
    expect(() => localSource({ kind: "url", parameters: {}, files: { request: "x" } }, "/", there, {})).toThrow(
      expect.objectContaining({ code }),
    );
  });
});
