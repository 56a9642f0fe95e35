import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CloudEvent, cloudEventProblems, fromCloudEvent, toCloudEvent } from "../../src/signals/cloud-event.ts";
import { fromHttp, toBinary, toStructured } from "../../src/signals/cloud-event-http.ts";
import { CloudEventIds } from "../../src/signals/cloud-event-id.ts";
import { SignalFactory } from "../../src/signals/signal-factory.ts";
import { makeSignal } from "./signals.ts";

const ids = new CloudEventIds(0xdead_beef);
const counter = () => {
  let next = 100;
  return { next: () => ++next };
};
const least = { specversion: "1.0", id: "1", source: "/shop", type: "orders.created" };
const read = (event: unknown, epochMs = 5) => fromCloudEvent(event, counter(), new ManualClock(epochMs));
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("outer ids", () => {
  test("are UUIDs version 7 that sort as signals were made and repeat for the same signal", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2 ** 45), fc.integer({ min: 1, max: 2 ** 42 - 1 })), { minLength: 2, maxLength: 20 }),
        (made) => {
          const sorted = made.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
          const texts = sorted.map(([time, id]) => ids.idOf(time, id));
          expect(texts).toEqual(texts.toSorted());
          expect(new Set(texts).size).toBe(new Set(sorted.map(String)).size);
          for (const [i, text] of texts.entries()) {
            expect(text).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
            expect(Number.parseInt(text.slice(0, 8) + text.slice(9, 13), 16)).toBe(sorted[i]![0]);
          }
        },
      ),
    );
  });

  test("of two runtimes differ", () => {
    expect(new CloudEventIds(1).idOf(0, 1)).not.toBe(new CloudEventIds(2).idOf(0, 1));
    expect(new CloudEventIds().idOf(0, 1)).not.toBe(new CloudEventIds().idOf(0, 1));
  });
});

describe("out and in", () => {
  test("a signal becomes an event with every attribute", () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 21, 8, 7, 0, 42));
    const signal = new SignalFactory(clock).create(
      "orders.created",
      "/shop",
      { total: 3 },
      {
        subject: "order-1",
        traceparent,
        extensions: { tenant: "acme", retries: 2, urgent: true },
      },
    );
    expect({ ...toCloudEvent(signal, ids) }).toEqual({
      specversion: "1.0",
      id: ids.idOf(signal.time, signal.id),
      source: "/shop",
      type: "orders.created",
      subject: "order-1",
      time: "2026-11-21T08:07:00.042Z",
      traceparent,
      tenant: "acme",
      retries: 2,
      urgent: true,
      data: { total: 3 },
    });
    expect(cloudEventProblems(toCloudEvent(signal, ids))).toEqual([]);
  });

  test("an event that is passed on stays the same event", () => {
    const event = {
      ...least,
      id: "theirs",
      time: "2026-11-21T09:07:00.123456+01:00",
      subject: "s",
      datacontenttype: "application/json",
      dataschema: "https://example.com/schema",
      constructor: "mine",
      traceparent,
      data: [1, { a: null }],
    };
    expect({ ...toCloudEvent(read(event), ids) }).toEqual(event);
  });

  test("an event without a time gets that of the clock", () => {
    expect(read(least, 1234).time).toBe(1234);
    expect(read({ ...least, time: "1985-04-12t23:20:50.52z" }).time).toBe(Date.UTC(1985, 3, 12, 23, 20, 50, 520));
  });

  test("ids of the runtime count up", () => {
    const next = counter();
    expect([fromCloudEvent(least, next).id, fromCloudEvent(least, next).id]).toEqual([101, 102]);
  });
});

