import { networkInterfaces } from "node:os";
import { once } from "node:events";
import { get, type IncomingMessage, request } from "node:http";
import { ManualClock, ms } from "@mettle/core";
import { afterEach, describe, expect, test } from "vitest";
import { LiveServer, type LiveServerOptions } from "../../src/live/live-server.ts";
import type { LiveFrame, LiveStart } from "../../src/live/wire.ts";
import { about, moment } from "../moments.ts";

const opened: AsyncDisposable[] = [];
const responses: IncomingMessage[] = [];
afterEach(async () => {
  for (const response of responses.splice(0)) response.destroy();
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

async function serve(options: Partial<LiveServerOptions> = {}): Promise<LiveServer> {
  const server = await LiveServer.listen(about, { host: "127.0.0.1", port: 0, ...options });
  opened.push(server);
  return server;
}

interface Told {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

/** Reads a stream of events one by one. */
class Events {
  readonly #response: IncomingMessage;
  #text = "";

  constructor(response: IncomingMessage) {
    this.#response = response.setEncoding("utf8");
    response.on("data", (part: string) => (this.#text += part));
  }

  static async of(server: LiveServer, headers: Readonly<Record<string, string>> = {}): Promise<Events> {
    const [response] = (await once(get(new URL("/events", server.url), { headers }), "response")) as [IncomingMessage];
    responses.push(response);
    if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}`);
    return new Events(response);
  }

  async next(): Promise<Told> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end < 0) {
        await once(this.#response, "data");
        continue;
      }
      const lines = this.#text.slice(0, end).split("\n");
      this.#text = this.#text.slice(end + 2);
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const [event, data] = [field("event"), field("data")];
      if (event !== undefined) return { event, id: field("id"), data: JSON.parse(data ?? "null") };
    }
  }
}

describe("the live server", () => {
  test("tells a viewer everything so far, then each second as it comes", async () => {
    const server = await serve();
    for (let second = 1; second <= 3; second++) server.update(moment(second));
    const events = await Events.of(server);
    expect(responses[0]?.headers["content-type"]).toMatch(/^text\/event-stream/);
    const { event, data } = await events.next();
    expect(event).toBe("start");
    const start = data as LiveStart;
    expect(start.about).toEqual(about);
    expect(start.ticks.map(({ atMs }) => atMs)).toEqual([1000, 2000, 3000]);
    expect(start.recent[0]?.[1]).toEqual([40e6, null, 41e6]);
    server.update(moment(4));
    const frame = await events.next();
    expect(frame.event).toBe("frame");
    expect((frame.data as LiveFrame).atMs).toBe(4000);
  });

  test("who comes back is told what was missed, as long as it is kept", async () => {
    const server = await serve({ keptSeconds: 5 });
    server.update(moment(1));
    const first = await Events.of(server);
    const { id } = await first.next();
    for (let second = 2; second <= 4; second++) server.update(moment(second));
    const again = (await (await Events.of(server, { "Last-Event-ID": id ?? "" })).next()).data as LiveStart;
    expect(again.ticks.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    for (let second = 5; second <= 10; second++) server.update(moment(second));
    const late = (await (await Events.of(server, { "Last-Event-ID": id ?? "" })).next()).data as LiveStart;
    expect(late.ticks.map(({ seq }) => seq)).toEqual([6, 7, 8, 9, 10]);
    // The id of another run, or no id at all, means nothing here.
    for (const strange of ["x/3", "", "/", `${id?.split("/")[0]}/-1`]) {
      const start = (await (await Events.of(server, { "Last-Event-ID": strange })).next()).data as LiveStart;
      expect(
        start.ticks.map(({ seq }) => seq),
        strange,
      ).toEqual([6, 7, 8, 9, 10]);
    }
  });

  test("the page shows how things stand, whole without scripts, and forbids everything it does not need", async () => {
    const server = await serve();
    server.update(moment(7));
    const response = await fetch(server.url);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).toContain("00:07 shop: all rules held so far");
  });

  test("serves its modules and nothing beside them", async () => {
    const server = await serve();
    for (const path of [
      "/etc/passwd",
      "/m/dashboard/../../package.json",
      "/m/dashboard/%2e%2e/%2e%2e/package.json",
      "/m/dashboard/browser/nothing.js",
      "/m/stats/index.js",
      "/m/__proto__/index.js",
      "/%E0%A4%A",
      "/report",
    ]) {
      expect((await fetch(new URL(path, server.url))).status, path).toBe(404);
    }
  });

  test("only reads are answered, and only under a name of this machine", async () => {
    const server = await serve();
    expect((await fetch(server.url, { method: "POST" })).status).toBe(405);
    const statusUnder = async (host: string): Promise<number | undefined> => {
      const [response] = (await once(request(server.url, { headers: { host } }).end(), "response")) as [
        IncomingMessage,
      ];
      response.resume();
      return response.statusCode;
    };
    expect(await statusUnder("evil.example")).toBe(421);
    expect(await statusUnder("127.0.0.1.evil.example:80")).toBe(421);
    expect(await statusUnder("localhost:1234")).toBe(200);
    expect(await statusUnder("[::1]:1234")).toBe(200);
  });

  test("bound elsewhere, only who knows the token sees anything; it moves from the address into a cookie", async () => {
    const server = await serve({ host: "0.0.0.0" });
    const url = new URL(server.url);
    // What it is bound to is no address that anyone could open: one of the machine's is, where it has any.
    const others = Object.values(networkInterfaces()).flatMap((each = []) => each.filter(({ internal }) => !internal));
    const own = others.filter(({ family }) => family === "IPv4").map(({ address }) => address);
    if (own.length > 0) expect(own).toContain(url.hostname);
    url.hostname = "127.0.0.1";
    expect(url.searchParams.get("token")).toMatch(/^[\w-]{20,}$/);
    const bare = new URL("/", url);
    expect((await fetch(bare)).status).toBe(401);
    expect((await fetch(new URL("/events", url))).status).toBe(401);
    expect((await fetch(new URL("/?token=wrong", url))).status).toBe(401);
    const welcome = await fetch(url, { redirect: "manual" });
    expect(welcome.status).toBe(303);
    expect(welcome.headers.get("location")).toBe("/");
    const cookie = welcome.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    const kept = cookie.split(";", 1)[0] ?? "";
    expect((await fetch(bare, { headers: { cookie: kept } })).status).toBe(200);
    expect((await fetch(bare, { headers: { cookie: `${kept}x` } })).status).toBe(401);
  });

  test("one viewer more than there may be is asked to come again", async () => {
    const server = await serve({ mostViewers: 2 });
    await Events.of(server);
    await Events.of(server);
    const third = await fetch(new URL("/events", server.url));
    expect(third.status).toBe(503);
    expect(third.headers.get("retry-after")).toBe("5");
  });

  test("a viewer who does not read costs bounded memory, holds nobody up, and is told again when he reads", async () => {
    const server = await serve();
    server.update(moment(1));
    const lazy = await Events.of(server);
    await lazy.next();
    responses.at(-1)?.pause();
    const awake = await Events.of(server);
    await awake.next();
    const seconds = 20_000;
    for (let second = 2; second <= seconds; second++) server.update(moment(second));
    responses[0]?.resume();
    let last: Told = await lazy.next();
    // What was kept for him, here and by the system, is a small part; the next second brings him up to date.
    let kept = 0;
    while (last.event === "frame") {
      kept += 1;
      server.update(moment(seconds + 1));
      last = await lazy.next();
    }
    expect(last.event).toBe("start");
    expect(kept).toBeLessThan(seconds / 4);
  });

  test("at the end the page becomes the report, and nobody is waited for who does not come", async () => {
    const clock = new ManualClock();
    const server = await serve({ clock });
    server.update(moment(60));
    const events = await Events.of(server);
    await events.next();
    const finished = server.finish("<!doctype html><title>report</title>");
    expect(await events.next()).toEqual({ event: "end", id: undefined, data: { report: true } });
    expect(await (await fetch(new URL("/report", server.url))).text()).toContain("<title>report</title>");
    await finished;

    const other = await serve({ clock });
    await (await Events.of(other)).next();
    const alone = other.finish("<!doctype html>");
    await clock.advance(ms(3000));
    await alone;
  });

  test("without a viewer the end is at once", async () => {
    const server = await serve({ clock: new ManualClock() });
    await server.finish("<!doctype html>");
    expect(server.viewers).toBe(0);
  });

  test("an address that is taken is said with what to do", async () => {
    const server = await serve();
    const port = Number(new URL(server.url).port);
    await expect(serve({ port })).rejects.toMatchObject({ code: "DASHBOARD_ADDRESS_TAKEN" });
  });
});
