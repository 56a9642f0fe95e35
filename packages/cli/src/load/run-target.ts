import { hostname } from "node:os";
import { resolve } from "node:path";
import { parseDurationMs } from "@mettle/core";
import {
  connectNats,
  type FleetEvent,
  type LoadResult,
  runDistributed,
  runLoad,
  type RunLoadOptions,
} from "@mettle/load";
import type { CommandContext } from "../command-context.ts";
import { ownVersion } from "../own-version.ts";
import { natsOptions, subjectOf } from "./nats.ts";
import { pairs } from "./pairs.ts";
import type { LoadTarget } from "./target.ts";

/** Runs a load test on threads of this process, or, with `--nats`, on workers of other machines. */
export async function runTarget(
  target: LoadTarget,
  options: Omit<RunLoadOptions, "from">,
  context: CommandContext,
  note: (text: string) => void,
): Promise<LoadResult> {
  const nats = natsOptions(context);
  if (!nats) return await runLoad({ ...options, from: { source: target.source } });
  const { flags, cwd } = context;
  const subject = subjectOf(context);
  await using transport = await connectNats(nats, `mettle load on ${hostname()}`, { onNote: note });
  const wait = flags.text("wait");
  const workers = flags.number("workers") ?? 1;
  return await runDistributed({
    ...options,
    transport,
    source: target.source,
    files: [...(target.files ?? []), ...flags.all("include").map((file) => resolve(cwd, file))],
    root: cwd,
    variables: pairs(context, "env"),
    workers,
    version: await ownVersion(),
    ...(wait !== undefined && { waitMs: parseDurationMs(wait) }),
    subject,
    onEvent: (event) => {
      note(told(event, subject));
    },
  });
}

function told(event: FleetEvent, subject: string): string {
  switch (event.kind) {
    case "waiting":
      return `Waiting for ${event.workers} workers on ${subject} (run ${event.run}).`;
    case "joined": {
      const { name, threads, process, node } = event.hello;
      return `Worker ${event.worker} of ${event.workers}: ${name}, process ${process}, ${threads} threads, Node.js ${node}.`;
    }
    case "refused":
      return `Refused ${event.hello.name}: ${event.code}: ${event.message}.`;
    case "late":
      return `${event.hello.name} came too late; it waits for the next run.`;
    case "left":
      return `${event.hello.name} left before the start: ${event.reason}.`;
    case "sending":
      return event.files === 0
        ? "No files to send."
        : `Files of the load test: ${event.files}, ${(event.bytes / 1000).toFixed(1)} kB.`;
  }
}
