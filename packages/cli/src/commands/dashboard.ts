import { once } from "node:events";
import { existsSync } from "node:fs";
import { exitCodes } from "@mettle/core";
import { HistorySite, LOOPBACK, serveHistory } from "@mettle/dashboard";
import { openHistory } from "@mettle/results";
import { type CommandContext, printJson } from "../command-context.ts";
import { loadSettings } from "../config/settings.ts";
import { cliErrors } from "../errors.ts";
import { Interruption } from "../interrupt.ts";
import { historySource } from "../run/history-source.ts";
import { findYardstick } from "../run/judge-run.ts";

const USUAL_PORT = 7789;

/** `mettle dashboard`: past runs and metrics in a browser, until it is interrupted. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const { history: file } = settings;
  if (file === undefined || !existsSync(file)) {
    throw cliErrors.create("HISTORY_EMPTY", `There is no history${file === undefined ? "" : ` in ${file}`}.`, {
      details: { file },
    });
  }
  const { flags, stdout } = context;
  const branch = flags.text("branch");
  const limit = flags.number("limit");
  using history = openHistory(file);
  const source = historySource(history, await findYardstick(settings), settings, context, {
    ...(branch !== undefined && { branch }),
    ...(limit !== undefined && { limit }),
  });
  const address = { host: flags.text("host") ?? LOOPBACK, port: flags.number("port") ?? USUAL_PORT };
  using interruption = new Interruption();
  await using server = await serveHistory(new HistorySite(source), address);
  if (flags.on("json")) printJson(context, { schema: "mettle.dashboard/1", url: server.url });
  else stdout.write(` The history of ${settings.name}: ${server.url}\n Ctrl-C ends it.\n`);
  if (!interruption.signal.aborted) await once(interruption.signal, "abort");
  return exitCodes.pass;
}
