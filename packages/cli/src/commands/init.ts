import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { exitCodes, messageOf } from "@mettle/core";
import { makeFolder } from "@mettle/results";
import { type CommandContext, printJson } from "../command-context.ts";
import { cliErrors } from "../errors.ts";
import { configTemplate, exampleTemplate, workflowTemplate } from "../init-templates.ts";

/** `mettle init`: all files or none. */
export async function run(context: CommandContext): Promise<number> {
  const { cwd, flags } = context;
  const extension = isModulePackage(cwd) ? "ts" : "mts";
  const files: readonly (readonly [string, string])[] = [
    [`mettle.config.${extension}`, configTemplate],
    [`bench/example.bench.${extension}`, exampleTemplate],
    [".github/workflows/mettle.yml", workflowTemplate],
  ];
  const existing = files.map(([name]) => name).filter((name) => existsSync(join(cwd, name)));
  if (existing.length > 0 && !flags.on("force")) {
    throw cliErrors.create(
      "FILES_EXIST",
      `Nothing was written: ${existing.join(", ")} ${existing.length > 1 ? "exist" : "exists"} already.`,
      {
        details: { existing },
      },
    );
  }
  for (const [name, content] of files) await write(join(cwd, name), content);
  const written = files.map(([name]) => relative(cwd, join(cwd, name)));
  if (flags.on("json")) printJson(context, { schema: "mettle.init/1", written });
  else
    context.stdout.write(
      `${written.map((name) => `✓ wrote ${name}\n`).join("")}\nNext: npx mettle bench, then npx mettle gate\n`,
    );
  return exitCodes.pass;
}

/** Whether Node takes a `.ts` file here for a module. Elsewhere the files say it themselves, as `.mts`. */
function isModulePackage(cwd: string): boolean {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file)) return /"type"\s*:\s*"module"/.test(readFileSync(file, "utf8"));
    if (folder === dirname(folder)) return false;
  }
}

async function write(path: string, content: string): Promise<void> {
  try {
    await makeFolder(dirname(path));
    await writeFile(path, content);
  } catch (cause) {
    throw cliErrors.create("OUTPUT_WRITE_FAILED", `Cannot write ${path}: ${messageOf(cause)}.`, {
      details: { path, reason: (cause as NodeJS.ErrnoException).code },
      next: "Free some space, or make the folder writable.",
      cause,
    });
  }
}
