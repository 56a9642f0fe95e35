import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { steadyFlags } from "../host.ts";
import { benchLabErrors } from "../lab-errors.ts";
import type { ProfileReply, ProfileRequest } from "./case-process.ts";
import type { CpuProfile } from "./cpu.ts";
import type { HeapProfile } from "./heap.ts";
import { moduleArguments } from "./instructions.ts";

export interface ProfileCaseOptions {
  /** Absolute path of the benchmark file. */
  readonly file: string;
  /** The case's whole name: `suite > title (size=64)`. */
  readonly case: string;
  readonly cwd: string;
  /** Time under the profiler, after a warm-up. @defaultValue 2000 ms */
  readonly durationMs?: number;
  readonly nodeFlags?: readonly string[];
  readonly signal?: AbortSignal;
}

const DEFAULT_DURATION_MS = 2000;
/** Starting, loading, setting up and one last long call. */
const SPARE_MS = 60_000;

/**
 * Where one benchmark's time goes: it runs alone, in a process of its own, under V8's sampling profiler. Time it before
 * and apart from this: profiled code is slower.
 *
 * @throws MettleError `PROFILE_FAILED` when the benchmark fails or its process ends; `PROFILE_EMPTY`; the reason of
 * `signal`
 */
export const profileCaseCpu = async (options: ProfileCaseOptions): Promise<CpuProfile> =>
  (await profileInProcess("cpu", options)) as CpuProfile;

/** What one benchmark allocates, as `profileCaseCpu`. */
export const profileCaseHeap = async (options: ProfileCaseOptions): Promise<HeapProfile> =>
  (await profileInProcess("heap", options)) as HeapProfile;

function profileInProcess(of: ProfileRequest["of"], options: ProfileCaseOptions): Promise<unknown> {
  const { file, case: id, cwd, durationMs = DEFAULT_DURATION_MS, nodeFlags = [], signal } = options;
  const failed = (message: string, details: object = {}): Error =>
    benchLabErrors.create("PROFILE_FAILED", `"${id}" cannot be profiled: ${message}`, {
      details: { file, case: id, ...details },
    });
  signal?.throwIfAborted();
  const child = fork(modulePath("case-process"), [], {
    cwd,
    execArgv: [...sourceConditions, ...steadyFlags, ...nodeFlags],
    serialization: "advanced",
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-4000);
    });
  }
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      reject(failed(`it did not end within ${(durationMs + SPARE_MS) / 1000} s.`));
      child.kill("SIGKILL");
    }, durationMs + SPARE_MS);
    const onAbort = (): void => {
      reject(signal?.reason as Error);
      child.kill("SIGKILL");
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    child.on("message", (reply: ProfileReply) => {
      if (reply.ok) resolve(reply.profile);
      else reject(failed(reply.message, { stack: reply.stack }));
    });
    child.on("error", (error) => reject(failed(error.message)));
    child.on("close", (code, endedBy) => {
      clearTimeout(limit);
      signal?.removeEventListener("abort", onAbort);
      // After a reply this changes nothing.
      reject(failed(`its process ended (${endedBy ?? `exit code ${code}`}). ${output.trim()}`, { output }));
    });
    child.send({ file, case: id, of, durationMs } satisfies ProfileRequest);
  });
}

export type CaseInstructionsOptions = Pick<ProfileCaseOptions, "file" | "case" | "nodeFlags">;

/** The arguments with which `measureInstructions` counts one benchmark. */
export function caseInstructionArguments(
  options: CaseInstructionsOptions,
  warmupIterations?: number,
): (iterations: number) => readonly string[] {
  const url = new URL(moduleUrl("case-iterations"));
  url.searchParams.set("file", options.file);
  url.searchParams.set("case", options.case);
  const argumentsFor = moduleArguments(url.href, "iterate", warmupIterations);
  const flags = [...sourceConditions, "--allow-natives-syntax", ...(options.nodeFlags ?? [])];
  return (iterations) => [...flags, ...argumentsFor(iterations)];
}

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const sourceConditions = extension === ".ts" ? ["--conditions=mettle-source"] : [];
const moduleUrl = (name: string): string => new URL(`./${name}${extension}`, import.meta.url).href;
const modulePath = (name: string): string => fileURLToPath(moduleUrl(name));
