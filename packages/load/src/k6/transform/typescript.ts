import { stripTypeScriptTypes } from "node:module";
import { messageOf } from "@mettle/core";
import { k6Errors } from "../errors.ts";
import { quietly } from "../quietly.ts";

/**
 * Types of a TypeScript source become blanks, so that every position stays. What would need more than that (enums,
 * namespaces, parameter properties) is refused by Node with `ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX`.
 */
export function withoutTypes(source: string, file: string): string {
  try {
    return quietly(() => stripTypeScriptTypes(source, { mode: "strip" }));
  } catch (error) {
    // The position is only in the head of the stack: "file:line", some lines of the source, and carets under the place.
    const [head = "", ...rest] = error instanceof Error ? (error.stack ?? "").split("\n") : [];
    const caret = rest.find((text) => /^\s*\^+$/.test(text)) ?? "";
    const line = /:(\d+)$/.exec(head)?.[1];
    const place = line === undefined ? file : `${file}:${line}:${caret.indexOf("^") + 1}`;
    throw k6Errors.create("K6_SYNTAX", `${place}: ${messageOf(error)}`, {
      cause: error,
      details: { file, line: line === undefined ? undefined : Number(line), column: caret.indexOf("^") + 1 },
      ...((error as { code?: unknown }).code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX" && {
        next: "Write it in JavaScript's own terms, such as a const object in place of an enum.",
      }),
    });
  }
}
