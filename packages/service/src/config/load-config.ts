import { messageOf } from "@mettle/core";
import { serviceErrors } from "../errors.ts";
import { type Setting, valueOf } from "./setting.ts";
import { type ServiceConfig, settings } from "./settings.ts";

type Name = keyof ServiceConfig;
const settingNames = Object.keys(settings) as readonly Name[];

/**
 * Reads every setting: from the environment, else from the file's object, else its default. An empty variable is none.
 *
 * @param file - the parsed configuration file
 * @throws MettleError `SERVICE_CONFIG_INVALID`, with every mistake at once
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>>,
  file: Readonly<Record<string, unknown>> = {},
): ServiceConfig {
  const mistakes = Object.keys(file)
    .filter((name) => !Object.hasOwn(settings, name))
    .map((name) => `${name} is no setting`);
  const values = settingNames.map((name): [string, unknown] => {
    const setting: Setting<unknown> = settings[name];
    const [given, from] = givenFor(name, environment, file);
    try {
      return [name, given === undefined ? undefined : valueOf(setting, given)];
    } catch (error) {
      mistakes.push(`${from} ${messageOf(error)}`);
      return [name, undefined];
    }
  });
  const config = Object.fromEntries(values) as unknown as ServiceConfig;
  if (mistakes.length === 0) mistakes.push(...contradictions(config));
  if (mistakes.length > 0) {
    throw serviceErrors.create("SERVICE_CONFIG_INVALID", `Settings are wrong: ${mistakes.join("; ")}.`, {
      details: { mistakes },
    });
  }
  return config;
}

function givenFor(
  name: Name,
  environment: Readonly<Record<string, string | undefined>>,
  file: Readonly<Record<string, unknown>>,
): readonly [text: string | undefined, from: string] {
  const { variable, default: fallback } = settings[name];
  const fromEnvironment = environment[variable];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return [fromEnvironment, variable];
  const written = Object.hasOwn(file, name) ? file[name] : undefined;
  if (written === undefined || written === null) return [fallback, name];
  if (typeof written === "boolean") return [written ? "on" : "off", name];
  if (Array.isArray(written)) return [written.join(","), name];
  // An object is no value of any setting: its text is refused by each of them.
  return [typeof written === "string" ? written : JSON.stringify(written), name];
}

function contradictions(config: ServiceConfig): readonly string[] {
  const { poolMin, poolMax, modelBaseUrl, modelName, embeddingBaseUrl, embeddingName } = config;
  return [
    ...(poolMin > poolMax ? [`METTLE_POOL_MIN (${poolMin}) is above METTLE_POOL_MAX (${poolMax})`] : []),
    ...(modelBaseUrl !== undefined && modelName === undefined ? ["MODEL_BASE_URL needs MODEL_NAME"] : []),
    ...(embeddingBaseUrl !== undefined && embeddingName === undefined
      ? ["EMBEDDING_BASE_URL needs EMBEDDING_NAME"]
      : []),
  ];
}
