import { redirectAuthoring } from "../redirect-authoring.ts";
import { profileCpu } from "./cpu.ts";
import { profileHeap } from "./heap.ts";
import { openCase } from "./open-case.ts";

// The process in which one case runs under a profiler. It answers one request and ends.

export interface ProfileRequest {
  readonly file: string;
  readonly case: string;
  readonly of: "cpu" | "heap";
  readonly durationMs: number;
}

export type ProfileReply =
  | { readonly ok: true; readonly profile: unknown }
  | { readonly ok: false; readonly message: string; readonly stack?: string };

/** The profile shows the compiled code and not its compilation. */
const WARMUP_MS = 300;

async function answer(request: ProfileRequest): Promise<unknown> {
  const opened = await openCase(request.file, request.case, { apart: true });
  await opened.runFor(WARMUP_MS);
  const run = async (): Promise<void> => {
    await opened.runFor(request.durationMs);
  };
  const profile = request.of === "cpu" ? await profileCpu(run) : await profileHeap(run);
  await opened.close();
  return profile;
}

redirectAuthoring();
const send = (reply: ProfileReply): void => {
  // The process may hold timers of the benchmark: it ends when the reply is out.
  process.send?.(reply, undefined, undefined, () => process.exit(0));
};
process.on("message", (request: ProfileRequest) => {
  answer(request).then(
    (profile) => send({ ok: true, profile }),
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      send({ ok: false, message, ...(error instanceof Error && error.stack && { stack: error.stack }) });
    },
  );
});
process.on("disconnect", () => process.exit(0));
