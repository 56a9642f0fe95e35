import { FlowNode, type NativeFunction, type NativeObject, type Value } from "./values.ts";

/**
 * What the analysis must know of k6's API: which functions block, which call the functions they are given, and what is
 * got hold of through them. What is absent here returns nothing that blocks.
 */
type Members = Readonly<Record<string, () => Value>>;

function object(name: string, members: Members, any?: () => Value): NativeObject {
  const made = new Map<string, Value>();
  const self: NativeObject = {
    type: "object",
    name,
    read(member) {
      const known = made.get(member);
      if (known) return known;
      const make = Object.hasOwn(members, member) ? members[member] : any;
      if (!make) return undefined;
      const value = make();
      made.set(member, value);
      return value;
    },
    *all() {
      for (const member of Object.keys(members)) yield self.read(member) as Value;
      if (any) yield any();
    },
  };
  return self;
}

const lazy = (make: () => Value): (() => Value) => {
  let value: Value | undefined;
  return () => (value ??= make());
};

const native = (name: string, rest: Partial<NativeFunction> = {}): (() => NativeFunction) => {
  const made: NativeFunction = { type: "native", name, blocks: false, ...rest };
  return () => made;
};

const blocking = (name: string, returns?: () => Value): (() => NativeFunction) =>
  native(name, { blocks: true, ...(returns && { returns }) });

const later = (name: string): (() => NativeFunction) => native(name, { callbacks: "later" });

function each<K extends string>(names: readonly K[], make: (name: K) => () => Value): Record<K, () => Value> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<K, () => Value>;
}

const selection: () => Value = lazy(() =>
  object("Selection", {
    ...each(["each", "map", "filter", "is", "not"], (name) =>
      native(`Selection.${name}`, { callbacks: "during", callbackArgument: selection, returns: selection }),
    ),
    ...each(
      ["find", "first", "last", "eq", "parent", "parents", "children", "closest", "next", "prev", "slice"],
      (name) => native(`Selection.${name}`, { returns: selection }),
    ),
  }),
);

const response: () => Value = lazy(() =>
  object("Response", {
    submitForm: blocking("Response.submitForm", response),
    clickLink: blocking("Response.clickLink", response),
    html: native("Response.html", { returns: selection }),
    // An asyncRequest gives a promise of one; `await` lets values through.
    ...each(["then", "catch", "finally"], (name) =>
      native(`Promise.${name}`, { callbacks: "later", callbackArgument: response, returns: response }),
    ),
  }),
);

const responses: () => Value = lazy(() => object("responses of a batch", {}, response));

const methods = ["get", "head", "post", "put", "patch", "del", "options", "request"] as const;

const http = (): Value =>
  object("http", {
    ...each(methods, (name) => blocking(`http.${name}`, response)),
    batch: blocking("http.batch", responses),
    asyncRequest: native("http.asyncRequest", { returns: response }),
  });

const socket: () => Value = lazy(() =>
  object(
    "Socket",
    each(["on", "setTimeout", "setInterval"], (name) => later(`socket.${name}`)),
  ),
);

const webSocket: () => Value = lazy(() =>
  object("WebSocket", { addEventListener: later("WebSocket.addEventListener") }),
);

const timers: Members = each(["setTimeout", "setInterval"], later);

const modules: Readonly<Record<string, () => NativeObject>> = {
  k6: () =>
    object("k6", {
      sleep: blocking("sleep"),
      group: native("group", { callbacks: "during" }),
      check: native("check", { callbacks: "during" }),
    }),
  "k6/http": () => http() as NativeObject,
  "k6/html": () => object("k6/html", { parseHTML: native("parseHTML", { returns: selection }) }),
  "k6/ws": () =>
    object("ws", { connect: native("ws.connect", { blocks: true, callbacks: "during", callbackArgument: socket }) }),
  "k6/websockets": () => object("k6/websockets", { WebSocket: native("WebSocket", { returns: webSocket }) }),
  "k6/timers": () => object("k6/timers", timers),
};

const aliases: Readonly<Record<string, string>> = {
  "k6/experimental/websockets": "k6/websockets",
  "k6/experimental/timers": "k6/timers",
};

/** The object that importing a module of k6 gives; its `default` is the object itself. */
export function nativeModule(name: string): NativeObject {
  const members = (modules[aliases[name] ?? name] ?? (() => object(name, {})))();
  const self: NativeObject = {
    type: "object",
    name: members.name,
    read: (member) => (member === "default" ? self : members.read(member)),
    all: () => members.all(),
  };
  return self;
}

/** Functions that scripts find without an import. */
export const nativeGlobals: Readonly<Record<string, Value>> = Object.fromEntries(
  Object.entries(timers).map(([name, make]) => [name, make()]),
);

export const isFlowNode = (value: Value | FlowNode): value is FlowNode => value instanceof FlowNode;
