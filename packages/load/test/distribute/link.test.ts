import { ManualClock, ms, Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Link } from "../../src/distribute/link.ts";
import { type BusConnection, type Faults, MemoryBus } from "./memory-bus.ts";
import { turn, whilePassing } from "./passing-time.ts";

interface End {
  readonly link: Link;
  readonly connection: BusConnection;
  readonly heard: unknown[];
  readonly lost: string[];
}

function pair(faults: Faults = {}, maxPayload?: number): { clock: ManualClock; bus: MemoryBus; ends: [End, End] } {
  const clock = new ManualClock();
  const bus = new MemoryBus(clock, faults);
  const end = (own: string, peer: string): End => {
    const connection = bus.connect(maxPayload);
    const heard: unknown[] = [];
    const lost: string[] = [];
    const link = new Link({
      transport: connection,
      clock,
      own,
      peer,
      onMessage: (message) => void heard.push(message),
      onLost: (reason) => void lost.push(reason),
    });
    return { link, connection, heard, lost };
  };
  return { clock, bus, ends: [end("a", "b"), end("b", "a")] };
}

const until = async (clock: ManualClock, done: () => boolean, limitMs = 60_000): Promise<number> => {
  for (let passed = 0; passed <= limitMs; passed += 5) {
    await turn();
    if (done()) return passed;
    await clock.advance(ms(5));
  }
  throw new Error(`it did not happen within ${limitMs} ms`);
};

async function closeAll(clock: ManualClock, ends: readonly End[]): Promise<void> {
  await whilePassing(clock, Promise.all(ends.map(({ link }) => link.close(0))));
}

describe("a link", () => {
  test("brings every message once and in order over a network that loses, doubles and delays", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(fc.jsonValue(), { minLength: 1, maxLength: 30 }), async (seed, sent) => {
        const random = new Random(seed);
        const { clock, ends } = pair({
          loses: () => random.uniform() < 0.2,
          doubles: () => random.uniform() < 0.2,
          delayMs: () => Math.floor(random.uniform() * 300),
        });
        const [a, b] = ends;
        for (const message of sent) {
          a.link.send(message);
          b.link.send([message]);
          if (random.uniform() < 0.3) await clock.advance(ms(100));
        }
        await until(clock, () => b.heard.length >= sent.length && a.heard.length >= sent.length, 300_000);
        await closeAll(clock, ends);
        expect(b.heard).toEqual(sent);
        expect(a.heard).toEqual(sent.map((message) => [message]));
        expect([...a.lost, ...b.lost]).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test("a message larger than the server takes is sent in parts", async () => {
    const { clock, bus, ends } = pair({}, 16_384);
    const random = new Random(3);
    const large = Float64Array.from({ length: 40_000 }, () => random.uniform());
    ends[0].link.send(large);
    ends[0].link.send("after it");
    await until(clock, () => ends[1].heard.length === 2);
    expect(ends[1].heard).toEqual([large, "after it"]);
    expect(Math.max(...bus.traffic.map(({ bytes }) => bytes))).toBeLessThanOrEqual(16_384);
    await closeAll(clock, ends);
  });

  test("while one frame is under way, the next gathers: a slow network makes few frames", async () => {
    const { clock, bus, ends } = pair({ delayMs: () => 200 });
    for (let i = 0; i < 1000; i++) ends[0].link.send(i);
    await until(clock, () => ends[1].heard.length === 1000);
    expect(bus.traffic.filter(({ subject, bytes }) => subject === "b" && bytes > 5).length).toBeLessThanOrEqual(3);
    await closeAll(clock, ends);
  });

  test("an idle link stays: beats are heard", async () => {
    const { clock, bus, ends } = pair();
    await clock.advance(ms(60_000));
    expect(ends.flatMap(({ lost }) => lost)).toEqual([]);
    const beats = bus.traffic.filter(({ subject }) => subject === "b").length;
    expect(beats).toBeGreaterThan(100);
    expect(beats).toBeLessThan(125);
    await closeAll(clock, ends);
  });

  test("a killed peer is noticed by its connection, well before one that only stopped", async () => {
    const killed = pair();
    await killed.clock.advance(ms(3000));
    killed.ends[1].connection.kill();
    const seenMs = await until(killed.clock, () => killed.ends[0].lost.length > 0);
    expect(killed.ends[0].lost).toEqual([expect.stringContaining("its connection to the server is gone")]);
    expect(seenMs).toBeLessThan(2500);
    const stopped = pair();
    await stopped.clock.advance(ms(3000));
    stopped.ends[1].connection.frozen = true;
    const silentMs = await until(stopped.clock, () => stopped.ends[0].lost.length > 0);
    expect(stopped.ends[0].lost).toEqual([expect.stringMatching(/nothing was heard of it for [678]\.\d s/)]);
    expect(silentMs).toBeGreaterThan(4500);
    expect(silentMs).toBeLessThan(8000);
    await closeAll(killed.clock, killed.ends);
    await closeAll(stopped.clock, stopped.ends);
  });

  test("a connection that comes back in time loses nothing", async () => {
    const { clock, ends } = pair();
    const [a, b] = ends;
    await clock.advance(ms(1000));
    b.connection.frozen = true;
    a.link.send("sent while it was away");
    b.link.send("and from there");
    await clock.advance(ms(4000));
    expect(b.heard).toEqual([]);
    b.connection.frozen = false;
    await until(clock, () => b.heard.length > 0 && a.heard.length > 0);
    expect([a.heard, b.heard]).toEqual([["and from there"], ["sent while it was away"]]);
    expect([...a.lost, ...b.lost]).toEqual([]);
    await closeAll(clock, ends);
  });

  test("close sends what waits, and is no loss", async () => {
    const { clock, ends } = pair({ delayMs: () => 20 });
    ends[0].link.send("goodbye");
    await whilePassing(clock, ends[0].link.close());
    expect(ends[1].heard).toEqual(["goodbye"]);
    expect(ends[0].lost).toEqual([]);
    ends[0].link.send("after the end");
    await clock.advance(ms(100));
    expect(ends[1].heard).toEqual(["goodbye"]);
    await closeAll(clock, ends);
  });

  test("a closed connection ends the link with its reason", async () => {
    const { clock, ends } = pair();
    ends[0].connection.closed = true;
    await until(clock, () => ends[0].lost.length > 0);
    expect(ends[0].lost).toEqual(["the connection to the server failed: closed"]);
    await closeAll(clock, ends);
  });

  test("strangers' bytes end the link in words, they do not end the process", async () => {
    const { clock, bus, ends } = pair();
    const stranger = bus.connect();
    stranger.publish("a", new Uint8Array([1, 2]));
    await turn();
    expect(ends[0].lost).toEqual([]);
    stranger.publish("a", new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]));
    await turn();
    expect(ends[0].lost).toEqual([expect.stringContaining("what it sent cannot be used")]);
    const other = pair();
    other.bus.connect().publish("a", new Uint8Array([0, 0, 0, 9, 0, 1]));
    await turn();
    expect(other.ends[0].lost).toEqual([expect.stringContaining("out of step")]);
    await closeAll(clock, ends);
    await closeAll(other.clock, other.ends);
  });
});
