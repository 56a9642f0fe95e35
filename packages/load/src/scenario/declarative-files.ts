import { readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { messageOf } from "@mettle/core";
import { loadErrors } from "../engine/errors.ts";
import type { Step } from "./declarative-steps.ts";

/**
 * A file that a declarative load test names.
 *
 * @throws MettleError `LOAD_DATA_INVALID`
 */
export function declaredFile(folder: string, file: string): Uint8Array {
  const path = resolve(folder, file);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw loadErrors.create("LOAD_DATA_INVALID", `${path} cannot be read: ${messageOf(cause)}.`, {
      details: { file: path },
      cause,
    });
  }
}

/** The steps with the files of their forms read, once for all users: what is missing is said before the load. */
export function withFiles(steps: readonly Step[], folder: string): readonly Step[] {
  return steps.map((step): Step => {
    if ("choose" in step) {
      return { choose: step.choose.map((each) => ({ ...each, steps: withFiles(each.steps, folder) })) };
    }
    if ("group" in step || "repeat" in step) return { ...step, steps: withFiles(step.steps, folder) };
    if (!("multipart" in step) || !step.multipart) return step;
    const multipart = step.multipart.map((part) =>
      part.file === undefined
        ? part
        : { ...part, content: declaredFile(folder, part.file), filename: basename(part.file) },
    );
    return { ...step, multipart };
  });
}
