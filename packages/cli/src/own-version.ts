import { readFile } from "node:fs/promises";

/** Of the installed command. */
export async function ownVersion(): Promise<string> {
  const file = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return file.version;
}
