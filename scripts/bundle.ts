// Writes the JavaScript of the packages that are loaded often: one file for each entry and one for what entries share, where
// the compiler would write one for each of 150 modules, each of which Node takes a millisecond to find. `tsc -b` writes
// their types. Part of the build.
import { readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "rolldown";

/** By package: its surface, and what is started as a thread, whose file must lie beside it under its own name. */
const bundled: Readonly<Record<string, readonly string[]>> = {
  agents: ["index.ts", "shards/shard-worker.ts", "shards/watchdog-worker.ts", "pools/task-worker.ts"],
};

for (const [name, entries] of Object.entries(bundled)) {
  const folder = `packages/${name}`;
  const output = join(folder, "dist");
  // Chunks are named by what they hold: those of the last build would stay.
  for (const file of readdirSync(output)) if (/\.js(\.map)?$/.test(file)) rmSync(join(output, file));
  await build({
    input: Object.fromEntries(entries.map((entry) => [basename(entry, ".ts"), join(folder, "src", entry)])),
    platform: "node",
    external: [/^node:/, /^@mettle\//],
    output: {
      dir: output,
      format: "esm",
      sourcemap: true,
      entryFileNames: "[name].js",
      chunkFileNames: "[name]-[hash].js",
    },
    logLevel: "warn",
  });
}
