import type { Provided } from "../transform/program.ts";
import { formDataModule } from "../jslib/form-data.ts";
import { utilsModule } from "../jslib/utils.ts";
import { K6Element } from "../html/element.ts";
import { parseHtml, Selection } from "../html/selection.ts";
import { lazyMembers } from "../runtime/lazy-members.ts";
import type { UserContext } from "../runtime/user-context.ts";
import { jUnit, textSummary } from "../summary/script-functions.ts";
import { cryptoModule } from "./crypto.ts";
import { dataModule } from "./data.ts";
import { encodingModule } from "./encoding.ts";
import { executionModule } from "./execution.ts";
import { csvModule, fsModule } from "./files.ts";
import { httpMembers, HttpParts } from "./http.ts";
import { k6Members } from "./k6.ts";
import { metricsMembers } from "./metrics.ts";
import { secretsModule } from "./secrets.ts";
import { timerFunctions } from "./timers.ts";
import { webSocketsModule } from "./websockets.ts";
import { wsModule } from "./ws.ts";

type Make = (context: UserContext) => Record<string, unknown>;

/** Modules that most scripts import: only what is used of them is made for a user. */
const lazyModules = {
  k6: lazyMembers(k6Members),
  "k6/http": lazyMembers(httpMembers),
  "k6/metrics": lazyMembers(metricsMembers),
} as const;

const timersModule: Make = (context) => ({ ...timerFunctions(context) });

/** The modules that Mettle provides, by the name that scripts import. */
const modules: Readonly<Record<string, Make>> = {
  k6: (context) => new lazyModules.k6(context),
  "k6/http": (context) => new lazyModules["k6/http"](new HttpParts(context)),
  "k6/metrics": (context) => new lazyModules["k6/metrics"](context),
  "k6/execution": executionModule,
  "k6/data": dataModule,
  "k6/encoding": () => encodingModule(),
  "k6/crypto": () => cryptoModule(),
  "k6/html": () => ({ parseHTML: (text: unknown) => parseHtml(String(text)), Selection, Element: K6Element }),
  "k6/ws": wsModule,
  "k6/websockets": webSocketsModule,
  "k6/experimental/websockets": webSocketsModule,
  "k6/secrets": secretsModule,
  "k6/timers": timersModule,
  "k6/experimental/timers": timersModule,
  "k6/experimental/fs": fsModule,
  "k6/experimental/csv": csvModule,
  "k6/experimental/streams": () => ({
    ReadableStream,
    WritableStream,
    CountQueuingStrategy,
    ByteLengthQueuingStrategy,
  }),
  "k6/experimental/webcrypto": () => ({ crypto: globalThis.crypto }),
  "jslib:k6-utils": utilsModule,
  "jslib:k6-summary": () => ({ textSummary, jUnit }),
  "jslib:formdata": () => formDataModule(),
  "jslib:url": () => ({ URL, URLSearchParams }),
};

/** Modules of k6 that are not provided, and why. */
export const refusedModules: Readonly<Record<string, string>> = {
  "k6/browser":
    "k6/browser drives a real browser, which this load generator does not; test the page's requests with k6/http, or its rendering with a browser tool",
  "k6/experimental/browser": "k6/experimental/browser drives a real browser, which this load generator does not",
  "k6/net/grpc": "k6/net/grpc is not provided; import @grpc/grpc-js from npm and await its calls",
  "k6/experimental/grpc": "k6/experimental/grpc is not provided; import @grpc/grpc-js from npm and await its calls",
  "k6/experimental/redis": "k6/experimental/redis is not provided; import a Redis client from npm and await its calls",
  "k6/experimental/tracing": "k6/experimental/tracing is not provided; set the traceparent header in the script",
};

const jslib: Readonly<Record<string, string>> = {
  "k6-utils": "jslib:k6-utils",
  "k6-summary": "jslib:k6-summary",
  formdata: "jslib:formdata",
  url: "jslib:url",
};

const names = new Map<string, ReadonlySet<string>>();

/** What a module exports, beside `default`. Found by making it once, for a user that never runs. */
function exportedNames(name: string, probe: () => UserContext): ReadonlySet<string> {
  const known = names.get(name) ?? new Set(allNames((modules[name] as Make)(probe())));
  names.set(name, known);
  return known;
}

function* allNames(members: Readonly<Record<string, unknown>>): Generator<string> {
  // Members that are not made yet are of the class.
  for (const name in members) if (name !== "default") yield name;
}

export const providedModules: readonly string[] = Object.keys(modules);

/** What stands for a specifier; undefined for one that is neither k6's nor a URL that Mettle knows. */
export function provide(specifier: string, probe: () => UserContext): { name: string; module: Provided } | undefined {
  const url = /^https?:\/\/jslib\.k6\.io\/([^/]+)\//.exec(specifier);
  const name = (url && jslib[url[1] as string]) ?? specifier;
  if (Object.hasOwn(modules, name)) return { name, module: { exports: exportedNames(name, probe) } };
  const refused = refusedModules[name];
  if (refused !== undefined) return { name, module: { refused } };
  if (name.startsWith("k6/x/")) {
    return {
      name,
      module: { refused: `${name} is an extension of k6 written in Go; import an npm package that does the same` },
    };
  }
  if (name === "k6" || name.startsWith("k6/")) return { name, module: { refused: `there is no module ${name}` } };
  return undefined;
}

/** Makes a module for one user. @param whole - with all its members, where the script passes the module around */
export function makeModule(name: string, context: UserContext, whole: boolean): Readonly<Record<string, unknown>> {
  const members = (modules[name] as Make)(context);
  if (!whole && Object.hasOwn(lazyModules, name)) return members;
  const plain = Object.fromEntries([...allNames(members)].map((each) => [each, members[each]]));
  return { ...plain, default: plain };
}
