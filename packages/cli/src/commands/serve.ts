import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { exitCodes, messageOf } from "@mettle/core";
import { loadConfig, type ServiceConfig, startService } from "@mettle/service";
import { type CommandContext, note, printJson } from "../command-context.ts";
import { cliErrors } from "../errors.ts";
import { Interruption } from "../interrupt.ts";

/** `mettle serve`: the agent service, until interrupted. */
export async function run(context: CommandContext): Promise<number> {
  const config = await configOf(context);
  using interruption = new Interruption(() => note(context, "Ending: running requests may finish."));
  const seedScale = context.flags.number("seed-data");
  await using service = await startService({
    config,
    onProgress: (what) => note(context, `${what}.`),
    ...(seedScale !== undefined && { seedScale }),
  });
  const { url } = service;
  if (context.flags.on("json")) context.stdout.write(`${JSON.stringify({ kind: "listening", url })}\n`);
  else {
    const lines = [`service    ${url}`, `document   ${url}/openapi.json`, `metrics    ${url}/metrics`];
    context.stdout.write(lines.map((line) => ` ${line}\n`).join(""));
  }
  note(context, "Serving until Ctrl-C.");
  await aborted(interruption.signal);
  await service.close();
  if (context.flags.on("json")) printJson(context, { kind: "served" });
  return exitCodes.pass;
}

/** Flags before the environment, the environment before the file. */
async function configOf({ flags, env, cwd }: CommandContext): Promise<ServiceConfig> {
  const file = flags.text("settings");
  const written = file === undefined ? {} : await readSettings(resolve(cwd, file));
  const port = flags.number("port");
  return loadConfig(
    {
      ...env,
      ...(port !== undefined && { PORT: String(port) }),
      METTLE_HOST: flags.text("host") ?? env["METTLE_HOST"],
      METTLE_DATA_FOLDER: flags.text("data") ?? env["METTLE_DATA_FOLDER"],
    },
    written,
  );
}

async function readSettings(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("it holds no object");
    return value as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw cliErrors.create("CONFIG_INVALID", `The settings in ${file} cannot be read: ${messageOf(cause)}.`, { cause });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}
