import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type FileSystem, nodeFileSystem } from "../src/atomic-file.ts";
import { encodeRun } from "../src/codec.ts";
import { readRun, writeRun } from "../src/run-file.ts";
import { exampleRun, runWith } from "./example-run.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const fault = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

/** The real file system with one operation failing. */
function failing(operation: "write" | "sync" | "close" | "rename" | "open" | "mkdir", code: string): FileSystem {
  const fail = (): Promise<never> => Promise.reject(fault(code));
  if (operation === "rename" || operation === "open" || operation === "mkdir")
    return { ...nodeFileSystem, [operation]: fail };
  return {
    ...nodeFileSystem,
    open: async (path, flags) => {
      const handle = await nodeFileSystem.open(path, flags);
      if (operation === "write") {
        // As on a disk that fills up: some bytes arrive first.
        handle.writeFile = async (data) => {
          await handle.write((data as Buffer).subarray(0, 100));
          await fail();
        };
      } else if (operation === "sync") {
        handle.sync = fail;
      } else {
        const close = handle.close.bind(handle);
        handle.close = async () => {
          await close();
          await fail();
        };
      }
      return handle;
    },
  };
}

test.each(["run.json", "new/folder/run.json", "run.json.gz"])("a run written to %s is read back", async (name) => {
  const path = join(temporaryFolder(), name);
  await writeRun(path, exampleRun);
  expect(await readRun(path)).toEqual(exampleRun);
});

test("a name that ends in .gz is compressed, and content decides when reading", async () => {
  const folder = temporaryFolder();
  await writeRun(join(folder, "run.json.gz"), exampleRun);
  const compressed = readFileSync(join(folder, "run.json.gz"));
  expect(gunzipSync(compressed).toString()).toBe(encodeRun(exampleRun));
  writeFileSync(join(folder, "misnamed.json"), compressed);
  expect(await readRun(join(folder, "misnamed.json"))).toEqual(exampleRun);
});

test.each([
  ["write", "ENOSPC"],
  ["sync", "EIO"],
  ["close", "EDQUOT"],
  ["rename", "EACCES"],
  ["open", "EMFILE"],
  ["mkdir", "EROFS"],
] as const)("when %s fails with %s, the old file stays and nothing is left behind", async (operation, code) => {
  const folder = temporaryFolder();
  const path = join(folder, "run.json");
  await writeRun(path, runWith({ name: "old" }));
  const written = writeRun(path, runWith({ name: "new" }), { files: failing(operation, code) });
  await expect(written).rejects.toMatchObject({
    code: "RUN_WRITE_FAILED",
    retryable: true,
    details: { path, reason: code },
  });
  expect(readdirSync(folder)).toEqual(["run.json"]);
  expect((await readRun(path)).name).toBe("old");
});

test("a document that no reader would accept never reaches the disk", async () => {
  const folder = temporaryFolder();
  const invalid = runWith({ durationMs: Number.NaN });
  await expect(writeRun(join(folder, "run.json"), invalid)).rejects.toMatchObject({ code: "RUN_INVALID" });
  expect(readdirSync(folder)).toEqual([]);
});

test.each<[string, (folder: string) => string, string]>([
  ["no file", (folder) => join(folder, "none.json"), "ENOENT"],
  ["a folder", (folder) => folder, "EISDIR"],
  [
    "a link that leads to itself",
    (folder) => {
      symlinkSync("loop", join(folder, "loop"));
      return join(folder, "loop");
    },
    "ELOOP",
  ],
])("%s cannot be read", async (_, make, reason) => {
  const path = make(temporaryFolder());
  await expect(readRun(path)).rejects.toMatchObject({ code: "RUN_UNREADABLE", exitCode: 2, details: { path, reason } });
});

test("a file above the limit is not read at all", async () => {
  const path = join(temporaryFolder(), "run.json");
  await writeRun(path, exampleRun);
  const files: FileSystem = { ...nodeFileSystem, readFile: () => Promise.reject(new Error("it was read")) };
  await expect(readRun(path, { maxBytes: 100, files })).rejects.toMatchObject({ code: "RUN_TOO_LARGE" });
});

test("a small file that unpacks to more than the limit is refused", async () => {
  const path = join(temporaryFolder(), "bomb.json.gz");
  writeFileSync(path, gzipSync(Buffer.alloc(1_000_000, " ")));
  await expect(readRun(path, { maxBytes: 10_000 })).rejects.toMatchObject({ code: "RUN_TOO_LARGE" });
});

test("cut at any byte, a file is called truncated, inside a character or a gzip stream too", async () => {
  const path = join(temporaryFolder(), "cut.json");
  const text = Buffer.from(encodeRun(runWith({ name: "µs → ns 𝒳" }), { style: "compact" }));
  const zipped = gzipSync(text);
  const cuts = [
    ...Array.from(text.keys(), (end) => text.subarray(0, end)),
    ...Array.from({ length: zipped.length - 2 }, (_, at) => zipped.subarray(0, at + 2)),
  ];
  for (const content of cuts) {
    writeFileSync(path, content);
    await expect(readRun(path), `${content.length} bytes`).rejects.toMatchObject({ code: "RUN_TRUNCATED" });
  }
});

test("with any byte changed, a gzip file is refused or still the same run", async () => {
  const path = join(temporaryFolder(), "run.json.gz");
  const zipped = gzipSync(encodeRun(runWith(), { style: "compact" }));
  for (let at = 0; at < zipped.length; at += 7) {
    const damaged = Buffer.from(zipped);
    damaged[at] = (damaged[at] ?? 0) ^ 0x55;
    writeFileSync(path, damaged);
    const outcome = await readRun(path).then(
      (run) => run,
      (refused: { code?: string }) => refused.code,
    );
    expect([JSON.stringify(runWith()), '"RUN_NOT_JSON"', '"RUN_TRUNCATED"']).toContain(JSON.stringify(outcome));
  }
});

test("text in another encoding is not JSON", async () => {
  const folder = temporaryFolder();
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "run.json");
  writeFileSync(path, Buffer.from(encodeRun(runWith({ name: "Größe" })), "latin1"));
  await expect(readRun(path)).rejects.toMatchObject({ code: "RUN_NOT_JSON" });
});

test.skipIf(process.platform === "win32")(
  "a device without an end is too large, and a pipe is read to its end",
  async () => {
    await expect(readRun("/dev/zero", { maxBytes: 3_000_000 })).rejects.toMatchObject({ code: "RUN_TOO_LARGE" });
    const path = join(temporaryFolder(), "pipe");
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    const reading = readRun(path);
    await writeFile(path, encodeRun(exampleRun));
    expect(await reading).toEqual(exampleRun);
  },
);
