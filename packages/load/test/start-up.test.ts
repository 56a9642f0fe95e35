import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** What a fresh process has read once it has imported a module: files, and parts of Node. */
async function readFor(
  module: string,
): Promise<{ readonly files: readonly string[]; readonly builtin: readonly string[] }> {
  const script = `
    import { registerHooks } from "node:module";
    const files = [];
    registerHooks({ load: (url, context, next) => { files.push(url); return next(url, context); } });
    const before = new Set(process.moduleLoadList);
    await import(${JSON.stringify(new URL(module, import.meta.url).href)});
    const builtin = process.moduleLoadList.filter((each) => !before.has(each));
    process.stdout.write(JSON.stringify({ files, builtin }));`;
  const flags = ["--conditions=mettle-source", "--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, flags, { maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout) as { files: string[]; builtin: string[] };
}

const modules = ["tls", "crypto", "http2", "zlib", "http"];

// Each of these costs every load test 20 to 200 ms of CPU in one thread or in all, which is a good part of a short one.
test("who imports the package reads neither the compiler of k6 scripts, nor HTML, NATS, YAML or the mock model", async () => {
  const { files } = await readFor("../src/index.ts");
  expect(files.length).toBeGreaterThan(50);
  const packages = /\/node_modules\/(?:acorn|parse5|css-select|@nats-io|tldts|yaml|ajv)\//;
  const own = /\/load\/src\/(?:k6\/(?:script|transform|modules|html)|mock-model\/server|distribute\/nats-transport)/;
  expect(files.filter((url) => packages.test(url) || own.test(url))).toEqual([]);
});

test("a script of k6 that looks into no page and keeps no cookie of a domain needs none of what they take", async () => {
  const { files } = await readFor("../src/k6/script.ts");
  expect(files.some((url) => url.includes("/node_modules/acorn/"))).toBe(true);
  expect(files.filter((url) => /\/node_modules\/(?:parse5|css-select|entities|tldts)\//.test(url))).toEqual([]);
});

test("a worker under plain HTTP does without TLS, HTTP/2 and compression", async () => {
  const worker = await readFor("../src/engine/worker-session.ts");
  const load = await readFor("../src/scenario/url-load.ts");
  expect(worker.builtin).toContain("NativeModule net");
  const heavy = [...worker.builtin, ...load.builtin].filter((each) =>
    modules.includes(each.replace("NativeModule ", "")),
  );
  expect(heavy).toEqual([]);
});
