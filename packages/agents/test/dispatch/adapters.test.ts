import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ManualClock, ms } from "@mettle/core";
import { afterEach, describe, expect, test } from "vitest";
import { SignalBus } from "../../src/bus/bus.ts";
import {
  busDispatch,
  consoleDispatch,
  type DispatchAdapter,
  dispatchToAll,
  inProcessDispatch,
  loggerDispatch,
  namedDispatch,
  natsDispatch,
  noopDispatch,
} from "../../src/dispatch/adapter.ts";
import { webhookDispatch } from "../../src/dispatch/webhook.ts";
import { verifyWebhook, WebhookSecret } from "../../src/dispatch/webhook-signature.ts";
import { AgentRegistry } from "../../src/registry/registry.ts";
import type { SignalSink } from "../../src/bus/subscription.ts";
import { CloudEventIds } from "../../src/signals/cloud-event-id.ts";
import { fromHttp } from "../../src/signals/cloud-event-http.ts";
import { makeSignal } from "../signals/signals.ts";

const ids = new CloudEventIds(1);
const key = Buffer.alloc(24, 7);
const secret = new WebhookSecret(`whsec_${key.toString("base64")}`);
const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;
const dispatch = async (adapter: DispatchAdapter, data: unknown = 1, abort?: AbortSignal): Promise<void> =>
  adapter.dispatch(makeSignal("a.b", data), abort);

function mailbox(room = 10) {
  const held: unknown[] = [];
  const sink: SignalSink = { offer: ({ data }) => held.length < room && held.push(data) > 0 };
  return { held, sink };
}

describe("within the process", () => {
  test("into a mailbox, or an error when it is full", async () => {
    const { held, sink } = mailbox(1);
    const adapter = inProcessDispatch(sink);
    await dispatch(adapter);
    expect(held).toEqual([1]);
    await expect(dispatch(adapter)).rejects.toThrow(code("DISPATCH_TARGET_FULL"));
  });

  test("to whoever has the name now", async () => {
    const registry = new AgentRegistry<SignalSink>();
    const adapter = namedDispatch(registry, "prod", "ada");
    await expect(dispatch(adapter)).rejects.toThrow("Nobody is registered as prod/ada.");
    const { held, sink } = mailbox();
    registry.register({ namespace: "prod", name: "ada", agent: sink, metadata: { type: "t" } });
    await dispatch(adapter);
    expect(held).toEqual([1]);
    registry.unregister("prod", "ada");
    await expect(dispatch(adapter)).rejects.toThrow(code("DISPATCH_TARGET_MISSING"));
  });

  test("to a bus", async () => {
    const bus = new SignalBus();
    const { held, sink } = mailbox();
    bus.subscribeSink("a.*", sink);
    await dispatch(busDispatch(bus));
    expect(held).toEqual([1]);
    await bus.close();
    await expect(dispatch(busDispatch(bus))).rejects.toThrow(code("BUS_CLOSED"));
  });

  test("nowhere", async () => {
    expect(await dispatch(noopDispatch)).toBeUndefined();
  });
});

describe("to text", () => {
  test("a logger gets a record without the data", async () => {
    const records: unknown[] = [];
    await dispatch(loggerDispatch({ info: (record, message) => records.push([record, message]) }), "private");
    expect(records).toEqual([
      [{ signal: expect.objectContaining({ type: "a.b", source: "test" }) as unknown }, "signal"],
    ]);
    expect(JSON.stringify(records)).not.toContain("private");
  });

  test("a console gets a CloudEvent per line", async () => {
    let text = "";
    const adapter = consoleDispatch(ids, { write: (part) => (text += part) });
    await dispatch(adapter, { line: "one\ntwo" });
    await dispatch(adapter, 2);
    expect(text.split("\n").map((line) => line && (JSON.parse(line) as { data: unknown }).data)).toEqual([
      { line: "one\ntwo" },
      2,
      "",
    ]);
  });
});

test("NATS gets the type as subject and is flushed", async () => {
  const calls: unknown[] = [];
  const adapter = natsDispatch(
    {
      publish: (subject, payload) => calls.push([subject, JSON.parse(Buffer.from(payload).toString())]),
      flush: async () => void calls.push("flushed"),
    },
    ids,
    "mettle.",
  );
  await dispatch(adapter, 5);
  expect(calls).toEqual([["mettle.a.b", expect.objectContaining({ type: "a.b", data: 5 })], "flushed"]);
});

test("to all: each is tried, and what failed is told together", async () => {
  const { held, sink } = mailbox();
  const bad: DispatchAdapter = {
    name: "bad",
    dispatch: () => {
      throw new Error("no");
    },
  };
  const all = dispatchToAll([bad, inProcessDispatch(sink)]);
  expect(all.name).toBe("bad+in-process");
  await expect(dispatch(all)).rejects.toMatchObject({
    code: "DISPATCH_FAILED",
    message: "1 of 2 adapters failed.",
    cause: { errors: [new Error("no")] },
  });
  expect(held).toEqual([1]);
  expect(await dispatch(dispatchToAll([noopDispatch]))).toBeUndefined();
});