describe("bad events", () => {
  test.each([
    [null, "it is not an object"],
    [[least], "it is not an object"],
    [{ ...least, specversion: "0.3" }, 'specversion must be "1.0"'],
    [{ ...least, id: "" }, "id must be a string that is not empty"],
    [{ ...least, source: 7 }, "source must be a string that is not empty"],
    [{ ...least, time: "yesterday" }, "time must be a time as RFC 3339 writes it"],
    [{ ...least, time: "2026-02-30" }, "time must be a time as RFC 3339 writes it"],
    [{ ...least, time: "2026-13-01T00:00:00Z" }, "time must be a time as RFC 3339 writes it"],
    [{ ...least, traceparent: "00-1-2-3" }, "traceparent must have the form of W3C trace context"],
    [{ ...least, data: 1, data_base64: "" }, "data and data_base64 exclude each other"],
    [{ ...least, data_base64: "a" }, "data_base64 must be base64"],
    [{ ...least, data_base64: "a===" }, "data_base64 must be base64"],
    [{ ...least, tenantId: "x" }, '"tenantId" is no attribute name: use a-z and 0-9'],
    [{ ...least, ["__proto__"]: "x" }, '"__proto__" is no attribute name: use a-z and 0-9'],
    [{ ...least, tenant: {} }, "tenant must be a string, a boolean or a 32-bit integer"],
    [{ ...least, tenant: 2 ** 31 }, "tenant must be a string, a boolean or a 32-bit integer"],
  ])("%j: %s", (event, problem) => {
    expect(() => read(event)).toThrow(
      expect.objectContaining({ code: "SIGNAL_INVALID", message: `The event is no CloudEvent: ${problem}.` }),
    );
  });

  test("every problem is named", () => {
    expect(cloudEventProblems({})).toHaveLength(4);
  });

  test("attributes of a prototype do not count", () => {
    expect(cloudEventProblems(Object.create(least))).toHaveLength(4);
  });

  test("a type outside the grammar has its own code", () => {
    expect(() => read({ ...least, type: "com.example/created" })).toThrow(
      expect.objectContaining({ code: "SIGNAL_TYPE_INVALID" }),
    );
  });

  test("anything at all is refused with a code or read", () => {
    const attribute = fc.oneof(fc.constantFrom(...Object.keys(least)), fc.string());
    fc.assert(
      fc.property(fc.dictionary(attribute, fc.anything()), (extra) => {
        try {
          expect(read({ ...least, ...extra }).type).toBeTypeOf("string");
        } catch (error) {
          expect(error).toMatchObject({ name: "MettleError", code: expect.stringMatching(/^SIGNAL_/) as unknown });
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("over HTTP", () => {
  /** What both modes carry unchanged: text attributes, JSON data. */
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  const event = fc
    .record({ id: text, source: text, subject: text, tenant: text, data: fc.jsonValue() })
    .map((fields): CloudEvent => ({ ...fields, specversion: "1.0", type: "a.b", datacontenttype: "application/json" }))
    .filter(({ data }) => JSON.stringify(data) === JSON.stringify(JSON.parse(JSON.stringify(data))) && safe(data));
  const safe = (data: unknown): boolean => !/__proto__|constructor/.test(JSON.stringify(data));

  test("an event survives both modes", () => {
    fc.assert(
      fc.property(event, (sent) => {
        const expected = JSON.parse(JSON.stringify(sent)) as unknown;
        for (const message of [toStructured(sent), toBinary(sent)]) {
          expect(Object.values(message.headers).every((value) => /^[\x20-\x7e]*$/.test(value))).toBe(true);
          const [received] = fromHttp(message.headers, message.body);
          expect({ ...received }).toEqual(expected);
        }
      }),
    );
  });

  test("bytes survive both modes", () => {
    const bytes = new Uint8Array([0, 255, 128, 10]);
    const sent = toCloudEvent(makeSignal("a.b", bytes), ids);
    const structured = toStructured(sent);
    expect(JSON.parse(structured.body as string)).toMatchObject({ data_base64: "AP+ACg==" });
    expect(read(fromHttp(structured.headers, structured.body)[0]).data).toEqual(bytes);
    const binary = toBinary(sent);
    expect(binary.headers["content-type"]).toBe("application/octet-stream");
    expect(read(fromHttp(binary.headers, binary.body)[0]).data).toEqual(bytes);
  });

  test("a header is percent-encoded as the binding says", () => {
    const { headers } = toBinary({ ...least, specversion: "1.0", subject: 'Euro € 😀 "100%"' });
    expect(headers["ce-subject"]).toBe("Euro%20%E2%82%AC%20%F0%9F%98%80%20%22100%25%22");
    const quoted = { ...headers, "ce-subject": String.raw`"a\"b%20c"` };
    expect(fromHttp(quoted, "")[0]?.subject).toBe('a"b c');
  });

  test("text and absent data", () => {
    const note = toBinary({ ...least, specversion: "1.0", datacontenttype: "text/plain", data: "hello" });
    expect(note.body).toBe("hello");
    expect(fromHttp(note.headers, Buffer.from("hello"))[0]).toMatchObject({ data: "hello" });
    const bare = toBinary({ ...least, specversion: "1.0" });
    expect(bare.body).toBe("");
    expect(fromHttp(bare.headers, "")[0]).not.toHaveProperty("data");
  });

  test("a batch is several events", () => {
    const headers = { "content-type": "application/cloudevents-batch+json" };
    expect(fromHttp(headers, JSON.stringify([least, { ...least, id: "2" }])).map(({ id }) => id)).toEqual(["1", "2"]);
    expect(() => fromHttp(headers, JSON.stringify(least))).toThrow(/a batch is a list/);
  });

  const structured = { "content-type": "application/cloudevents+json; charset=utf-8" };
  test.each([
    ["SIGNAL_INVALID", structured, "{"],
    ["SIGNAL_INVALID", structured, "[]"],
    ["SIGNAL_INVALID", structured, new Uint8Array([0xff])],
    ["SIGNAL_INVALID", { "content-type": "application/cloudevents+avro" }, ""],
    ["SIGNAL_INVALID", { "ce-id": "1", "ce-specversion": "1.0", "ce-source": "%ff", "ce-type": "a" }, ""],
    ["SIGNAL_INVALID", { "ce-id": "1", "ce-specversion": "1.0", "ce-source": "s", "ce-type": "a", "ce-data": "1" }, ""],
    [
      "SIGNAL_INVALID",
      { "ce-id": "1", "ce-specversion": "1.0", "ce-source": "s", "ce-type": "a", "ce-__proto__": "1" },
      "",
    ],
    ["SIGNAL_UNSAFE", structured, JSON.stringify(least).replace("}", ',"data":{"__proto__":{"admin":true}}}')],
    ["SIGNAL_UNSAFE", structured, JSON.stringify(least).replace("}", String.raw`,"data":[{"\u005f_proto__":1}]}`)],
    ["SIGNAL_UNSAFE", structured, JSON.stringify({ ...least, data: { constructor: { prototype: 1 } } })],
    ["SIGNAL_TOO_LARGE", structured, JSON.stringify({ ...least, data: "x".repeat(1024 * 1024) })],
    ["SIGNAL_TOO_LARGE", structured, JSON.stringify({ ...least, data: "€".repeat(400_000) })],
    ["SIGNAL_TOO_LARGE", structured, `{"data":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
  ])("%s: %j %.40j", (code, headers, body) => {
    expect(() => fromHttp(headers, body)).toThrow(expect.objectContaining({ code }));
    expect(Object.hasOwn(Object.prototype, "admin")).toBe(false);
  });

  test("data that JSON cannot carry is refused", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    for (const data of [cycle, 1n, () => 1]) {
      const sent = toCloudEvent(makeSignal("a", data), ids);
      expect(() => toBinary(sent)).toThrow(expect.objectContaining({ code: "SIGNAL_UNWRITABLE" }));
    }
  });

  test("data merged by whoever received it reaches no prototype", () => {
    const [event] = fromHttp(structured, JSON.stringify({ ...least, constructor: "x" }));
    const signal = read(event);
    expect(Object.getPrototypeOf(signal.extensions)).toBeNull();
    expect(signal.extensions).toMatchObject({ constructor: "x" });
  });
});

test("time of a manual clock stamps signals", async () => {
  const clock = new ManualClock(1000);
  const factory = new SignalFactory(clock);
  expect(factory.create("a", "s", 1)).toMatchObject({ id: 1, time: 1000 });
  await clock.advance(ms(5));
  expect(factory.create("a", "s", 1)).toMatchObject({ id: 2, time: 1005 });
});
