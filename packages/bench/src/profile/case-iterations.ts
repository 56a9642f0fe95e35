import { redirectAuthoring } from "../redirect-authoring.ts";
import { openCase } from "./open-case.ts";

// What runs under valgrind: one case, named in this module's own URL, a given number of times.

redirectAuthoring();
const query = new URL(import.meta.url).searchParams;
const opened = await openCase(query.get("file") ?? "", query.get("case") ?? "");

export const iterate = (iterations: number): Promise<void> => opened.iterate(iterations);
