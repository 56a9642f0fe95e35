import { hostname } from "node:os";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { exitCodes } from "@mettle/core";
import { connectNats, type HostEvent, WorkerHost } from "@mettle/load";
import { type CommandContext, note } from "../command-context.ts";
import { cliErrors } from "../errors.ts";
import { Interruption } from "../interrupt.ts";
import { natsOptions, subjectOf } from "../load/nats.ts";
import { ownModules } from "../load/own-modules.ts";
import { pairs } from "../load/pairs.ts";
import { ownVersion } from "../own-version.ts";

const LOCAL_SERVER = "nats://127.0.0.1:4222";

/** `mettle worker`: takes part in load tests until it is interrupted. */
export async function run(context: CommandContext): Promise<number> {
  const { flags, env, cwd } = context;
  const nats = natsOptions(context, LOCAL_SERVER);
  if (!nats) throw new Error("there is a default server");
  const allow = allowedFolder(context);
  const name = flags.text("name") ?? hostname();
  const subject = subjectOf(context);
  const threads = flags.number("threads");
  await using transport = await connectNats(nats, `mettle worker ${name}`, {
    onNote: (text) => {
      note(context, text);
    },
  });
  using interruption = new Interruption(() => {
    note(context, "Interrupted: leaving. Once more ends at once.");
  });
  const host = new WorkerHost({
    transport,
    name,
    version: await ownVersion(),
    packages: cwd,
    own: ownModules(),
    environment: env,
    subject,
    tags: pairs(context, "tag"),
    ...(threads !== undefined && { threads }),
    ...(allow !== undefined && { allow }),
    onEvent: (event) => {
      tell(event, name, context);
    },
  });
  await host.serve(interruption.signal, flags.number("runs") ?? Number.POSITIVE_INFINITY);
  return exitCodes.pass;
}

function allowedFolder({ flags, cwd }: CommandContext): string | undefined {
  const given = flags.text("allow");
  if (given === undefined) return undefined;
  const folder = resolve(cwd, given);
  if (existsSync(folder)) return folder;
  throw cliErrors.create("USAGE_VALUE_INVALID", `--allow ${given} is no folder.`, {
    details: { flag: "--allow", value: given },
  });
}

function tell(event: HostEvent, name: string, { flags, stdout }: CommandContext): void {
  if (flags.on("json")) stdout.write(`${JSON.stringify({ worker: name, ...event })}\n`);
  else if (!flags.on("quiet")) stdout.write(`${told(event, name)}\n`);
}

function told(event: HostEvent, name: string): string {
  switch (event.kind) {
    case "waiting":
      return `Worker ${name} waits for runs on ${event.subject}.`;
    case "joined":
      return `Joined ${event.name} (run ${event.run}).`;
    case "refused":
      return `Not taken for run ${event.run}: ${event.code}: ${event.message}.`;
    case "moved":
      return `Left run ${event.run} for one that has waited longer.`;
    case "ended":
      return `Run ${event.run} is over.`;
    case "coordinator-lost":
      return `Lost the coordinator of run ${event.run}: ${event.reason}; ending what is in flight.`;
  }
}
