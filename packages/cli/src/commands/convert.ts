import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { exitCodes, messageOf } from "@mettle/core";
import { convertErrors, type ConvertFormat, convertToScenario } from "@mettle/load";
import { type CommandContext, note, printJson, warn } from "../command-context.ts";

/** `mettle convert FILE`: a load script on stdout. */
export async function run(context: CommandContext): Promise<number> {
  const [file = ""] = context.positionals;
  const format = context.flags.text("input-format") as ConvertFormat | undefined;
  const converted = convertToScenario(await read(resolve(context.cwd, file), file), {
    source: file,
    ...(format && { format }),
  });
  const { scenario, code } = converted;
  for (const text of scenario.notes) warn(context, text);
  const requests = scenario.steps.filter(({ kind }) => kind === "request").length;
  note(
    context,
    `${requests} request${requests === 1 ? "" : "s"} of ${converted.format}; set vus and duration to taste.`,
  );
  if (context.flags.on("json")) printJson(context, converted);
  else context.stdout.write(code);
  return exitCodes.pass;
}

async function read(path: string, file: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw convertErrors.create("CONVERT_UNREADABLE", `${file} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}
