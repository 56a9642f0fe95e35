import type { ModelLoadParameters } from "../agent/model-load.ts";
import type { ConvertedLoadParameters } from "../convert/converted-load.ts";
import type { LoadSource } from "../engine/load-test.ts";
import type { K6LoadParameters } from "../k6/load-test.ts";
import type { DeclarativeParameters } from "./declarative.ts";
import type { ScriptParameters } from "./script-source.ts";
import type { UrlLoadParameters } from "./url-load.ts";

/** What each kind of load test is made from. */
interface ParametersOf {
  readonly url: UrlLoadParameters;
  readonly script: ScriptParameters;
  readonly declarative: DeclarativeParameters;
  readonly k6: K6LoadParameters;
  readonly model: ModelLoadParameters;
  readonly converted: ConvertedLoadParameters;
}
export type SourceKind = keyof ParametersOf;

/** Module, from here and without its ending, and function. */
const factories: Readonly<Record<SourceKind, readonly [module: string, factory: string]>> = {
  url: ["./url-load", "urlLoad"],
  script: ["./script-source", "scriptLoad"],
  declarative: ["./declarative", "declarativeLoad"],
  k6: ["../k6/load-test", "k6Load"],
  model: ["../agent/model-load", "modelLoad"],
  converted: ["../convert/converted-load", "convertedLoad"],
};

/**
 * What a thread is told so that it makes a load test of one of our kinds. It names the very module that makes it: a thread
 * that imported this whole package would spend half a CPU second on readers of foreign formats before its first request.
 */
export function loadSource<Kind extends SourceKind>(kind: Kind, parameters: ParametersOf[Kind]): LoadSource {
  const [path, factory] = factories[kind];
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  return { module: new URL(`${path}${extension}`, import.meta.url).href, factory, parameters };
}

/** Which of our kinds a source is of; undefined for a source of somebody else's. */
export function kindOf({ module, factory }: LoadSource): SourceKind | undefined {
  const kinds = Object.keys(factories) as SourceKind[];
  return kinds.find((kind) => {
    const own = loadSource(kind, {} as never);
    return own.module === module && own.factory === factory;
  });
}