describe("webhooks", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function serve(handle: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void) {
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => handle(request, response, Buffer.concat(parts)));
    });
    servers.push(server);
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  }

  test("arrive signed, as events, and can be verified", async () => {
    const clock = new ManualClock(1_700_000_000_500);
    const received = Promise.withResolvers<{ id: string; data: unknown }>();
    const url = await serve((request, response, body) => {
      const id = verifyWebhook(
        request.headers,
        body,
        [new WebhookSecret(`whsec_${Buffer.alloc(32, 1).toString("base64")}`), secret],
        clock,
      );
      received.resolve({ id, data: fromHttp(request.headers, body)[0]?.data });
      response.writeHead(202).end("thanks");
    });
    const adapter = webhookDispatch({ url, secret, ids, clock });
    const signal = makeSignal("a.b", { total: "12 €" }, { time: 1_700_000_000_000 });
    await adapter.dispatch(signal);
    expect(await received.promise).toEqual({ id: ids.idOf(signal.time, signal.id), data: { total: "12 €" } });
    expect(adapter.name).toMatch(/^webhook:127\.0\.0\.1:\d+$/);
  });

  test.each([
    [400, "DISPATCH_REFUSED", false],
    [301, "DISPATCH_REFUSED", false],
    [408, "DISPATCH_FAILED", true],
    [429, "DISPATCH_FAILED", true],
    [503, "DISPATCH_FAILED", true],
  ])("an answer of %d is %s", async (status, expected, retryable) => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests += 1;
      response.writeHead(status, { location: "/elsewhere" }).end();
    });
    const adapter = webhookDispatch({ url, secret, ids });
    await expect(dispatch(adapter)).rejects.toMatchObject({ code: expected, retryable, details: { status } });
    expect(requests).toBe(1);
  });

  test("one that is not answered fails in time; one given up does so at once", async () => {
    const clock = new ManualClock();
    const arrived: (() => void)[] = [];
    const url = await serve(() => arrived.shift()?.());
    const adapter = webhookDispatch({ url, secret, ids, clock, timeout: ms(50) });
    const late = Promise.withResolvers<void>();
    arrived.push(late.resolve);
    const outcome = Promise.allSettled([dispatch(adapter)]);
    await late.promise;
    await clock.advance(ms(50));
    expect(await outcome).toMatchObject([{ reason: { message: "The webhook failed: no answer within 50 ms." } }]);
    const abort = new AbortController();
    const second = Promise.withResolvers<void>();
    arrived.push(second.resolve);
    const given = dispatch(adapter, 1, abort.signal);
    await second.promise;
    abort.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    await expect(dispatch(adapter, 1, abort.signal)).rejects.toThrow("enough");
  });

  test("a receiver that cannot be reached is a failure that may pass", async () => {
    const url = await serve(() => undefined);
    servers[0]?.close();
    await expect(dispatch(webhookDispatch({ url, secret, ids }))).rejects.toMatchObject({
      code: "DISPATCH_FAILED",
      retryable: true,
    });
  });

  test.each(["ftp://x/", "nonsense", "http://user:password@x/", ""])("the address %j is refused", (url) => {
    expect(() => webhookDispatch({ url, secret, ids })).toThrow(code("DISPATCH_OPTIONS_INVALID"));
  });
});

describe("signatures", () => {
  const clock = new ManualClock(1_700_000_000_000);
  const signed = (more: object = {}) => ({
    "webhook-id": "m1",
    "webhook-timestamp": "1700000000",
    // As the standard defines it, written out.
    "webhook-signature": `v1,${createHmac("sha256", key).update("m1.1700000000.body").digest("base64")}`,
    ...more,
  });

  test("are those of Standard Webhooks", () => {
    expect(secret.sign("m1", 1_700_000_000, "body")).toBe(signed()["webhook-signature"]);
    expect(verifyWebhook(signed(), "body", [secret], clock)).toBe("m1");
    const several = `v1a,xyz v1,AAAA ${signed()["webhook-signature"]}`;
    expect(verifyWebhook(signed({ "webhook-signature": several }), Buffer.from("body"), [secret], clock)).toBe("m1");
  });

  test.each([
    ["another body", signed(), "Body", [secret]],
    ["another id", signed({ "webhook-id": "m2" }), "body", [secret]],
    ["another secret", signed(), "body", [new WebhookSecret(`whsec_${Buffer.alloc(24, 8).toString("base64")}`)]],
    ["no secret", signed(), "body", []],
    ["no signature", signed({ "webhook-signature": undefined }), "body", [secret]],
    ["an empty signature", signed({ "webhook-signature": "v1," }), "body", [secret]],
    ["no time", signed({ "webhook-timestamp": "now" }), "body", [secret]],
  ])("with %s nothing is verified", (_, headers, body, secrets) => {
    expect(() => verifyWebhook(headers, body, secrets, clock)).toThrow(code("WEBHOOK_SIGNATURE_INVALID"));
  });

  test.each([-301, 301])("%d seconds away is too far", (seconds) => {
    const time = String(1_700_000_000 + seconds);
    const headers = {
      "webhook-id": "m1",
      "webhook-timestamp": time,
      "webhook-signature": secret.sign("m1", Number(time), "body"),
    };
    expect(() => verifyWebhook(headers, "body", [secret], clock)).toThrow("its time is not now");
    expect(verifyWebhook(headers, "body", [secret], clock, ms(301_000))).toBe("m1");
  });

  test.each([
    "",
    "whsec_",
    "secret",
    "whsec_****",
    `whsec_${Buffer.alloc(23).toString("base64")}`,
    `whsec_${Buffer.alloc(65).toString("base64")}`,
  ])("%j is no secret, and no error tells it", (text) => {
    expect(() => new WebhookSecret(text)).toThrow(code("DISPATCH_OPTIONS_INVALID"));
  });
});
