import { readFileSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@hey-api/openapi-ts";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";
import { adminPassword, call } from "../running.ts";
import { runningService } from "../running-service.ts";

const service = runningService();
let folder = "";
let document: unknown;

/** What fixtures/program.ts tells; its own types are the generated client's. */
interface Told {
  readonly execution: { readonly execution_id: string };
  readonly events: readonly unknown[];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mettle-client-"));
  document = (await call(service.url, "GET", "/openapi.json")).body;
  const input = join(folder, "openapi.json");
  await writeFile(input, JSON.stringify(document));
  await createClient({ input, output: { path: join(folder, "client") }, logs: { level: "silent" } });
  await copyFile(new URL("fixtures/program.ts", import.meta.url), join(folder, "client", "program.ts"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

// To bring it up to date: curl http://127.0.0.1:8080/openapi.json > docs/reference/openapi.json, and biome format --write.
test("docs/reference/openapi.json is the document that the service gives", () => {
  const published = new URL("../../../../docs/reference/openapi.json", import.meta.url);
  expect(JSON.parse(readFileSync(published, "utf8"))).toEqual(document);
});

test("operations have names of their own", () => {
  const { paths } = document as { readonly paths: Record<string, Record<string, { readonly operationId: string }>> };
  const names = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  expect(names.length).toBeGreaterThan(20);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => !/^[a-z]+[A-Z]\w*$/.test(name))).toEqual([]);
});

test("a program on a client generated from it compiles strictly, and its mistakes do not", () => {
  const compiled = ts.createProgram([join(folder, "client", "program.ts")], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    noUncheckedIndexedAccess: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
    types: [],
  });
  const problems = ts.getPreEmitDiagnostics(compiled);
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
  expect(compiled.getSourceFiles().some(({ fileName }) => fileName.endsWith("sdk.gen.ts"))).toBe(true);
});

test("it logs in, executes, uploads, searches, calls a tool and reads events", async () => {
  const { program } = (await import(join(folder, "client", "program.ts"))) as {
    program: (baseUrl: string, password: string) => Promise<Told>;
  };
  const told = await program(service.url, adminPassword);
  expect(told).toMatchObject({
    execution: { status: "succeeded", result: { summary: "The mill grinds wheat." } },
    title: "Mill",
    passages: ["The river turns the wheel of the mill."],
    output: { value: 42 },
    capacity: 100,
    refused: { error: { code: "TOOL_UNKNOWN" } },
  });
  expect(told.events.at(-1)).toMatchObject({ execution_id: told.execution.execution_id, status: "succeeded" });
});
