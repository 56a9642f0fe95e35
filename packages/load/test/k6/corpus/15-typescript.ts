import http, { type Response } from "k6/http";
import { check } from "k6";
import type { Options } from "k6/options";
import { Client, type Item } from "./lib/client.ts";

export const options: Options = { iterations: 1 };

const client: Client<Item> = new Client<Item>(__ENV["URL"] as string);

export default function (): void {
  const item: Item = client.create({ name: "a" });
  check(item, { "has name": (i: Item) => i.name === "a" });
  const r: Response = http.get(client.url("/json"));
  check(r, { ok: (x: Response): boolean => x.status === 200 });
}
